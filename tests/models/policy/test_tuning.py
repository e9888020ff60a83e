import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.kinds import VOCABULARY
from models.policy.graphs import BACKWARD, FORWARD, divergence
from models.policy.judgements import ClaimJudgement
from models.policy.network import KindEdges
from models.policy.tuning import TuningPlan, compared_loss, judged_loss, single_loss, tune

CAUSE, EFFECT, OTHER = VOCABULARY[30], VOCABULARY[90], VOCABULARY[60]
UNSPOKEN = [(VOCABULARY[i], VOCABULARY[i + 7]) for i in range(40)]
ratios = st.floats(-4, 4).map(torch.tensor)


def said(verdict, instead=None, about="edge"):
    return ClaimJudgement(about, CAUSE, EFFECT, verdict, instead)


def shares(policy, pairs):
    return policy(pairs).softmax(dim=1).detach()


def tuned(*judgements, anchor=1.0):
    torch.manual_seed(0)
    policy = KindEdges()
    reference = copy.deepcopy(policy)
    losses = list(tune(policy, judgements, UNSPOKEN, TuningPlan(60, anchor=anchor)))
    return reference, policy, losses


@pytest.mark.parametrize(
    ("judgement", "rises"),
    [
        (said("accepted"), True),
        (said("rejected"), False),
        (said("accepted", about="repair"), True),
        (said("rejected", "reversed"), False),
    ],
)
def test_what_was_accepted_becomes_likelier_and_what_was_rejected_less_likely(judgement, rises):
    reference, policy, losses = tuned(judgement)
    pair = [(CAUSE, EFFECT)]
    before, after = shares(reference, pair)[0], shares(policy, pair)[0]
    assert (after[FORWARD] > before[FORWARD]) == rises
    if judgement.instead == "reversed":
        assert after[BACKWARD] > before[BACKWARD]
    assert losses[-1] < losses[0]


def test_pairs_that_nobody_spoke_of_stay_where_they_were():
    moved = []
    for anchor in (0.0, 20.0):
        reference, policy, _ = tuned(said("accepted"), anchor=anchor)
        apart = divergence(policy(UNSPOKEN), reference(UNSPOKEN)).detach()
        moved.append(float(apart.mean()))
    assert moved[1] < moved[0] / 4


@given(ratios, ratios, st.floats(0.05, 3))
def test_two_answers_are_compared_by_their_difference_alone(better, worse, sharpness):
    loss = compared_loss(better, worse, sharpness)
    assert torch.allclose(loss, compared_loss(better + 1, worse + 1, sharpness), atol=1e-4)
    assert compared_loss(better + 0.5, worse, sharpness) < loss
    assert compared_loss(worse, worse, sharpness).item() == pytest.approx(0.6931, abs=1e-3)


@given(ratios, st.floats(0, 2), st.floats(0.05, 3))
def test_a_yes_and_a_no_pull_apart_and_never_without_bound(ratio, expected, sharpness):
    yes = single_loss(ratio, torch.tensor(True), torch.tensor(expected), sharpness)
    no = single_loss(ratio, torch.tensor(False), torch.tensor(expected), sharpness)
    assert 0 <= yes.item() <= 1
    assert (yes + no).item() == pytest.approx(1, abs=1e-5)


def test_a_policy_that_has_not_moved_is_undecided():
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    loss = judged_loss(logits, logits, [said("accepted"), said("rejected")], 0.5)
    assert loss.item() == pytest.approx(0.5)


def test_an_edge_weighs_more_than_a_cause():
    now = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    before = torch.zeros(2, 3)
    edge = judged_loss(now, before, [said("accepted"), said("rejected", about="cause")], 1.0)
    cause = judged_loss(now, before, [said("accepted", about="cause"), said("rejected")], 1.0)
    assert edge < cause  # the first row pleases, and counts for more in the first of the two
