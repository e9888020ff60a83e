from time import process_time

import numpy as np
import pytest

from diagnose.intervene import counterfactual, intervene
from diagnose.schema import Node, RootCause
from tests.diagnose.simulated import World, random_world, window
from tests.diagnose.test_attribute import judged

ROWS = 800
# two causes of one effect, which passes it on; the last node stands alone
FORK = World(
    np.array([[0, 0, 0.8, 0, 0], [0, 0, 0.8, 0, 0], [0, 0, 0, 1, 0], [0] * 5, [0] * 5]),
    np.array([[0, 0, 1, 0, 0], [0] * 5, [0] * 5, [0] * 5, [0] * 5]),
    np.full(5, 0.5),
)
LEFT, RIGHT, MIDDLE, SYMPTOM, ALONE = FORK.nodes


def incident(shifts, world=FORK, rows=ROWS, recent=20, seed=1):
    """Return a window in whose recent part the noise of some nodes is shifted."""
    rng = np.random.default_rng(seed)
    faults, sizes = list(shifts), np.array(list(shifts.values()), dtype=float)
    live = world.live(rng, rows + recent, faults, rows, sizes)
    return window(world.nodes, live[:rows], live[rows:])


def causes(*nodes):
    return tuple(RootCause(node.entity, node.signal, 0.2) for node in nodes)


def repair(seen, *nodes, graph=None):
    return intervene(judged(FORK) if graph is None else graph, seen, causes(*nodes), SYMPTOM)


def imagine(seen, *nodes, graph=None):
    return counterfactual(judged(FORK) if graph is None else graph, seen, causes(*nodes), SYMPTOM)


def test_repairing_the_only_cause_removes_the_symptom():
    (found,) = repair(incident({0: 8.0}), LEFT)
    assert found.refused is None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= (found.share or 0) <= found.high
    assert found.low < 1.0 < found.high + 0.1
    assert found.share == pytest.approx(1.0, abs=0.2)


def test_one_of_two_causes_removes_its_part():
    world = World(np.sign(FORK.weights) * 2, FORK.lags, np.zeros(5))
    for found in repair(incident({0: 2.2, 1: 2.2}, world=world, recent=100), LEFT, RIGHT):
        assert found.share == pytest.approx(0.5, abs=0.1)


def test_most_intervals_hold_what_really_happens():
    inside = []
    for seed in range(40):
        seen = incident({0: 6.0}, seed=seed)
        (found,) = repair(seen, LEFT)
        if found.low is None or found.high is None:
            continue
        cause, symptom = (
            seen.recent[str(node)].to_numpy() - seen.baseline[str(node)].median()
            for node in (LEFT, SYMPTOM)
        )
        really = 0.8 * cause[:-1].mean() / symptom[1:].mean()
        inside.append(found.low <= really <= found.high)
    assert len(inside) > 30
    assert np.mean(inside) > 0.8


def test_what_shows_far_more_than_its_cause_ever_made_of_it_may_be_broken_itself():
    seen = incident({0: 14.0})
    bent = seen.recent[str(SYMPTOM)].to_numpy() * 30
    changed = seen.recent.with_columns(**{str(SYMPTOM): bent})
    (found,) = repair(type(seen)(seen.signals, seen.baseline, changed, 60, *when(seen)), LEFT)
    assert f"{SYMPTOM} shows far more" in (found.refused or "")


def test_a_mechanism_that_bends_out_there_does_not_spoil_the_repair():
    seen = incident({0: 14.0})
    bent = seen.recent[str(SYMPTOM)].to_numpy() * 5
    changed = seen.recent.with_columns(**{str(SYMPTOM): bent})
    (found,) = repair(type(seen)(seen.signals, seen.baseline, changed, 60, *when(seen)), LEFT)
    assert found.share == pytest.approx(1.0, abs=0.2)


def when(seen):
    return seen.alert_time, seen.as_of


def test_a_repair_elsewhere_is_refused_while_the_other_cause_is_out_of_sight():
    (found,) = repair(incident({0: 3.5, 1: 30.0}), LEFT)
    assert f"{RIGHT} has left all that normal life showed as well" in (found.refused or "")


def test_what_moved_against_its_effect_is_refused():
    (found,) = repair(incident({0: -3.0, 3: 9.0}), LEFT)
    assert "the other way" in (found.refused or "")


QUIET = {0: 8.0}
REFUSALS = [
    (ALONE, {}, "no edge that held in its test leads from"),
    (SYMPTOM, {}, "it is the symptom itself"),
    (Node("elsewhere", "disk"), {}, "no edge that held in its test leads from"),
    (RIGHT, {}, "nothing to bring back"),
    (LEFT, {"shifts": {}}, "within its normal range, or hardly outside"),
    (LEFT, {"rows": 30}, "too little of normal life was seen"),
    (LEFT, {"rows": 0}, "too little of normal life was seen"),
    (LEFT, {"recent": 0}, "within its normal range, or hardly outside"),
]


@pytest.mark.parametrize("ask", [repair, imagine])
@pytest.mark.parametrize(("node", "change", "reason"), REFUSALS)
def test_it_says_in_plain_words_why_it_cannot_say(ask, node, change, reason):
    (found,) = ask(incident(**({"shifts": QUIET} | change)), node)
    assert reason in (found.refused or "")


@pytest.mark.parametrize("ask", [repair, imagine])
def test_refuted_edges_and_unknown_symptoms_are_no_way(ask):
    seen = incident(QUIET)
    for graph in (judged(FORK, verdict="refuted"), judged(FORK, edges=[(0, 2)])):
        (found,) = ask(seen, LEFT, graph=graph)
        assert "no edge that held in its test" in (found.refused or "")


@pytest.mark.parametrize("ask", [repair, imagine])
def test_what_never_moved_teaches_nothing(ask):
    seen = incident(QUIET)
    still = seen.baseline.with_columns(**{str(LEFT): np.full(ROWS, 7.0)})
    (found,) = ask(type(seen)(seen.signals, still, seen.recent, 60, *when(seen)), LEFT)
    assert f"{LEFT} never moved in normal life" in (found.refused or "")


def test_without_its_cause_the_symptom_would_not_have_occurred():
    (found,) = imagine(incident({0: 5.5}), LEFT)
    assert found.occurred is False
    assert (found.expected or 0) < 0.6 * (found.observed or 0)


def test_with_another_fault_it_would_have_occurred_all_the_same():
    (found,) = imagine(incident({0: 3.5, 3: 9.0}), LEFT)
    assert found.occurred is True


def test_far_from_all_that_was_seen_nothing_is_imagined():
    (found,) = imagine(incident({0: 90.0}), LEFT)
    assert "too far to reckon with" in (found.refused or "")


def test_where_the_mechanism_did_not_hold_nothing_is_imagined():
    seen = incident({0: 5.5})
    bent = seen.recent[str(MIDDLE)].to_numpy() * 8
    changed = seen.recent.with_columns(**{str(MIDDLE): bent})
    (found,) = imagine(type(seen)(seen.signals, seen.baseline, changed, 60, *when(seen)), LEFT)
    assert found.occurred is None


def test_gaps_are_no_error():
    values = FORK.live(np.random.default_rng(5), 920, 0, 900, 5.5)
    values[np.random.default_rng(6).random(values.shape) < 0.1] = np.nan
    seen = window(FORK.nodes, values[:900], values[900:])
    assert repair(seen, LEFT)[0].share == pytest.approx(1.0, abs=0.25)
    assert imagine(seen, LEFT)[0].occurred is False


def test_the_same_question_has_the_same_answer_for_the_first_three():
    seen = incident({0: 5.5})
    asked = (LEFT, RIGHT, MIDDLE, ALONE)
    assert repair(seen, *asked) == repair(seen, *asked)
    assert imagine(seen, *asked) == imagine(seen, *asked)
    assert [found.cause for found in repair(seen, *asked)] == list(asked[:3])
    assert [found.cause for found in imagine(seen, *asked)] == list(asked[:3])


def test_twelve_nodes_take_a_third_of_a_second():
    rng = np.random.default_rng(7)
    world = random_world(rng, 12, 20)
    seen = incident({0: 6.0}, world=world, rows=1800)
    graph, asked, symptom = judged(world), causes(*world.nodes[:3]), world.nodes[-1]
    counterfactual(graph, seen, asked, symptom)
    begin = process_time()
    intervene(graph, seen, asked, symptom)
    counterfactual(graph, seen, asked, symptom)
    assert process_time() - begin < 0.3
