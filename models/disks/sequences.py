"""What the course of a disk's values tells beyond their last state, learned without labels.

An encoder (``models.encoder``) reads the last half year of a disk, week by week, and foretells the
next week: each value, and whether it rises. It learns from histories alone, what became of the
disks is never shown. Its state is a few more features of a case, which are used only where they
proved to help on disks not seen.
"""

from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.disks.history import SMART, History, Hours
from models.encoder import SEED, SequenceEncoder, learn

Table = NDArray[np.float32]

WEEK_HOURS: Final = 7 * 24
WEEKS: Final = 26
AFTER_HOURS: Final = 60 * 24
CHANNELS: Final = 2 * len(SMART)  # each value, and whether the disk tells it
SCALE: Final = 5.0  # of log(1 + value)
SEQUENCES: Final = 120_000
BATCH: Final = 1024
ROUNDS: Final = 3  # over all sequences
AT_ONCE: Final = 50_000  # cases that are encoded together


def sequences(history: History, disk: Hours, at: Hours) -> Table:
    """Return the past weeks of each case, the newest last, of shape (cases, weeks, channels).

    A week before the disk was first seen is all zero.
    """
    steps = []
    for week in range(WEEKS - 1, -1, -1):
        row = history.known(disk, at - week * WEEK_HOURS)
        value = np.where((row >= 0)[:, None], history.smart[np.maximum(row, 0)], np.nan)
        told = np.isfinite(value)
        level = np.log1p(np.nan_to_num(value)) / SCALE
        steps.append(np.concatenate([level, told], axis=1).astype(np.float32))
    return np.stack(steps, axis=1)


class DiskEncoder(SequenceEncoder):
    """Read weeks, foretell the next; 12,000 numbers."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, 2 * len(SMART))

    def loss(self, weeks: Tensor) -> Tensor:
        """Return how badly each week foretells the next: values where told, and rises."""
        told = self.next(self(weeks[:, :-1]))
        value, rise = told.chunk(2, dim=-1)
        before, after = (part[..., : len(SMART)] for part in (weeks[:, :-1], weeks[:, 1:]))
        known = weeks[:, 1:, len(SMART) :] * weeks[:, :-1, len(SMART) :]
        level = nn.functional.smooth_l1_loss(before + value, after, reduction="none", beta=0.1)
        rises = nn.functional.binary_cross_entropy_with_logits(
            rise, (after > before).float(), reduction="none"
        )
        return ((level + rises) * known).sum() / known.sum().clamp(min=1)

    @staticmethod
    def learn(history: History, disks: Hours, until: int) -> "DiskEncoder":
        """Return an encoder that has read the histories of ``disks``.

        A disk is read as often as its values changed, up to two months after one did.

        Args:
            history: What is known of all disks.
            disks: Those that are read; none that the result is judged on.
            until: Nothing later is read, in hours since 1970.
        """
        rng = np.random.default_rng(SEED)
        mine = np.zeros(len(history.serials), bool)
        mine[disks] = True
        rows = np.flatnonzero(mine[history.disk] & (history.start <= until))
        chosen = rng.choice(rows, min(SEQUENCES, len(rows)), replace=False)
        at = np.minimum(history.start[chosen] + rng.integers(0, AFTER_HOURS, len(chosen)), until)
        weeks = torch.from_numpy(sequences(history, history.disk[chosen], at))

        def loss(encoder: DiskEncoder, places: Hours) -> Tensor:
            return encoder.loss(weeks[places])

        return learn(DiskEncoder, loss, len(weeks), BATCH, ROUNDS, rng)

    @torch.inference_mode()
    def embed(self, history: History, disk: Hours, at: Hours) -> Table:
        """Return the state of each case, of shape (cases, EMBEDDING)."""
        found = [
            self(torch.from_numpy(sequences(history, disk[some], at[some])))[:, -1].numpy()
            for some in np.array_split(np.arange(len(disk)), len(disk) // AT_ONCE + 1)
        ]
        return np.concatenate(found)

    @classmethod
    def read(cls, weights: bytes) -> Self:
        """Return the encoder with weights that ``weights`` gave.

        Raises:
            ValueError: they are of another encoder, or none at all.
        """
        encoder = cls()
        encoder.restore(weights)
        return encoder
