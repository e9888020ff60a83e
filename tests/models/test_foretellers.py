"""What foretells by NumPy alone says what torch says, and travels as arrays."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from models.encoder import SequenceEncoder
from models.foretellers import CONTEXT, Components, Recurrent, foreteller_of
from models.foretelling import learned_components
from models.normal_life import Scale


def course(seed, instants=120, signals=5):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(instants, signals)), axis=0)
    values[::7, 1] = np.nan
    return Scale.of(values).read(values)


@pytest.fixture(scope="module")
def encoder():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return SequenceEncoder(10, 5).eval()


@pytest.fixture(scope="module")
def components():
    return learned_components([np.cumsum(np.random.default_rng(4).normal(size=(400, 5)), axis=0)])


def test_the_encoder_foretells_as_torch_does(encoder):
    read = course(1)
    places = np.array([CONTEXT, 70, 119])
    ours = Recurrent.of(load(encoder.weights())).foretell(read, places)
    with torch.inference_mode():
        steps = torch.from_numpy(read[places[:, None] + np.arange(-CONTEXT, 0)])
        theirs = encoder.next(encoder(steps)[:, -1]).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_components_are_a_projection_of_the_context(components):
    read = course(2)
    places = np.array([CONTEXT, 90])
    contexts = read[places[:, None] + np.arange(-CONTEXT, 0)].reshape(2, -1)
    flat = components.weights.reshape(contexts.shape[1], -1)
    np.testing.assert_allclose(components.position(read, places), contexts @ flat, atol=1e-4)
    np.testing.assert_allclose(flat.T @ flat, np.eye(flat.shape[1]), atol=1e-4)


@pytest.mark.parametrize("name", ["encoder", "components"])
def test_the_instant_itself_and_what_comes_later_change_nothing(name, encoder, components):
    foreteller = Recurrent.of(load(encoder.weights())) if name == "encoder" else components
    read = course(3)
    later = read.copy()
    later[60:] = 9.0
    places = np.arange(CONTEXT, 61)
    told = foreteller.foretell(read, places)
    np.testing.assert_allclose(foreteller.foretell(later, places), told, atol=1e-5)
    again = foreteller_of(name, foreteller.arrays(), 5)
    np.testing.assert_array_equal(again.foretell(read, places), told)


def test_a_signal_that_never_moves_is_foretold_as_it_is():
    told = learned_components([np.full((200, 2), 7.0)])
    read = Scale.of(np.full((200, 2), 7.0)).read(np.full((60, 2), 7.0))
    np.testing.assert_allclose(told.foretell(read, np.arange(CONTEXT, 60)), 0.0, atol=1e-5)


def test_arrays_of_other_signals_are_refused(components):
    with pytest.raises(ValueError, match=r"reshape|not 4"):
        foreteller_of("components", components.arrays(), 4)
    broken = components.arrays() | {"tells_bias": np.full(5, np.nan, np.float32)}
    with pytest.raises(ValueError, match="finite"):
        foreteller_of("components", broken, 5)
    with pytest.raises(KeyError):
        foreteller_of("oracle", components.arrays(), 5)
    assert isinstance(foreteller_of("components", components.arrays(), 5), Components)
