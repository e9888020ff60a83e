"""What the course of a disk's values tells beyond their last state, learned without labels.

A small recurrent network reads the last half year of a disk, week by week, and foretells the next
week: each value, and whether it rises. It learns from histories alone, what became of the disks is
never shown. What it carries from week to week passes a narrow layer, and the state of that layer is
a few more features of a case. They are used only where they proved to help on disks not seen.

Reference: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
Machine Translation", EMNLP 2014; Dai, Le, "Semi-supervised Sequence Learning", NeurIPS 2015.
"""

from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from models.disks.history import SMART, History, Hours

Table = NDArray[np.float32]

WEEK_HOURS: Final = 7 * 24
WEEKS: Final = 26
AFTER_HOURS: Final = 60 * 24
CHANNELS: Final = 2 * len(SMART)  # each value, and whether the disk tells it
WIDTH: Final = 48
EMBEDDING: Final = 12
SCALE: Final = 5.0  # of log(1 + value)
SEQUENCES: Final = 120_000
BATCH: Final = 1024
ROUNDS: Final = 3  # over all sequences
RATE: Final = 3e-3
SEED: Final = 7
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


class SequenceEncoder(nn.Module):
    """Read weeks, foretell the next; 12,000 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.GRU(CHANNELS, WIDTH, batch_first=True)
        self.narrow = nn.Linear(WIDTH, EMBEDDING)
        self.next = nn.Sequential(
            nn.Linear(EMBEDDING, WIDTH), nn.GELU(), nn.Linear(WIDTH, 2 * len(SMART))
        )

    def forward(self, weeks: Tensor) -> Tensor:
        """Return the state after each week, of shape (cases, weeks, EMBEDDING)."""
        states: Tensor = torch.tanh(self.narrow(self.recurrent(weeks)[0]))
        return states

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

    @classmethod
    def learn(cls, history: History, disks: Hours, until: int) -> Self:
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
        torch.manual_seed(SEED)
        encoder = cls()
        optimiser = torch.optim.AdamW(encoder.parameters(), RATE)
        steps = ROUNDS * -(-len(weeks) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for _ in range(ROUNDS):
            order = rng.permutation(len(weeks))
            for begin in range(0, len(order), BATCH):
                optimiser.zero_grad()
                loss = encoder.loss(weeks[order[begin : begin + BATCH]])
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
        return encoder.eval()

    @torch.inference_mode()
    def embed(self, history: History, disk: Hours, at: Hours) -> Table:
        """Return the state of each case, of shape (cases, EMBEDDING)."""
        found = [
            self(torch.from_numpy(sequences(history, disk[some], at[some])))[:, -1].numpy()
            for some in np.array_split(np.arange(len(disk)), len(disk) // AT_ONCE + 1)
        ]
        return np.concatenate(found)

    def weights(self) -> bytes:
        """Return the weights in the safetensors format."""
        return save(dict(self.state_dict()))

    @classmethod
    def read(cls, weights: bytes) -> Self:
        """Return the encoder with weights that ``weights`` gave.

        Raises:
            ValueError: they are of another encoder, or none at all.
        """
        encoder = cls()
        try:
            encoder.load_state_dict(load(weights))
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"no weights of a sequence encoder: {error}") from error
        return encoder.eval()
