import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.evaluation.graph_peers import Patience, within_rules
from diagnose.evaluation.graph_scores import (
    NO_MODEL,
    LinkKnower,
    Scrambled,
    Size,
    fit,
    graph_tables,
    peers,
    proposed,
    proposers,
    scene_of,
)
from models.causal_lm.belief import PairBelief
from models.simulator.concepts import concepts
from models.simulator.system import system_of
from models.simulator.topology import random_topology

CHAIN = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)


@pytest.fixture(scope="module")
def scene():
    return scene_of(system_of(random_topology(1003), 12, 1003), 200)


def graphs(size=4):
    flags = st.lists(
        st.booleans(), min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2
    )

    def upper(bits):
        graph = np.zeros((size, size), dtype=bool)
        graph[np.triu_indices(size, 1)] = bits
        return graph

    return flags.map(upper)


@given(graphs())
def test_the_truth_itself_is_at_no_distance(truth):
    found = fit(truth.astype(float), truth)
    assert found.distance == 0
    assert found.f1 == (1.0 if truth.any() else 0.0)


@given(graphs(), graphs())
def test_the_distance_counts_the_pairs_that_differ(graph, truth):
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    differ = sum((graph[p], graph.T[p]) != (truth[p], truth.T[p]) for p in pairs)
    assert fit(graph.astype(float), truth).distance == differ
    turned = sum(bool(truth[p]) for p in pairs)
    assert fit(truth.T.astype(float), truth).distance == turned


def test_an_open_direction_is_half_right():
    found = fit((CHAIN | CHAIN.T) / 2, CHAIN)
    assert (found.f1, found.direction, found.distance) == (0.5, 0.5, 1.0)


def test_a_graph_without_edges_misses_all_of_them():
    found = fit(np.zeros((3, 3)), CHAIN)
    assert (found.f1, found.distance) == (0.0, 2.0)
    assert np.isnan(found.direction)


@pytest.fixture(scope="module")
def patience():
    patience = Patience(60)
    yield patience
    patience.close()


@pytest.fixture(scope="module")
def searches(patience):
    return peers(patience)


@pytest.mark.parametrize("name", ["random graph", "PC", "GES"])
def test_each_peer_finds_more_than_nothing_on_rows_that_obey_a_graph(scene, searches, name):
    graph = searches[name](scene)
    assert graph.shape == scene.truth.shape
    assert set(np.unique(graph)) <= {0.0, 0.5, 1.0}
    assert ((graph + graph.T) <= 1.0).all()
    assert fit(graph, scene.truth).f1 > 0


def test_rules_take_only_edges_away_or_direct_them(scene, searches):
    free = searches["PC"](scene)
    ruled = within_rules(free, scene.window)
    assert not (((ruled + ruled.T) > 0) & ((free + free.T) == 0)).any()


def forever(window):
    time.sleep(600)


def test_a_search_that_takes_too_long_is_given_up(scene, patience):
    patience.seconds = 0.2
    assert patience.wait(forever, scene.window) is None


def test_who_knows_the_links_comes_nearer_than_nobody():
    known = proposers({"links known": LinkKnower()}, 1.0)
    never = {"never": lambda scene: None}
    told = []
    size = Size(16, 100, 6)
    (table,) = graph_tables(known, [size], never, lambda done, of: told.append((done, of)))
    rows = {row.who: row for row in table.rows}
    knows = rows["links known, weight 1"]
    nearer = knows.scores[3]
    assert knows.n == 6
    assert nearer is not None
    assert nearer.value > 0
    assert rows[NO_MODEL].scores[3] is None
    assert (rows["never"].n, set(rows["never"].scores)) == (0, {None})
    assert told == [(done, 6) for done in range(1, 7)]


def test_weight_0_is_the_graph_without_a_model(scene):
    silent, weightless = proposed(None, 0.1)(scene), proposed(LinkKnower(), 0.0)(scene)
    assert silent is not None
    assert weightless is not None
    assert (weightless == silent).all()


def test_scrambled_names_are_those_of_other_signals_and_stay_apart():
    kinds = [concept.kind for concept in list(concepts().values())[:9]]

    class Echo:
        sent: tuple[str, ...] = ()

        def score(self, pairs):
            self.asked = pairs
            return tuple(PairBelief() for _ in pairs)

    echo = Echo()
    scrambled = Scrambled(echo, kinds, 3)
    scrambled.score([(kind, kind) for kind in kinds])
    told = [one for one, _ in echo.asked]
    assert set(told) == set(kinds)
    assert all(one != kind for one, kind in zip(told, kinds, strict=True))
