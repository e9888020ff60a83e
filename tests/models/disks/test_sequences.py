"""What an encoder reads in the course of a disk's values."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import torch

from models.disks.history import COLUMNS, SMART, History
from models.disks.sequences import WEEK_HOURS, WEEKS, DiskEncoder, sequences
from models.encoder import EMBEDDING

EPOCH_HOURS = (date(2020, 1, 1) - date(1970, 1, 1)).days * 24
DAYS = 400


def rows():
    """Return 30 disks; every third gains a pending sector each week, from some day on."""
    rng = np.random.default_rng(1)
    for number in range(30):
        sick = int(rng.integers(50, 200))
        begins = [0, *(range(sick, DAYS, 7) if number % 3 == 0 else [])]
        for place, begin in enumerate(begins):
            yield {
                "serial_number": f"S{number:02}",
                "model": "m",
                "size_tb": 1.0,
                "min_date": date(2020, 1, 1),
                "min_hours": 0,
                "tstart": 24 * begin,
                **dict.fromkeys(SMART, 0.0),
                "smart_10": None,
                "smart_197": 2.0 * place,
            }


@pytest.fixture(scope="module")
def history():
    return History.of(pl.DataFrame(list(rows()), COLUMNS))


@pytest.fixture(scope="module")
def encoder(history):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.disks.sequences.ROUNDS", 40)  # one batch each
        return DiskEncoder.learn(history, np.arange(30), EPOCH_HOURS + 24 * DAYS)


def test_the_weeks_are_what_was_known_then(history):
    at = EPOCH_HOURS + 24 * 300
    (weeks,) = sequences(history, np.array([0]), np.array([at]))
    assert weeks.shape == (WEEKS, 2 * len(SMART))
    pending = weeks[:, SMART.index("smart_197")]
    assert (np.diff(pending) > 0).all()
    row = history.known(np.array([0]), np.array([at - 5 * WEEK_HOURS]))
    value = history.smart[row[0], SMART.index("smart_197")]
    assert pending[-6] == pytest.approx(np.log1p(value) / 5)
    assert (weeks[:, len(SMART) + SMART.index("smart_10")] == 0).all()  # never told
    (young,) = sequences(history, np.array([1]), np.array([EPOCH_HOURS + 24]))
    assert not young[:-1].any()
    assert young[-1].any()


def test_it_learns_to_foretell(history, encoder):
    disk, at = np.arange(30), np.full(30, EPOCH_HOURS + 24 * 350)
    weeks = torch.from_numpy(sequences(history, disk, at))
    with torch.inference_mode():
        assert encoder.loss(weeks) < 0.5 * DiskEncoder().loss(weeks)


def test_a_state_tells_the_sick_from_the_well_and_nothing_of_the_future(history, encoder):
    disk, at = np.arange(30), np.full(30, EPOCH_HOURS + 24 * 300)
    state = encoder.embed(history, disk, at)
    assert state.shape == (30, EMBEDDING)
    sick = disk % 3 == 0
    between = np.linalg.norm(state[sick].mean(axis=0) - state[~sick].mean(axis=0))
    assert between > 3 * np.linalg.norm(state[~sick].std(axis=0))
    past = History.of(pl.DataFrame([r for r in rows() if r["tstart"] <= 24 * 300], COLUMNS))
    np.testing.assert_allclose(encoder.embed(past, disk, at), state, atol=1e-6)


def test_its_weights_travel(history, encoder):
    again = DiskEncoder.read(encoder.weights())
    disk, at = np.arange(9), np.full(9, EPOCH_HOURS + 24 * 200)
    np.testing.assert_array_equal(again.embed(history, disk, at), encoder.embed(history, disk, at))
    with pytest.raises(ValueError, match="sequence encoder"):
        DiskEncoder.read(b"no weights")
