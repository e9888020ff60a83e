import numpy as np

from diagnose.evaluation.call_directions import call_tables
from models.causal_lm.belief import UNANSWERED, PairBelief
from tests.models.scm import signals_of, window_of

NAMES = ("web requests", "web error_rate", "db requests", "db cpu", "db latency_p90")
CALLS = (("web", "db"),)


class Answering:
    """A scorer that says of each pair that the one earlier in its list acts on the other."""

    sent: tuple[str, ...] = ()

    def __init__(self, *order):
        self.order = order
        self.asked = []

    def score(self, pairs):
        self.asked += [(a.name, b.name) for a, b in pairs]
        return tuple(self._belief(a.name, b.name) for a, b in pairs)

    def _belief(self, a, b):
        if not {a, b} <= set(self.order):
            return UNANSWERED
        lean = 1.0 if self.order.index(a) < self.order.index(b) else -1.0
        return PairBelief(lean, -lean, 0.0)


def directions(scorer, topology=CALLS, names=NAMES):
    signals = signals_of(*names)
    window = window_of(np.ones((40, len(signals))), signals, topology=topology)
    tables = call_tables("shop", [window, window], {"it": scorer})
    return {table.title.split()[2]: table.rows[0] for table in tables}


def values(rows):
    """Return (right direction, has an opinion) of each row."""
    return {name: tuple(score.value for score in row.scores) for name, row in rows.items()}


def test_load_goes_down_and_failures_go_up():
    right = Answering("request rate", "cpu utilization", "response latency", "error rate")
    found = directions(right)
    assert values(found) == {"load": (1.0, 1.0), "failures": (1.0, 1.0)}
    assert found["load"].n == 1
    turned = directions(Answering(*reversed(right.order)))
    assert all(right == 0.0 for right, _ in values(turned).values())


def test_the_load_of_the_called_and_one_kind_at_both_ends_are_not_asked_about():
    scorer = Answering()
    directions(scorer)
    assert sorted(scorer.asked) == [
        ("cpu utilization", "error rate"),
        ("request rate", "cpu utilization"),
        ("request rate", "response latency"),
        ("response latency", "error rate"),
    ]


def test_who_has_no_opinion_is_as_good_as_chance():
    assert set(values(directions(Answering())).values()) == {(0.5, 0.0)}


def test_without_calls_there_is_nothing_to_say():
    assert directions(Answering(), topology=()) == {}
