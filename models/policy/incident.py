"""One incident as a policy sees it, and the truth that only a reward may know."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Node, Signal, Window
from models.evidence import ProposalWeights, gather
from models.lagged import LaggedMoments
from models.policy.graphs import Adjacency

Array = NDArray[np.float64]

MAX_LAG: Final = 3  # steps by which an effect may follow its cause
RIDGE: Final = 1e-2  # added to variances of 1, so that twins do not make a matrix singular
LEAST_SPREAD: Final = 1e-6  # of a residual, in standard deviations of its signal


@dataclass(frozen=True, eq=False)
class Incident:
    """What some signals showed before and during one incident; no truth.

    Attributes:
        signals: What was measured, and of whom.
        baseline: Instants by signals, normal life that a graph may be chosen on; NaN is a gap.
        recent: The same from a little before the alert on.
        symptom: Place among ``signals`` of what is to be explained.
        topology: (caller, callee) pairs of entities.
        contains: (whole, part) pairs of entities.
        cluster: Which system this is: incidents of one system are no independent evidence.
    """

    signals: tuple[Signal, ...]
    baseline: Array
    recent: Array
    symptom: int
    topology: tuple[tuple[str, str], ...] = ()
    contains: tuple[tuple[str, str], ...] = ()
    cluster: str = ""

    @classmethod
    def of(cls, window: Window, symptom: Node, cluster: str = "") -> "Incident":
        """Return what a policy may see of ``window``: the later half of its baseline judges.

        Raises:
            KeyError: the window has no such symptom.
        """
        columns = [str(signal.node) for signal in window.signals]
        earlier, recent = (
            part.select(columns).fill_null(float("nan")).to_numpy().astype(np.float64)
            for part in (window.split_baseline()[0], window.recent)
        )
        place = window.index()[symptom]
        return cls(
            window.signals, earlier, recent, place, window.topology, window.contains, cluster
        )

    @cached_property
    def moments(self) -> LaggedMoments:
        """Return how the signals of the baseline move together, now and with a lag."""
        return LaggedMoments(self.baseline, MAX_LAG, max_rows=len(self.baseline))

    @cached_property
    def allowed(self) -> Adjacency:
        """Return which edges tiers and topology permit, causes by effects."""
        weights = ProposalWeights()
        return gather(self.signals, self.topology, weights, contains=self.contains).allowed

    @cached_property
    def residuals(self) -> "Residuals":
        """Return how each signal leaves what its causes explain."""
        return Residuals(self)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What really acts on what, known of simulated incidents only.

    Attributes:
        edges: Causes by effects.
        root: Place of the signal that shows the fault best.
    """

    edges: Adjacency
    root: int


class Residuals:
    """How far each signal left, in the incident, what a set of causes explains of it.

    Args:
        incident: A linear mechanism is fitted to its baseline, each cause at its best lag.

    Reference: Okati, Garrido, Janzing et al., "Root Cause Analysis of Outliers with Missing
    Structural Knowledge", 2024 (arXiv 2406.05014), for asking which signal its own causes leave
    unexplained.
    """

    def __init__(self, incident: Incident) -> None:
        baseline, recent = _standard(incident.baseline, incident.recent)
        self._moments = incident.moments
        self._size = baseline.shape[1]
        # The first instants have no past of their own; normal life stands in for it.
        joined = np.concatenate((baseline[-MAX_LAG:], recent))
        self._before, self._during = _lagged(baseline), _lagged(joined)
        self._products = self._before.T @ self._before / max(len(self._before), 1)
        self._known: dict[tuple[int, frozenset[int]], float] = {}

    def deviation(self, effect: int, causes: frozenset[int]) -> float:
        """Return the mean shift of ``effect`` that ``causes`` leave, in standard deviations."""
        key = (effect, causes)
        if key not in self._known:
            self._known[key] = self._deviation(effect, causes)
        return self._known[key]

    def ranking(self, graph: Adjacency) -> list[int]:
        """Return all signals, the least explained first; of equals the earlier one."""
        shift = [
            self.deviation(effect, frozenset(np.flatnonzero(causes).tolist()))
            for effect, causes in enumerate(graph.T)
        ]
        return sorted(range(self._size), key=lambda place: -shift[place])

    def _deviation(self, effect: int, causes: frozenset[int]) -> float:
        lags = self._moments.lag
        columns = [int(lags[cause, effect]) * self._size + cause for cause in sorted(causes)]
        known = self._products[np.ix_(columns, columns)] + RIDGE * np.eye(len(columns))
        weights = np.linalg.solve(known, self._products[columns, effect])
        before = self._before[:, effect] - self._before[:, columns] @ weights
        during = self._during[:, effect] - self._during[:, columns] @ weights
        return float(abs(during.mean() - before.mean()) / max(before.std(), LEAST_SPREAD))


def _standard(baseline: Array, recent: Array) -> tuple[Array, Array]:
    """Return both in standard deviations of the baseline around its mean; a gap is the mean."""
    seen = np.isfinite(baseline)
    rows = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, baseline, 0.0).sum(axis=0) / rows
    spread = np.sqrt((np.where(seen, baseline - mean, 0.0) ** 2).sum(axis=0) / rows)
    scale = np.where(spread > 0, spread, 1.0)
    standard = ((part - mean) / scale for part in (baseline, recent))
    before, during = (np.where(np.isfinite(part), part, 0.0) for part in standard)
    return before, during


def _lagged(values: Array) -> Array:
    """Return instants by lagged columns; column ``lag * signals + i`` is signal i, lag ago."""
    rows = len(values) - MAX_LAG
    parts = [values[MAX_LAG - lag : MAX_LAG - lag + max(rows, 0)] for lag in range(MAX_LAG + 1)]
    return np.concatenate(parts, axis=1)
