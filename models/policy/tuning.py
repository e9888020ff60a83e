"""Preference tuning: what operators accepted becomes likelier, what they rejected less likely.

A judgement is about one pair, so it moves one row of logits. Where somebody said what is so instead
of a rejected edge, two answers are compared (DPO). A bare yes or no moves one answer against what
the reference thinks of it (KTO). Both stay near the reference, and pairs that nobody spoke of are
held where they were by their exact divergence. ``trl`` has trainers of both names for models that
write text; here one answer is one of three numbers, and the loss is a line.

References: Rafailov et al., "Direct Preference Optimization: Your Language Model is Secretly a
Reward Model", NeurIPS 2023; Ethayarajh et al., "KTO: Model Alignment as Prospect Theoretic
Optimization", ICML 2024.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from models.causal_lm.belief import Pair
from models.policy.graphs import BACKWARD, FORWARD, NONE, divergence
from models.policy.judgements import ClaimJudgement

REPLACEMENT: Final = {"reversed": BACKWARD, "none": NONE}
# Who names the cause of an incident, or repairs it, says that some path leads to the symptom; that
# the first acts on the second directly is likely, not certain.
WEIGHT: Final = {"edge": 1.0, "cause": 0.5, "repair": 0.5}


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """How far judgements may move a policy.

    Attributes:
        steps: Of Adam, each over all judgements.
        rate: Of Adam.
        sharpness: Beta of both losses: larger stays nearer to the reference.
        anchor: Weight of the mean divergence on pairs that nobody spoke of.
    """

    steps: int = 100
    rate: float = 3e-3
    sharpness: float = 0.5
    anchor: float = 1.0


def tune(
    policy: nn.Module,
    judgements: Sequence[ClaimJudgement],
    unspoken: Sequence[Pair],
    plan: TuningPlan,
) -> Iterator[float]:
    """Move ``policy`` towards ``judgements``; yield the loss of every step before it is taken.

    Args:
        policy: Gives the logits of pairs, of shape (pairs, 3); its parameters are changed. What it
            says at the beginning is the reference.
        judgements: What was said, at least one.
        unspoken: Pairs on which the policy must stay what it was.
        plan: How far.
    """
    spoken = [(judgement.cause, judgement.effect) for judgement in judgements]
    with torch.no_grad():
        before, elsewhere = policy(spoken), policy(unspoken)
    optimiser = torch.optim.Adam(policy.parameters(), lr=plan.rate)
    for _ in range(plan.steps):
        loss = judged_loss(policy(spoken), before, judgements, plan.sharpness)
        loss = loss + plan.anchor * divergence(policy(unspoken), elsewhere).mean()
        yield float(loss.detach())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def judged_loss(
    now: Tensor, before: Tensor, judgements: Sequence[ClaimJudgement], sharpness: float
) -> Tensor:
    """Return the weighted mean loss of judgements, each by the rule that fits what was said.

    Args:
        now: Logits of the judged pairs, in order, of shape (judgements, 3).
        before: Those of the reference.
        judgements: What was said of them.
        sharpness: Beta.
    """
    ratio = now.log_softmax(dim=1) - before.log_softmax(dim=1)
    told = torch.tensor([REPLACEMENT.get(j.instead or "", FORWARD) for j in judgements])
    compared = told != FORWARD
    rows = torch.arange(len(judgements))
    accepted = torch.tensor([judgement.verdict == "accepted" for judgement in judgements])
    expected = divergence(now, before).mean().detach()
    each = torch.where(
        compared,
        compared_loss(ratio[rows, told], ratio[:, FORWARD], sharpness),
        single_loss(ratio[:, FORWARD], accepted, expected, sharpness),
    )
    weight = torch.tensor([WEIGHT[judgement.about] for judgement in judgements])
    return (weight * each).sum() / weight.sum()


def compared_loss(better: Tensor, worse: Tensor, sharpness: float) -> Tensor:
    """Return DPO's loss, one a comparison.

    Args:
        better: How much likelier than the reference finds it the policy finds the better answer,
            as a logarithm.
        worse: The same of the worse answer.
        sharpness: Beta.
    """
    return -nn.functional.logsigmoid(sharpness * (better - worse))


def single_loss(ratio: Tensor, accepted: Tensor, expected: Tensor, sharpness: float) -> Tensor:
    """Return KTO's loss, one a judged answer, 0..1.

    Args:
        ratio: How much likelier than the reference finds it the policy finds the answer, as a
            logarithm.
        accepted: Whether somebody said yes to it.
        expected: The policy's divergence from the reference, what a ratio is on average; exact
            here, estimated where text is written.
        sharpness: Beta.
    """
    gain = sharpness * (ratio - expected)
    return 1 - torch.sigmoid(torch.where(accepted, gain, -gain))
