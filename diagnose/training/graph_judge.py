"""A judge of whole graphs that answers thousands of times: the reward of a policy asks it.

It says the same of a graph as ``diagnose.falsify`` does where no edge names a lag: how much of what
the graph implies the later half of a baseline denies, and whether that is as much as its own
relabellings are denied. It leaves single edges and DoWhy's count out, and asks few relabellings.

Assumes:
    What ``diagnose.falsify`` assumes.
"""

from typing import Final

import numpy as np

from diagnose.causal.independence import GIVEN, PAST, Floats, Ints, independence, moments
from diagnose.causal.permutation import equivalent, implied, relabellings, violations
from diagnose.causal.trust import MarkovFit
from diagnose.incident.columns import columns
from diagnose.schema import Window
from models.policy.graphs import Adjacency
from models.policy.reward import Judgement

ALPHA: Final = 0.05
SEARCHED: Final = np.arange(-1, 2)  # lags tried, in steps
RELABELLINGS: Final = 20
SEED: Final = 7


class GraphJudge:
    """Judges graphs over the signals of one window; models take it as a callable.

    Args:
        window: Only the later half of its baseline is read.
    """

    def __init__(self, window: Window) -> None:
        values = columns(window.split_baseline()[1], [signal.node for signal in window.signals])
        self._measured = moments(values, PAST + len(SEARCHED) - 1 + GIVEN)
        self._orders = relabellings(len(window.signals), RELABELLINGS, SEED)

    def __call__(self, graph: Adjacency) -> Judgement:
        """Return how far the data deny ``graph``, an acyclic one over all signals in order."""
        fit = self.fit(graph)
        return Judgement(fit.violated or 0.0, fit.verdict(ALPHA) == "refuted")

    def fit(self, graph: Adjacency) -> MarkovFit:
        """Return how the independences that ``graph`` implies fare, and its relabellings'."""
        claims = implied(graph)
        if not len(claims.first) or not graph.any():
            return MarkovFit(claims=len(claims.first))
        orders = np.concatenate((np.arange(len(graph))[None], self._orders))
        denied, tests = violations(claims, orders, self._test, ALPHA)
        if not tests[0]:
            return MarkovFit(claims=len(claims.first))
        share = denied / np.maximum(tests, 1)
        return MarkovFit(
            len(claims.first),
            int(tests[0]),
            int(denied[0]),
            float(np.median(share[1:])),
            float((share[1:] <= share[0]).mean()),
            float(equivalent(graph, orders[1:]).mean()),
            ALPHA,
        )

    def _test(self, first: Ints, second: Ints, given: Ints) -> Floats:
        return independence(self._measured, first, second, given, SEARCHED).p_value
