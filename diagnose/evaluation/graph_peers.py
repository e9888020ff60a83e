"""Ways to find a causal graph that are not ours, for measuring beside them.

Each returns causes by effects: 1 for an edge, one half either way for an edge whose direction is
left open, so that open directions count as drawn by lot. PC and GES are causal-learn's; they get
normal scores, in which monotone relations are linear, and a gap is filled with the middle.

Reference: Spirtes, Glymour, Scheines, "Causation, Prediction, and Search", 2000, for PC;
Chickering, "Optimal Structure Identification with Greedy Search", JMLR 3, 2002, for GES.
"""

import warnings
from collections.abc import Callable
from multiprocessing import TimeoutError, get_context
from multiprocessing.pool import Pool
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.incident.columns import columns
from diagnose.schema import Window
from models.evidence import ProposalWeights, gather
from models.lagged import normal_scores

Array = NDArray[np.float64]
Search = Callable[[Window], Array]

ALPHA: Final = 0.05  # of PC's tests
GIVEN: Final = 3  # the most variables that PC holds fixed, so that 50 signals take seconds
TWINS: Final = 1e-6  # noise that keeps a matrix with two equal columns regular


class Patience:
    """Waits for a search that may take hours, and gives it up after a while.

    A search runs in a process of its own, which is started once and again after each that had to
    be ended; ``close`` ends it.

    Args:
        seconds: Of one search.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._workers: Pool | None = None

    def wait(self, search: Search, window: Window) -> Array | None:
        """Return what ``search`` finds in ``window``; None where it takes too long.

        Args:
            search: A function of a module, so that the other process has it too.
            window: What it searches in.
        """
        if self._workers is None:
            self._workers = get_context("spawn").Pool(1)
            self._workers.apply(_import_searches)  # which is not to count as searching
        try:
            return self._workers.apply_async(search, (window,)).get(self.seconds)
        except TimeoutError:
            self.close()
            return None

    def close(self) -> None:
        """End the process."""
        if self._workers is not None:
            self._workers.terminate()
            self._workers.join()
            self._workers = None


def by_chance(size: int, edges: int, seed: int) -> Array:
    """Return a random acyclic graph with as many edges as wanted."""
    rng = np.random.default_rng([seed, size, 43])
    order = rng.permutation(size)
    pairs = np.array([(order[i], order[j]) for i in range(size) for j in range(i + 1, size)])
    graph = np.zeros((size, size))
    graph[tuple(pairs[rng.permutation(len(pairs))[:edges]].T)] = 1.0
    return graph


def by_pc(window: Window) -> Array:
    """Return what PC finds in the earlier half of the baseline, with Fisher's test."""
    from causallearn.search.ConstraintBased.PC import pc

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = pc(_scores(window), ALPHA, "fisherz", show_progress=False, depth=GIVEN)
    return _weights(found.G.graph)


def by_ges(window: Window) -> Array:
    """Return what GES finds in the earlier half of the baseline, with a Gaussian BIC."""
    from causallearn.search.ScoreBased.GES import ges

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = ges(_scores(window), "local_score_BIC")
    return _weights(found["G"].graph)


def within_rules(graph: Array, window: Window) -> Array:
    """Return ``graph`` without the edges that tiers and calls rule out.

    Where they rule out one direction of an edge, it takes the other.
    """
    allowed = gather(
        window.signals, window.topology, ProposalWeights(), contains=window.contains
    ).allowed
    edge = (graph + graph.T) > 0
    only = allowed & ~allowed.T & edge
    both = allowed & allowed.T & edge
    return np.where(only, 1.0, np.where(both, graph, 0.0))


def _import_searches() -> None:
    import causallearn.search.ConstraintBased.PC
    import causallearn.search.ScoreBased.GES  # noqa: F401


def _scores(window: Window) -> Array:
    """Return instants by signals as normal scores."""
    nodes = tuple(signal.node for signal in window.signals)
    scores = np.nan_to_num(normal_scores(columns(window.split_baseline()[0], nodes)))
    return scores + TWINS * np.random.default_rng(0).normal(size=scores.shape)


def _weights(marks: NDArray[np.int64]) -> Array:
    """Return causal-learn's graph as weights: it writes -1 at a tail and 1 at a head."""
    tail, head = marks == -1, marks == 1
    directed = tail & head.T  # [i, j] is the mark at i: a tail at i and a head at j is i -> j
    edge = (marks != 0) & (marks.T != 0)
    return np.where(directed, 1.0, np.where(edge & ~directed.T, 0.5, 0.0))
