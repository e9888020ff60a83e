"""TRPO: the longest step that stays within a trust region measured exactly.

With three answers a pair the divergence between two policies is a sum, not an estimate. Its second
derivative gives the natural direction, by conjugate gradients; a line search then shortens the step
until the exact divergence keeps the bound and the surrogate has risen.

Reference: Schulman et al., "Trust Region Policy Optimization", ICML 2015.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from models.policy.algorithms import Learner
from models.policy.graphs import divergence, log_probability
from models.policy.rollout import Logits, Rollout, standardised

DAMPING: Final = 0.1  # of the curvature, which a small batch knows badly
ITERATIONS: Final = 8  # of conjugate gradients
HALVINGS: Final = 8  # of a step before it is given up
ENOUGH: Final = 1e-10  # squared residual at which conjugate gradients stop


class Trpo(Learner):
    """One natural step a batch, bounded by the exact divergence from where it began.

    Args:
        policy: As for every learner; forwards of it must be twice differentiable.
        reference: Likewise; the region already bounds each step, so it takes no part.
        bound: Largest divergence of a step, in nats, summed over an incident's pairs.
    """

    def __init__(self, policy: nn.Module, reference: Logits, bound: float = 0.02) -> None:
        super().__init__(policy, reference, anchor=0.0)
        self.bound = bound

    def update(self, rollouts: Sequence[Rollout]) -> None:
        """Take the longest step that raises the surrogate and keeps the bound, or none."""
        rollouts = standardised(rollouts)
        parameters = list(self.policy.parameters())
        logits = [self.logits(rollout.incident) for rollout in rollouts]
        before = [each.detach() for each in logits]
        gain = _gain(logits, rollouts)
        uphill = _flat(torch.autograd.grad(gain, parameters, retain_graph=True))
        slope = _flat(torch.autograd.grad(_apart(logits, before), parameters, create_graph=True))

        def curvature(direction: Tensor) -> Tensor:
            turned = torch.autograd.grad(slope @ direction, parameters, retain_graph=True)
            return _flat(turned) + DAMPING * direction

        step = conjugate_gradients(curvature, uphill)
        length = float(step @ curvature(step))
        if length > 0:
            step = step * (2 * self.bound / length) ** 0.5
            self._search(step, float(gain.detach()), rollouts, before)

    def _search(
        self, step: Tensor, gain: float, rollouts: Sequence[Rollout], before: Sequence[Tensor]
    ) -> None:
        start = parameters_to_vector(self.policy.parameters()).detach().clone()
        for halving in range(HALVINGS):
            vector_to_parameters(start + step * 0.5**halving, self.policy.parameters())
            with torch.no_grad():
                logits = [self.logits(rollout.incident) for rollout in rollouts]
                near = float(_apart(logits, before)) <= self.bound
                if near and float(_gain(logits, rollouts)) > gain:
                    return
        vector_to_parameters(start, self.policy.parameters())


def conjugate_gradients(matrix: Callable[[Tensor], Tensor], wanted: Tensor) -> Tensor:
    """Return about that which ``matrix`` turns into ``wanted``.

    Args:
        matrix: Multiplies a vector with a symmetric positive definite matrix.
        wanted: Of shape (parameters,).

    Reference: Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems",
    Journal of Research of the National Bureau of Standards 49, 1952.
    """
    found = torch.zeros_like(wanted)
    left, direction = wanted.clone(), wanted.clone()
    size = left @ left
    for _ in range(ITERATIONS):
        if size < ENOUGH:
            break
        turned = matrix(direction)
        along = size / (direction @ turned)
        found = found + along * direction
        left = left - along * turned
        size, last = left @ left, size
        direction = left + size / last * direction
    return found


def _gain(logits: Sequence[Tensor], rollouts: Sequence[Rollout]) -> Tensor:
    """Return the surrogate: how much better the drawn graphs' answers have become likelier."""
    each = [
        ((log_probability(one, r.drawn) - r.before).exp() * r.advantage).sum(dim=1).mean()
        for one, r in zip(logits, rollouts, strict=True)
    ]
    return torch.stack(each).mean()


def _apart(logits: Sequence[Tensor], before: Sequence[Tensor]) -> Tensor:
    """Return the mean over incidents of the divergence summed over pairs, in nats."""
    each = [divergence(then, now).sum() for now, then in zip(logits, before, strict=True)]
    return torch.stack(each).mean()


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])
