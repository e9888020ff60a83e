import numpy as np
import torch

from diagnose.schema import Kind
from models.kinds import VOCABULARY
from models.policy.features import NAMES, both_orders, ordered
from models.policy.graphs import pair_index
from models.policy.incident import Incident
from models.policy.network import Critic, KindEdges, NamesPolicy, PairPolicy
from tests.models.policy.worlds import world


def test_signals_in_another_order_get_the_same_answers():
    incident, _ = world(3)
    order = np.random.default_rng(0).permutation(6)
    turned = Incident(
        tuple(incident.signals[i] for i in order),
        incident.baseline[:, order],
        incident.recent[:, order],
        int(np.flatnonzero(order == incident.symptom)[0]),
    )
    policy = PairPolicy(seed=2)
    edges = [_edges(policy(each).detach().numpy(), 6) for each in (incident, turned)]
    assert np.allclose(edges[0][np.ix_(order, order)], edges[1], atol=1e-4)


def test_names_alone_do_not_read_the_data():
    one, _ = world(3)
    other = Incident(one.signals, one.baseline[::-1].copy(), one.recent, one.symptom)
    policy = NamesPolicy(KindEdges())
    assert torch.equal(policy(one), policy(other))


def test_a_pair_of_kinds_asked_in_the_other_order_gives_the_answer_turned_round():
    kinds = PairPolicy(seed=1).kinds
    a, b = VOCABULARY[5], VOCABULARY[60]
    assert torch.allclose(kinds([(a, b)])[:, [1, 0, 2]], kinds([(b, a)]))


def test_a_policy_of_names_says_of_an_incident_what_it_says_of_its_pairs():
    incident, kinds = world(3)[0], KindEdges()
    logits, every = NamesPolicy(kinds)(incident), kinds.among([s.kind for s in incident.signals])
    seen = torch.isfinite(logits)
    assert torch.allclose(logits[seen], every[seen], atol=1e-6)


def test_unknown_words_are_no_failure():
    kinds = PairPolicy().kinds
    assert torch.isfinite(kinds([(Kind("frobnication of widgets"), VOCABULARY[3])])).all()


def test_features_are_bounded_and_finite_even_for_constants_and_gaps():
    incident, _ = world(4)
    baseline = incident.baseline.copy()
    baseline[:, 0], baseline[:, 1] = 3.0, np.nan
    for each in (incident, Incident(incident.signals, baseline, incident.recent, 0)):
        numbers = ordered(each)
        assert numbers.shape == (6, 6, len(NAMES))
        assert np.isfinite(numbers).all()
        assert np.abs(numbers).max() <= 1.1
    assert torch.isfinite(Critic()(incident)).all()


def test_both_orders_are_the_two_sides_of_a_pair():
    incident, _ = world(5)
    first, second = pair_index(6)
    sides, every = both_orders(incident), ordered(incident)
    assert np.array_equal(sides[:, 0], every[first, second])
    assert np.array_equal(sides[:, 1], every[second, first])


def _edges(logits, size):
    first, second = pair_index(size)
    edges = np.full((size, size), -99.0)
    edges[first, second], edges[second, first] = logits[:, 0], logits[:, 1]
    return np.maximum(edges, -99.0)
