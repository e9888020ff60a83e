"""What foretells the next values of a server from those before them, by NumPy alone.

Two that pass what they carry through equally narrow a state: a sequence encoder that has learned
(``models.foretelling``), and the principal components of the same context. Whoever scans thousands
of servers in several processes needs no more than a few products of matrices, and is spared what
loading torch costs each of them in time and memory.

Reference: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
Machine Translation", EMNLP 2014.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

Table = NDArray[np.float32]
Places = NDArray[np.int64]

CONTEXT: Final = 26  # instants that are read before the one that is foretold
AT_ONCE: Final = 4096  # instants that are foretold together


class Foreteller(Protocol):
    """Foretells an instant from the ``CONTEXT`` instants before it, and not from itself."""

    def foretell(self, course: Table, places: Places) -> Table:
        """Return what was to be expected at some instants, of shape (places, signals).

        Args:
            course: As ``normal_life.Scale.read`` gives it, of shape (instants, 2 x signals).
            places: Instants of ``course`` that have ``CONTEXT`` instants before them.
        """

    def arrays(self) -> dict[str, Table]:
        """Return what it has learned, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Recurrent:
    """A sequence encoder (``models.encoder``) that has learned: gates, narrow state, what follows.

    Attributes:
        reads: Weights of what is read, of shape (3 x width, 2 x signals).
        reads_bias: Their biases.
        keeps: Weights of the state before, of shape (3 x width, width).
        keeps_bias: Their biases.
        narrow: From the state to the narrow one.
        narrow_bias: Its biases.
        wide: From the narrow state to a wider one.
        wide_bias: Its biases.
        tells: From there to the next values.
        tells_bias: Its biases.
    """

    reads: Table
    reads_bias: Table
    keeps: Table
    keeps_bias: Table
    narrow: Table
    narrow_bias: Table
    wide: Table
    wide_bias: Table
    tells: Table
    tells_bias: Table

    @classmethod
    def of(cls, weights: Mapping[str, Table]) -> Self:
        """Return the encoder with these weights, as torch names them."""
        return cls(
            *(weights[f"recurrent.{name}_l0"] for name in ("weight_ih", "bias_ih")),
            *(weights[f"recurrent.{name}_l0"] for name in ("weight_hh", "bias_hh")),
            *(weights[f"narrow.{name}"] for name in ("weight", "bias")),
            *(weights[f"next.{layer}.{name}"] for layer in (0, 2) for name in ("weight", "bias")),
        )

    def foretell(self, course: Table, places: Places) -> Table:
        """Return what was to be expected; see ``Foreteller``."""
        read = course @ self.reads.T + self.reads_bias  # each instant once, however many contexts
        found = [
            self._told(read, some) for some in np.array_split(places, len(places) // AT_ONCE + 1)
        ]
        return np.concatenate(found)

    def _told(self, read: Table, places: Places) -> Table:
        width = self.keeps.shape[1]
        state = np.zeros((len(places), width), np.float32)
        for back in range(CONTEXT, 0, -1):
            now, before = read[places - back], state @ self.keeps.T + self.keeps_bias
            gates = expit(now[:, : 2 * width] + before[:, : 2 * width])
            reset, update = gates[:, :width], gates[:, width:]
            fresh = np.tanh(now[:, 2 * width :] + reset * before[:, 2 * width :])
            state = fresh + update * (state - fresh)
        narrow = np.tanh(state @ self.narrow.T + self.narrow_bias)
        wide = narrow @ self.wide.T + self.wide_bias
        wide = wide * (0.5 + 0.5 * erf(wide / np.float32(np.sqrt(2))))
        told: Table = wide @ self.tells.T + self.tells_bias
        return told

    def arrays(self) -> dict[str, Table]:
        """Return its weights by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The principal components of a context, and a line from them to the next values.

    Attributes:
        weights: Of shape (CONTEXT, 2 x signals, components).
        tells: From the components to the next values, of shape (components, signals).
        tells_bias: What follows where all components are 0.
    """

    weights: Table
    tells: Table
    tells_bias: Table

    def foretell(self, course: Table, places: Places) -> Table:
        """Return what was to be expected; see ``Foreteller``."""
        return self.position(course, places) @ self.tells + self.tells_bias

    def position(self, course: Table, places: Places) -> Table:
        """Return where each context lies among the components, of shape (places, components)."""
        count = self.weights.shape[2]
        # Each instant once for all the contexts that it is in.
        wide = np.moveaxis(self.weights, 0, 1).reshape(course.shape[1], CONTEXT * count)
        read = (course @ wide).reshape(len(course), CONTEXT, count)
        lags = np.arange(CONTEXT)
        parts = np.array_split(places, len(places) // AT_ONCE + 1)
        found = [read[some[:, None] - CONTEXT + lags, lags].sum(axis=1) for some in parts]
        return np.concatenate(found)

    def arrays(self) -> dict[str, Table]:
        """Return what it holds by name."""
        return asdict(self)


FORETELLERS: Final[Mapping[str, type[Recurrent] | type[Components]]] = {
    "encoder": Recurrent,
    "components": Components,
}


def foreteller_of(name: str, arrays: Mapping[str, Table], signals: int) -> Foreteller:
    """Return who has learned what ``arrays`` hold.

    Args:
        name: Of its kind, a key of ``FORETELLERS``.
        arrays: As its ``arrays`` gave them.
        signals: How many it foretells.

    Raises:
        ValueError: they are none, or of other signals.
        KeyError: one is missing, or nobody has this name.
    """
    kind = FORETELLERS[name]
    made = kind(**{field.name: arrays[field.name] for field in fields(kind)})
    try:
        told = made.foretell(np.zeros((CONTEXT + 1, 2 * signals), np.float32), np.array([CONTEXT]))
    except IndexError as error:
        raise ValueError(f"the arrays of {name} do not belong together") from error
    if told.shape != (1, signals) or not np.isfinite(told).all():
        raise ValueError(f"the {name} foretells {told.shape[1]} finite values, not {signals}")
    return made
