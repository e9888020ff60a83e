"""Simulated servers of known mechanisms: what a what-if would really have led to.

Each signal follows its parents in one of the ways that servers know: in proportion, as a queue that
lengthens, towards a limit, as a product of two, or step by step as a temperature does. Its noise
remembers its past. Some mechanisms hide their noise: a limit that is hit, a count, a switch, noise
that grows with the load.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import CausalGraph, Edge, Node
from tests.diagnose.simulated import STEP, window

Floats = NDArray[np.float64]
Shape = Literal["line", "queue", "limit", "product", "approach"]
Veil = Literal["none", "clipped", "counted", "switched", "growing"]

SHAPES: Final[tuple[Shape, ...]] = ("line", "line", "queue", "limit", "product", "approach")
WARM_UP: Final = 150
LONGEST_LAG: Final = 3


@dataclass(frozen=True)
class Mechanism:
    """How one signal follows its parents."""

    shape: Shape
    parents: tuple[int, ...]
    lags: tuple[int, ...]
    weights: tuple[float, ...]
    memory: float  # of its noise
    pace: float  # share of the way to its level that an approach goes in a step
    veil: Veil = "none"

    def level(self, values: Floats, t: int) -> float:
        """Return what the parents make of the signal at instant ``t``."""
        z = [values[max(t - lag, 0), p] for p, lag in zip(self.parents, self.lags, strict=True)]
        sums = float(np.dot(self.weights, z)) if z else 0.0
        if self.shape == "queue":
            return float(np.exp(np.clip(0.5 * sums, -30, 4)))
        if self.shape == "limit":
            return float(2 * np.tanh(0.5 * sums))
        if self.shape == "product" and len(z) > 1:
            return sums + float(0.3 * z[0] * z[1])
        return float(sums)


@dataclass(frozen=True)
class Server:
    """Signals in causal order; the first is the load, the last the symptom."""

    mechanisms: tuple[Mechanism, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(Node(f"host{i % 3}", f"signal{i}") for i in range(len(self.mechanisms)))

    @property
    def graph(self) -> CausalGraph:
        """Return the true edges with their lags, as a judge would have upheld them."""
        nodes = self.nodes
        edges = tuple(
            Edge(nodes[p], nodes[i], "topology", "topology", "supported", 0.001, 100.0, lag * STEP)
            for i, mechanism in enumerate(self.mechanisms)
            for p, lag in zip(mechanism.parents, mechanism.lags, strict=True)
        )
        return CausalGraph(nodes, edges, trust=1.0)

    def descendants(self, cause: int) -> set[int]:
        """Return what ``cause`` acts on, without itself."""
        found = {cause}
        for i, mechanism in enumerate(self.mechanisms):
            if found & set(mechanism.parents):
                found.add(i)
        return found - {cause}

    def noise(self, rng: np.random.Generator, instants: int) -> Floats:
        """Return the fresh part of every signal's noise, shape (instants, signals)."""
        return rng.normal(size=(instants, len(self.mechanisms)))

    def live(
        self,
        noise: Floats,
        shifts: Mapping[int, Floats] | None = None,
        held: Mapping[int, Floats] | None = None,
    ) -> Floats:
        """Return what the signals show.

        Args:
            noise: Its fresh part, of ``noise``.
            shifts: What a fault adds to a signal, one number an instant.
            held: Values at which a signal is held; NaN where it is not.
        """
        values, state = np.zeros_like(noise), np.zeros(noise.shape[1])
        for t in range(len(noise)):
            for i, mechanism in enumerate(self.mechanisms):
                fresh = np.sqrt(1 - mechanism.memory**2) * noise[t, i]
                level = mechanism.level(values, t)
                extra = shifts[i][t] if shifts and i in shifts else 0.0
                if mechanism.shape == "approach":
                    state[i] += mechanism.pace * (level + extra - state[i]) + 0.5 * fresh
                    shown = state[i]
                else:
                    state[i] = mechanism.memory * state[i] + fresh
                    scale = 0.4 * (1 + abs(level)) if mechanism.veil == "growing" else 0.5
                    shown = level + extra + (scale if mechanism.parents else 1.0) * state[i]
                if held and i in held and np.isfinite(held[i][t]):
                    shown = held[i][t]
                    state[i] = shown if mechanism.shape == "approach" else state[i]
                values[t, i] = veiled(shown, mechanism.veil)
        return values


def veiled(shown: float, veil: Veil) -> float:
    """Return what is seen of a value behind ``veil``."""
    if veil == "clipped":
        return float(np.clip(shown, -1.0, 1.0))
    if veil == "counted":
        return float(max(np.rint(shown), 0.0))
    if veil == "switched":
        return float(shown > 0.5)
    return float(shown)


def random_server(
    rng: np.random.Generator, signals: int = 6, veil: Veil = "none", between: bool = False
) -> Server:
    """Return a server; with a veil, the symptom has it, or the signal that alone acts on it."""
    mechanisms = []
    for i in range(signals):
        count = 0 if i == 0 else int(rng.integers(1, min(i, 3) + 1))
        nearest = rng.permutation(i)[:count]
        parents = tuple(sorted(int(p) for p in nearest))
        if i == signals - 1 and not parents:
            parents = (0,)
        mechanisms.append(
            Mechanism(
                SHAPES[rng.integers(len(SHAPES))] if parents else "line",
                parents,
                tuple(int(lag) for lag in rng.integers(0, LONGEST_LAG + 1, len(parents))),
                tuple(rng.uniform(0.5, 1.2, len(parents)) * rng.choice([-1, 1], len(parents))),
                float(rng.uniform(0.0, 0.9)),
                float(rng.uniform(0.1, 0.5)),
            )
        )
    if veil != "none":
        place = -2 if between else -1
        mechanisms[place] = replace(mechanisms[place], shape="line", veil=veil)
    if between:
        mechanisms[-1] = replace(
            mechanisms[-1], shape="line", parents=(signals - 2,), lags=(0,), weights=(1.0,)
        )
    return Server(tuple(mechanisms))


@dataclass(frozen=True)
class Episode:
    """One incident of a server, which can be lived again."""

    server: Server
    noise: Floats
    shifts: Mapping[int, Floats]
    values: Floats  # as it was
    rows: int  # of normal life after the warm-up

    @property
    def begin(self) -> int:
        return WARM_UP + self.rows

    @property
    def window(self) -> Any:
        return window(
            self.server.nodes, self.values[WARM_UP : self.begin], self.values[self.begin :]
        )

    def again(self, rng: np.random.Generator, held: Mapping[int, float]) -> Floats:
        """Return the incident's instants with some signals held from its first instant on.

        What the held signals act on has other noise; all else has what it had.
        """
        noise = self.noise.copy()
        below = {node for cause in held for node in self.server.descendants(cause)}
        for node in below:
            noise[self.begin :, node] = rng.normal(size=len(noise) - self.begin)
        values = {}
        for node, value in held.items():
            values[node] = np.full(len(noise), np.nan)
            values[node][self.begin :] = value
        return self.server.live(noise, self.shifts, values)[self.begin :]


def episode(
    rng: np.random.Generator, server: Server, fault: int, size: float, rows: int, recent: int
) -> Episode:
    """Return an incident in which a fault adds ``size`` to a signal, soon after its first instant.

    Args:
        rng: Seeded.
        server: Whose.
        fault: Which signal.
        size: In standard deviations of the signal's normal life.
        rows: Instants of normal life.
        recent: Instants of the incident.
    """
    noise = server.noise(rng, WARM_UP + rows + recent)
    normal = server.live(noise[: WARM_UP + rows])
    shift = np.zeros(len(noise))
    shift[WARM_UP + rows + recent // 6 :] = size * normal[WARM_UP:, fault].std()
    shifts = {fault: shift}
    return Episode(server, noise, shifts, server.live(noise, shifts), rows)
