"""How far a server is off its normal life, which was learned from days of it.

The detector (``models.detector``) compares the last minutes with what came before them, so what has
lasted for hours is normal to it. Here a sequence encoder learns how the signals of calm days follow
each other, and remembers: what comes otherwise than it foretells is odd for as long as it lasts. It
foretells the next values from a narrow state alone and never from the last values, so that a level
at which nobody has been before cannot be copied.

One encoder serves all servers that have the same signals; each server's own past says what is usual
for it. Nothing is labelled.

Assumes:
    The days that are learned from are mostly calm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.encoder import SEED, SequenceEncoder, learn

Array = NDArray[np.float64]
Table = NDArray[np.float32]

CONTEXT: Final = 26  # instants that are read before the one that is foretold
WARM: Final = 8  # of them, after which the state is asked to foretell
BATCH: Final = 512
BATCHES: Final = 210  # of all rounds together
FARTHEST: Final = 10.0  # robust deviations beyond which a value does not count for more
UNIT: Final = 5.0  # robust deviations that the encoder reads as 1
FLOOR: Final = 0.01  # of a signal's range: the least scale
RARELY: Final = 0.3  # of the standard deviation: likewise, of what seldom moves
NOISE: Final = 0.02  # least error that is usual, as the encoder reads it
ODDEST: Final = 100.0  # ceiling of one signal's squared error
KEPT: Final = 0.2  # share of the past, its end, that the encoder does not learn from
TOP: Final = 0.1  # share of the past that shows how the tail falls
AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What is usual for each signal of a server.

    Attributes:
        middle: Median.
        width: Robust standard deviation, floored.
    """

    middle: Array
    width: Array

    @classmethod
    def of(cls, past: Array) -> Self:
        """Return the scale of values of shape (instants, signals), NaN where nothing was seen."""
        low, middle, high = np.nanquantile(past, [0.05, 0.5, 0.95], axis=0)
        range_ = np.nanmax(past, axis=0) - np.nanmin(past, axis=0)
        width = np.maximum((high - low) / 3.29, FLOOR * np.maximum(range_, 1e-9))
        return cls(middle, np.maximum(width, RARELY * np.nanstd(past, axis=0)))

    def read(self, values: Array) -> Table:
        """Return values as an encoder reads them, of shape (instants, 2 x signals).

        Each value in its unit, and whether it was seen.
        """
        moved = np.clip((values - self.middle) / self.width, -FARTHEST, FARTHEST) / UNIT
        told = np.isfinite(values)
        return np.hstack([np.where(told, moved, 0.0), told]).astype(np.float32)


def foreteller(pasts: Sequence[Array]) -> SequenceEncoder:
    """Return an encoder that has learned how the signals of these servers follow each other.

    Args:
        pasts: Of each server, values of shape (instants, signals), NaN where nothing was seen; the
            same signals in the same order, more than ``CONTEXT`` instants each.
    """
    courses = [Scale.of(past).read(past) for past in pasts]
    begins = np.cumsum([0, *(len(course) for course in courses)])
    last = np.concatenate(
        [np.arange(begin + CONTEXT, end) for begin, end in pairwise(begins.tolist())]
    )
    whole = np.vstack(courses)
    signals = whole.shape[1] // 2

    def loss(encoder: SequenceEncoder, places: NDArray[np.int64]) -> Tensor:
        steps = _steps(whole, last[places])
        foretold = encoder.next(encoder(steps[:, :-1])[:, WARM:])
        then = steps[:, 1 + WARM :]
        wrong = nn.functional.smooth_l1_loss(
            foretold, then[..., :signals], reduction="none", beta=0.1
        )
        told = then[..., signals:]
        return (wrong * told).sum() / told.sum().clamp(min=1)

    rounds = max(round(BATCHES * BATCH / len(last)), 1)
    rng = np.random.default_rng(SEED)
    return learn(lambda: SequenceEncoder(2 * signals, signals), loss, len(last), BATCH, rounds, rng)


@dataclass(frozen=True, slots=True, eq=False)
class NormalLife:
    """The normal life of one server.

    Attributes:
        scale: Of its signals.
        encoder: What foretells them.
        error: How wrong it usually is about each signal.
        odd: How odd the calm end of the past was, an instant at a time.
    """

    scale: Scale
    encoder: SequenceEncoder
    error: Array
    odd: Array

    @classmethod
    def of(cls, past: Array, encoder: SequenceEncoder | None = None) -> Self:
        """Return what a server's past says.

        Args:
            past: Values of shape (instants, signals), NaN where nothing was seen.
            encoder: What has learned from servers with the same signals; None to learn from the
                first part of this past.
        """
        kept = len(past) - max(int(KEPT * len(past)), CONTEXT + 1)
        scale = Scale.of(past)
        chosen = foreteller([past[:kept]]) if encoder is None else encoder
        wrong = _wrong(chosen, scale.read(past[kept - CONTEXT :]))
        error = np.sqrt(np.nanmean(wrong**2, axis=0)) + NOISE
        return cls(scale, chosen, error, _odd(wrong, error))

    def oddness(self, values: Array) -> Array:
        """Return how odd each instant is after the first ``CONTEXT``; about 1 in normal life.

        Args:
            values: Of shape (instants, signals), NaN where nothing was seen.
        """
        return _odd(_wrong(self.encoder, self.scale.read(values)), self.error)

    def surprise(self, oddness: Array, length: int) -> Array:
        """Return -log10 of the chance of a stretch in the calm past that is as odd as this.

        Args:
            oddness: Means over stretches.
            length: Instants of a stretch.

        The tail beyond the oddest tenth falls as an exponential of the logarithm.
        """
        whole = self.odd[len(self.odd) % length :].reshape(-1, length)
        known = np.sort(np.log1p(whole.mean(axis=1)))
        start = float(np.quantile(known, 1 - TOP))
        index = max(float((known[known > start] - start).mean()), 1e-9)
        reached = np.log1p(oddness)
        share = 1 - np.searchsorted(known, reached) / len(known)
        beyond = -np.log10(TOP) + (reached - start) / index / np.log(10)
        seen = -np.log10(np.maximum(share, TOP))
        read: Array = np.where(reached > start, beyond, seen)
        return read


def _steps(course: Table, last: NDArray[np.int64]) -> Tensor:
    """Return each case's ``CONTEXT`` steps and the one that follows them, at ``last``."""
    return torch.from_numpy(course[last[:, None] + np.arange(-CONTEXT, 1)])


@torch.inference_mode()
def _wrong(encoder: SequenceEncoder, course: Table) -> Array:
    """Return by how much each instant after the first ``CONTEXT`` differs from what was foretold.

    Returns:
        Shape (instants, signals), NaN where nothing was seen.
    """
    signals = course.shape[1] // 2
    last = np.arange(CONTEXT, len(course))
    parts = [
        encoder.next(encoder(_steps(course, some)[:, :-1])[:, -1]).numpy()
        for some in np.array_split(last, len(last) // AT_ONCE + 1)
    ]
    now, told = course[CONTEXT:, :signals], course[CONTEXT:, signals:] > 0
    wrong: Array = np.where(told, now - np.concatenate(parts), np.nan).astype(np.float64)
    return wrong


def _odd(wrong: Array, error: Array) -> Array:
    """Return the mean squared error of the signals seen, in usual ones; 0 where none was."""
    square = np.minimum((wrong / error) ** 2, ODDEST)
    seen = np.isfinite(square)
    odd: Array = np.where(seen, square, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return odd
