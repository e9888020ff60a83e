import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.policy.graphs import (
    BACKWARD,
    FORWARD,
    NONE,
    adjacency,
    answers,
    divergence,
    draw,
    is_acyclic,
    likeliest,
    log_probability,
    pair_index,
    reach,
    repaired,
    restricted,
)

sizes = st.integers(2, 8)
seeds = st.integers(0, 10_000)


def logits_of(seed, pairs, spread=2.0):
    return torch.randn(pairs, 3, generator=torch.Generator().manual_seed(seed)) * spread


def answers_of(seed, draws, size):
    return np.random.default_rng(seed).integers(0, 3, (draws, size * (size - 1) // 2))


@given(seeds, sizes)
def test_a_graph_is_its_answers(seed, size):
    answered = answers_of(seed, 3, size)
    assert (answers(adjacency(answered, size)) == answered).all()


@given(seeds, sizes)
def test_a_repaired_graph_is_acyclic_and_holds_only_what_was_drawn(seed, size):
    answered = answers_of(seed, 4, size)
    confidence = np.random.default_rng(seed + 1).random(answered.shape)
    graphs = repaired(answered, confidence, size)
    assert all(is_acyclic(graph) for graph in graphs)
    assert not (graphs & ~adjacency(answered, size)).any()


@given(seeds, sizes)
def test_an_acyclic_draw_needs_no_repair(seed, size):
    rng = np.random.default_rng(seed)
    order = rng.permutation(size)
    graph = (np.triu(rng.random((size, size)) < 0.5, 1))[np.ix_(order, order)]
    kept = repaired(answers(graph)[None], rng.random((1, size * (size - 1) // 2)), size)
    assert (kept[0] == graph).all()


@given(seeds, sizes)
def test_what_the_repair_left_out_would_close_a_cycle(seed, size):
    answered = answers_of(seed, 1, size)
    graph = repaired(answered, np.ones(answered.shape), size)[0]
    for cause, effect in np.argwhere(adjacency(answered, size)[0] & ~graph):
        assert reach(graph)[effect, cause]


def test_the_least_probable_edge_of_a_cycle_is_left_out():
    circle = np.array([[FORWARD, BACKWARD, FORWARD]])  # 0 -> 1, 2 -> 0, 1 -> 2
    for weakest, (cause, effect) in enumerate(((0, 1), (2, 0), (1, 2))):
        confidence = np.ones((1, 3))
        confidence[0, weakest] = 0.1
        graph = repaired(circle, confidence, 3)[0]
        assert not graph[cause, effect]
        assert graph.sum() == 2


@given(seeds, sizes)
def test_a_forbidden_edge_is_never_drawn(seed, size):
    allowed = np.random.default_rng(seed).random((size, size)) < 0.5
    first, _ = pair_index(size)
    logits = restricted(logits_of(seed, len(first)), allowed)
    drawn = draw(logits, 32, torch.Generator().manual_seed(seed))
    assert not (adjacency(drawn.numpy(), size) & ~allowed).any()
    assert torch.isfinite(log_probability(logits, drawn)).all()


def test_answers_are_drawn_as_often_as_they_are_probable():
    logits = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]).log()
    drawn = draw(logits, 20_000, torch.Generator().manual_seed(0))
    for answer in (FORWARD, BACKWARD, NONE):
        often = (drawn == answer).float().mean(dim=0)
        assert torch.allclose(often, logits.exp()[:, answer], atol=0.02)


@given(seeds)
def test_divergence_is_what_its_definition_says_and_zero_to_itself(seed):
    new, old = logits_of(seed, 5), logits_of(seed + 1, 5)
    apart = divergence(new, old)
    wanted = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=new), torch.distributions.Categorical(logits=old)
    )
    assert torch.allclose(apart, wanted, atol=1e-5)
    assert (apart > -1e-6).all()
    assert torch.allclose(divergence(new, new), torch.zeros(5), atol=1e-6)


def test_gradients_are_finite_where_an_answer_is_ruled_out():
    free = logits_of(3, 4).requires_grad_()
    ruled = torch.zeros(4, 3, dtype=torch.bool)
    ruled[:, 0] = True
    logits = free.masked_fill(ruled, -torch.inf)
    other = logits_of(4, 4).masked_fill(ruled, -torch.inf)
    divergence(logits, other).sum().backward()
    assert free.grad is not None
    assert torch.isfinite(free.grad).all()


@given(seeds, st.floats(0.05, 1.0))
def test_the_likeliest_answers_hold_the_mass_and_none_is_left_out_for_a_lesser(seed, mass):
    logits = logits_of(seed, 6)
    open_ = likeliest(logits, mass)
    share = logits.softmax(dim=1)
    assert ((share * open_).sum(dim=1) >= min(mass, 1 - 1e-6) - 1e-6).all()
    assert open_.gather(1, share.argmax(dim=1, keepdim=True)).all()
    least_open = share.masked_fill(~open_, 2).min(dim=1).values
    most_shut = share.masked_fill(open_, -1).max(dim=1).values
    assert (least_open >= most_shut).all()
