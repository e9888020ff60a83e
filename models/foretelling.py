"""Learning how the signals of servers follow each other: by a small network, and by its peer.

The encoder has to earn its place: the principal components of the same context, as many as its
narrow state has numbers, are fitted in a second, and a line from them foretells the next values.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load
from scipy.linalg import eigh
from torch import Tensor, nn

from models.encoder import EMBEDDING, SEED, SequenceEncoder, learn
from models.foretellers import CONTEXT, Components, Places, Recurrent, Table
from models.normal_life import Array, Scale

WARM: Final = 8  # instants of a context, after which the state is asked to foretell
BATCH: Final = 512
BATCHES: Final = 210  # of all rounds together
SPANNED: Final = 2000  # contexts whose directions are looked for


def learned_encoder(pasts: Sequence[Array]) -> Recurrent:
    """Return an encoder that has learned how the signals of these servers follow each other.

    Args:
        pasts: Of each server, values of shape (instants, signals), NaN where nothing was seen; the
            same signals in the same order, more than ``CONTEXT`` instants each.
    """
    whole, places = _courses(pasts)
    signals = whole.shape[1] // 2
    rng = np.random.default_rng(SEED)
    if len(places) > BATCHES * BATCH:
        places = rng.choice(places, BATCHES * BATCH, replace=False)

    def loss(encoder: SequenceEncoder, cases: NDArray[np.int64]) -> Tensor:
        steps = torch.from_numpy(whole[places[cases][:, None] + np.arange(-CONTEXT, 1)])
        foretold = encoder.next(encoder(steps[:, :-1])[:, WARM:])
        then = steps[:, 1 + WARM :]
        wrong = nn.functional.smooth_l1_loss(
            foretold, then[..., :signals], reduction="none", beta=0.1
        )
        told = then[..., signals:]
        return (wrong * told).sum() / told.sum().clamp(min=1)

    rounds = max(round(BATCHES * BATCH / len(places)), 1)
    encoder = learn(
        lambda: SequenceEncoder(2 * signals, signals), loss, len(places), BATCH, rounds, rng
    )
    return Recurrent.of(load(encoder.weights()))


def learned_components(pasts: Sequence[Array]) -> Components:
    """Return the peer of an encoder that has learned from the same.

    Args:
        pasts: As ``learned_encoder`` reads them.
    """
    whole, places = _courses(pasts)
    signals = whole.shape[1] // 2
    rng = np.random.default_rng(SEED)
    some = rng.choice(places, min(SPANNED, len(places)), replace=False)
    contexts = whole[some[:, None] + np.arange(-CONTEXT, 0)].reshape(len(some), -1)
    contexts -= contexts.mean(axis=0)
    last = len(some) - 1
    # As many eigenvectors of the smaller matrix as are wanted, turned back into directions.
    power, ways = eigh(contexts @ contexts.T, subset_by_index=(max(last - EMBEDDING + 1, 0), last))
    real = power > 1e-6 * power[-1]
    directions = (contexts.T @ ways[:, real]) / np.sqrt(power[real])
    found = Components(
        directions.reshape(CONTEXT, 2 * signals, -1).astype(np.float32),
        np.zeros((directions.shape[1], signals), np.float32),
        np.zeros(signals, np.float32),
    )
    places = rng.choice(places, min(BATCHES * BATCH, len(places)), replace=False)
    at = np.column_stack([found.position(whole, places), np.ones(len(places), np.float32)])
    told = whole[places, signals:]
    line = np.linalg.lstsq(at, whole[places, :signals] * told, rcond=None)[0].astype(np.float32)
    return Components(found.weights, line[:-1], line[-1])


def _courses(pasts: Sequence[Array]) -> tuple[Table, Places]:
    """Return all pasts as they are read, one after the other, and the instants to be foretold."""
    courses = [Scale.of(past).read(past) for past in pasts]
    begins = np.cumsum([0, *(len(course) for course in courses)])
    places = [np.arange(begin + CONTEXT, end) for begin, end in pairwise(begins.tolist())]
    return np.vstack(courses), np.concatenate(places)
