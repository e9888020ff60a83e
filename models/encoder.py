"""What the course of some values tells beyond their last state, learned without any label.

A small recurrent network reads steps in order and foretells the next one. What it carries from step
to step passes a narrow layer, so that only what foretells can be kept there. Of disks, the state of
that layer is a few more features (``models.disks.sequences``); of servers, what comes otherwise
than foretold is no normal life (``models.normal_life``).

Reference: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
Machine Translation", EMNLP 2014; Dai, Le, "Semi-supervised Sequence Learning", NeurIPS 2015.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

WIDTH: Final = 48
EMBEDDING: Final = 12
RATE: Final = 3e-3
SEED: Final = 7


class SequenceEncoder(nn.Module):
    """Read steps, foretell the next.

    Args:
        channels: Numbers that are read a step.
        foretold: Numbers that are foretold.
    """

    def __init__(self, channels: int, foretold: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(channels, WIDTH, batch_first=True)
        self.narrow = nn.Linear(WIDTH, EMBEDDING)
        self.next = nn.Sequential(
            nn.Linear(EMBEDDING, WIDTH), nn.GELU(), nn.Linear(WIDTH, foretold)
        )

    def forward(self, steps: Tensor) -> Tensor:
        """Return the state after each step, of shape (cases, steps, EMBEDDING)."""
        states: Tensor = torch.tanh(self.narrow(self.recurrent(steps)[0]))
        return states

    def weights(self) -> bytes:
        """Return the weights in the safetensors format."""
        return save(dict(self.state_dict()))

    def restore(self, weights: bytes) -> None:
        """Take over what ``weights`` gave.

        Raises:
            ValueError: they are of another encoder, or none at all.
        """
        try:
            self.load_state_dict(load(weights))
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"no weights of a sequence encoder: {error}") from error
        self.eval()


Encoder = TypeVar("Encoder", bound=SequenceEncoder)


def learn(
    make: Callable[[], Encoder],
    loss: Callable[[Encoder, NDArray[np.int64]], Tensor],
    cases: int,
    batch: int,
    rounds: int,
    rng: np.random.Generator,
) -> Encoder:
    """Return an encoder that has read all cases; the same each time.

    Args:
        make: Makes an encoder that has learned nothing.
        loss: Of an encoder on the cases in these places.
        cases: How many there are.
        batch: How many are read together.
        rounds: How often all are read.
        rng: Of the order in which they are read.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        encoder = make()
    optimiser = torch.optim.AdamW(encoder.parameters(), RATE)
    steps = rounds * -(-cases // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(rounds):
        order = rng.permutation(cases)
        for begin in range(0, cases, batch):
            optimiser.zero_grad()
            wrong = loss(encoder, order[begin : begin + batch])
            wrong.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    encoder.eval()
    return encoder
