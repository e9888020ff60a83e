from dataclasses import replace
from datetime import timedelta
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.attribute import Fusion, attribute
from diagnose.falsify import falsify
from diagnose.schema import Anomaly, CausalGraph, Node, RootCause
from models.detector import RobustDetector
from models.ranker import MixtureRanker
from tests.diagnose.simulated import START, World, random_edges, random_world, window

# 0 -> 1 -> 2, and 3 alone
CHAIN = World(
    np.diag([1.0, 1.0, 0.0], 1), np.zeros((4, 4), dtype=np.int64), np.array([0.5, 0.5, 0.5, 0.5])
)
ROOT, MIDDLE, SYMPTOM, ALONE = CHAIN.nodes


def incident(world, fault, rows=800, recent=20, shift=8.0, seed=1):
    values = world.live(np.random.default_rng(seed), rows + recent, fault, rows + 5, shift)
    return window(world.nodes, values[:rows], values[rows:])


def judged(world, edges=None, verdict="supported", trust=0.9):
    graph = world.graph(edges, lags=True)
    edges = tuple(replace(e, verdict=verdict, p_value=0.01, effective_n=99) for e in graph.edges)
    return replace(graph, edges=edges, trust=trust)


def ranking(*shares):
    return tuple(RootCause(n.entity, n.signal, p, score=p) for n, p in shares)


def nodes(causes):
    return [cause.node for cause in causes]


WINDOW = incident(CHAIN, fault=0)
ANOMALIES = tuple(Anomaly(n, START + timedelta(days=1), 8.0, 6.0) for n in (ROOT, MIDDLE, SYMPTOM))
UNDECIDED = ranking((SYMPTOM, 0.3), (MIDDLE, 0.28), (ROOT, 0.26), (ALONE, 0.05))


def test_what_its_parents_explain_falls_behind_them():
    causes = attribute(judged(CHAIN), WINDOW, ANOMALIES, UNDECIDED, SYMPTOM)
    assert nodes(causes)[:2] == [ROOT, MIDDLE]
    assert causes[0].probability > 0.6
    assert causes[0].path == (ROOT, MIDDLE, SYMPTOM)
    assert {c.node: c.path for c in causes}[SYMPTOM] == (SYMPTOM,)


def test_the_explained_part_alone_tells_the_child_from_the_cause():
    fusion = Fusion(downstream=0.0)
    even = ranking((SYMPTOM, 0.25), (MIDDLE, 0.25), (ROOT, 0.25))
    causes = attribute(judged(CHAIN), WINDOW, ANOMALIES, even, SYMPTOM, fusion)
    assert nodes(causes)[0] == ROOT
    inside = attribute(judged(CHAIN), incident(CHAIN, fault=1), ANOMALIES, even, SYMPTOM, fusion)
    assert inside[-1].node == SYMPTOM  # the middle explains it; nothing explains the middle
    assert inside[0].probability > 3 * inside[-1].probability


def test_without_trust_nothing_moves():
    causes = attribute(judged(CHAIN, trust=0.0), WINDOW, ANOMALIES, UNDECIDED, SYMPTOM)
    assert nodes(causes) == nodes(UNDECIDED)
    for after, before in zip(causes, UNDECIDED, strict=True):
        assert after.probability == pytest.approx(before.probability)


def test_trust_moves_probability_without_a_jump():
    trusts = np.linspace(0, 1, 41)
    shares = []
    for trust in trusts:
        causes = attribute(judged(CHAIN, trust=trust), WINDOW, ANOMALIES, UNDECIDED, SYMPTOM)
        shares.append({c.node: c.probability for c in causes}[ROOT])
    assert (np.diff(shares) >= 0).all()
    assert np.diff(shares).max() < 0.1


shares = st.lists(st.floats(0, 1), min_size=4, max_size=4).map(
    lambda parts: sorted((p / max(sum(parts), 1) for p in parts), reverse=True)
)


@settings(max_examples=25, deadline=None)
@given(shares, st.floats(0, 1), st.permutations(CHAIN.nodes))
def test_the_mass_stays_and_the_order_is_that_of_the_probabilities(parts, trust, order):
    before = ranking(*zip(order, parts, strict=True))
    causes = attribute(judged(CHAIN, trust=trust), WINDOW, ANOMALIES, before, SYMPTOM)
    assert sorted(nodes(causes)) == sorted(order)
    assert sum(c.probability for c in causes) == pytest.approx(sum(parts))
    assert [c.probability for c in causes] == sorted((c.probability for c in causes), reverse=True)
    assert [c.score for c in causes] == sorted((c.score for c in causes), reverse=True)


def test_a_refuted_edge_is_on_no_path_and_moves_nobody():
    refuted = judged(CHAIN, verdict="refuted")
    causes = attribute(refuted, WINDOW, ANOMALIES, UNDECIDED, SYMPTOM)
    paths = {c.node: c.path for c in causes}
    assert paths == {ROOT: (), MIDDLE: (), SYMPTOM: (SYMPTOM,), ALONE: ()}


def test_an_untested_edge_moves_less_than_a_supported_one():
    def share(verdict):
        graph = judged(CHAIN, verdict=verdict)
        causes = attribute(graph, WINDOW, ANOMALIES, UNDECIDED, SYMPTOM)
        return {c.node: c.probability for c in causes}[ROOT]

    assert 0.26 < share("untestable") < share("supported")


def test_an_entity_that_the_graph_lacks_stays_between_the_moved():
    stranger = Node("elsewhere", "disk")
    before = ranking((SYMPTOM, 0.4), (stranger, 0.2), (ROOT, 0.2))
    causes = attribute(judged(CHAIN), WINDOW, ANOMALIES, before, SYMPTOM)
    assert nodes(causes) == [ROOT, stranger, SYMPTOM]
    assert causes[1].path == ()


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_any_rows_are_no_error(rows):
    seen = window(CHAIN.nodes, np.ones((rows, 4)), np.ones((rows, 4)))
    causes = attribute(judged(CHAIN), seen, (), UNDECIDED, SYMPTOM)
    assert sum(c.probability for c in causes) == pytest.approx(0.89)


def test_nothing_to_rank_and_nothing_to_rank_with():
    assert attribute(judged(CHAIN), WINDOW, ANOMALIES, (), SYMPTOM) == ()
    assert nodes(attribute(CausalGraph(), WINDOW, (), UNDECIDED, SYMPTOM)) == nodes(UNDECIDED)
    stranger = Node("elsewhere", "disk")
    assert all(not c.path for c in attribute(judged(CHAIN), WINDOW, ANOMALIES, UNDECIDED, stranger))


def test_gaps_and_constants_are_no_error():
    values = CHAIN.live(np.random.default_rng(2), 620, 0, 605, 8.0)
    values[:, 3] = 7.0
    values[np.random.default_rng(3).random(values.shape) < 0.2] = np.nan
    seen = window(CHAIN.nodes, values[:600], values[600:])
    causes = attribute(judged(CHAIN), seen, ANOMALIES, UNDECIDED, SYMPTOM)
    assert causes[0].node == ROOT


def test_dowhy_may_be_asked_and_leaves_the_process_as_it_was():
    from dowhy import gcm

    asked = Fusion(downstream=0.0, explained=0.0, second_opinion=5.0)
    before = (gcm.config.show_progress_bars, gcm.config.default_n_jobs)
    once = attribute(judged(CHAIN), WINDOW, ANOMALIES, UNDECIDED, SYMPTOM, asked)
    again = attribute(judged(CHAIN), WINDOW, ANOMALIES, UNDECIDED, SYMPTOM, asked)
    assert once == again
    assert once[0].node == ROOT
    assert (gcm.config.show_progress_bars, gcm.config.default_n_jobs) == before


def bent(values, seed):
    """Return the values as sensors show them that exaggerate, saturate, or cannot go below."""
    rng = np.random.default_rng(seed)
    shapes = (
        lambda x: x,
        lambda x: np.exp(0.7 * x),
        lambda x: np.maximum(x, -0.5),
        lambda x: np.sign(x) * np.abs(x) ** 1.5,
    )
    return np.stack([shapes[rng.integers(4)](column) for column in values.T], axis=1)


def bent_incidents(count):
    """Yield (world, window, anomalies, fault, symptom): far effects may look worse than causes."""
    rng = np.random.default_rng(42)
    while count:
        world = random_world(rng, 12, 18, weight=(0.3, 1.0), max_lag=2)
        fault = int(rng.integers(6))
        live = world.live(rng, 630, fault, 610, rng.uniform(3, 10) * rng.choice([-1, 1]))
        values = bent(live, int(rng.integers(1 << 30)))
        seen = window(world.nodes, values[:600], values[600:])
        anomalies = RobustDetector().detect(seen)
        places = [world.nodes.index(anomaly.node) for anomaly in anomalies]
        reached = np.linalg.inv(np.eye(12) - (world.weights != 0))[fault] > 0.5
        below = [place for place in places if reached[place] and place != fault]
        if below:
            count -= 1
            yield world, seen, anomalies, world.nodes[fault], world.nodes[below[0]]


def test_a_true_graph_helps_and_a_random_one_does_no_harm():
    rng = np.random.default_rng(43)
    first: dict[str, list[bool]] = {"without": [], "true": [], "random": []}
    said: dict[str, list[float]] = {"without": [], "true": [], "random": []}
    for world, seen, anomalies, fault, symptom in bent_incidents(40):
        before = MixtureRanker().rank(seen)
        order = rng.permutation(12)
        wrong = [(int(order[i]), int(order[j])) for i, j in random_edges(rng, 12, 18)]
        after = {"without": before}
        for name, edges in (("true", world.edges), ("random", wrong)):
            graph = falsify(world.graph(edges), seen)
            after[name] = attribute(graph, seen, anomalies, before, symptom)
        for name, causes in after.items():
            first[name].append(causes[0].node == fault)
            said[name].append({c.node: c.probability for c in causes}[fault])
    accuracy = {name: np.mean(hits) for name, hits in first.items()}
    loss = {name: -np.mean(np.log(probabilities)) for name, probabilities in said.items()}
    assert accuracy["true"] >= accuracy["without"] + 0.1
    assert loss["true"] < loss["without"] - 0.4
    assert accuracy["random"] >= accuracy["without"] - 0.05
    assert loss["random"] < loss["without"] + 0.1


def test_twelve_nodes_take_a_tenth_of_a_second():
    rng = np.random.default_rng(44)
    world = random_world(rng, 12, 20)
    seen = incident(world, 0, rows=1800)
    before = ranking(*((node, 0.05) for node in world.nodes))
    begin = process_time()
    attribute(judged(world), seen, ANOMALIES, before, world.nodes[-1])
    assert process_time() - begin < 0.1
