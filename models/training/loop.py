"""The training loop: one objective, a budget, checkpoints from which it goes on.

A batch is a function of the step, so that a run that was stopped sees what it would have seen. The
learning rate follows the share of the budget that is used up, which may be counted in steps or in
minutes: on a machine that has an hour, the hour is the budget. Nothing is pickled.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter
    from torch.optim import Optimizer

Masters = dict[str, "Tensor"]  # what learns, in float32

STATE: Final = "state"  # of a checkpoint, among its metadata
CLIP: Final = 1.0  # norm of a gradient
REPORTED: Final = 10  # steps whose losses are averaged into one of the curve


class Learner(Protocol):
    """What learns."""

    @property
    def parameters(self) -> "Mapping[str, Parameter]":
        """What changes, by name."""

    def load(self, weights: "Mapping[str, Tensor]") -> None:
        """Take over a value for each of ``parameters``; ValueError where they do not fit."""

    def learning(self, on: bool) -> None:
        """Switch what only belongs to learning on or off."""


Model = TypeVar("Model", bound=Learner)
Example = TypeVar("Example")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn; it ends with whichever budget is used up first.

    Attributes:
        steps: Batches at most.
        minutes: Time at most, over all starts.
        learning_rate: The highest.
        warmup: Share of the budget in which it rises; thereafter it falls as a cosine.
        checkpoint_minutes: Between two checkpoints.
    """

    steps: int
    minutes: float
    learning_rate: float = 4e-4
    warmup: float = 0.03
    checkpoint_minutes: float = 3.0


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes:
        step: Batches learned from.
        seconds: Time spent learning.
        losses: Means over ``REPORTED`` steps, in order.
    """

    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)

    def share(self, plan: Plan) -> float:
        """Return the share of the plan's budget that is used up."""
        return max(self.step / plan.steps, self.seconds / 60 / plan.minutes)


def train(
    model: Model,
    objective: Callable[[Model, Sequence[Example]], "Tensor"],
    batch: Callable[[int], Sequence[Example]],
    plan: Plan,
    checkpoint: Path,
) -> Iterator[Progress]:
    """Learn until the budget is used up; yield the progress after every ``REPORTED`` steps.

    Args:
        model: Is changed in place; at the end it holds what was learned.
        objective: Gives a batch's mean loss, a scalar with a gradient.
        batch: Examples of a step, the same for the same step.
        plan: The budget.
        checkpoint: File; where it is there, the run goes on from it.

    Raises:
        ValueError: the checkpoint is of another adapter.
    """
    import torch

    masters = {
        name: each.detach().float().clone().requires_grad_()
        for name, each in model.parameters.items()
    }
    optimizer = torch.optim.AdamW(masters.values(), lr=plan.learning_rate, weight_decay=0.01)
    progress = _resume(checkpoint, model, masters, optimizer)
    model.learning(True)
    recent: list[float] = []
    saved = started = time.monotonic()
    before = progress.seconds
    while progress.share(plan) < 1:
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * rate(progress.share(plan), plan.warmup)
        recent.append(_step(model, objective(model, batch(progress.step)), masters, optimizer))
        progress.step += 1
        progress.seconds = before + time.monotonic() - started
        if len(recent) == REPORTED:
            progress.losses.append(round(sum(recent) / REPORTED, 4))
            recent.clear()
            yield progress
            if time.monotonic() - saved > 60 * plan.checkpoint_minutes:
                _save(checkpoint, progress, masters, optimizer)
                saved = time.monotonic()
    _save(checkpoint, progress, masters, optimizer)
    model.learning(False)


def rate(share: float, warmup: float) -> float:
    """Return the learning rate as a share of the highest, when ``share`` of the budget is used.

    >>> [round(rate(share, 0.1), 2) for share in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.05, 0.5, 1.0, 0.52, 0.05]
    """
    if share < warmup:
        return max(share / warmup, 0.05)
    return 0.05 + 0.95 * (1 + cos(pi * (share - warmup) / (1 - warmup))) / 2


def _step(model: Learner, loss: "Tensor", masters: Masters, optimizer: "Optimizer") -> float:
    """Take one step down ``loss``; return it.

    Steps are summed in float32: in bfloat16 most are smaller than the distance between two numbers.
    """
    import torch

    loss.backward()  # type: ignore[no-untyped-call]
    parameters = model.parameters
    for name, master in masters.items():
        gradient = parameters[name].grad
        master.grad = None if gradient is None else gradient.float()
        parameters[name].grad = None
    torch.nn.utils.clip_grad_norm_(list(masters.values()), CLIP)
    optimizer.step()
    model.load({name: master.detach() for name, master in masters.items()})
    return float(loss.detach())


def _save(file: Path, progress: Progress, masters: Masters, optimizer: "Optimizer") -> None:
    """Write a checkpoint, so that a reader sees the old one or the new, whole."""
    from safetensors.torch import save_file

    tensors = {name: master.detach() for name, master in masters.items()}
    for name, master in masters.items():
        moments = optimizer.state[master]
        tensors[f"{name}.mean"] = moments["exp_avg"]
        tensors[f"{name}.square"] = moments["exp_avg_sq"]
    fresh = file.with_name(f".{file.name}-{os.getpid()}")
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, fresh, metadata={STATE: json.dumps(asdict(progress))})
    fresh.replace(file)


def _resume(file: Path, model: Learner, masters: Masters, optimizer: "Optimizer") -> Progress:
    """Take over the checkpoint in ``file``, where there is one; return how far it was."""
    import torch
    from safetensors import safe_open

    if not file.is_file():
        return Progress()
    with safe_open(file, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        progress = Progress(**json.loads(stored.metadata()[STATE]))
    if not masters.keys() <= tensors.keys():
        raise ValueError(f"{file} is a checkpoint of another adapter")
    with torch.no_grad():
        for name, master in masters.items():
            master.copy_(tensors[name])
            optimizer.state[master] = {
                "step": torch.tensor(float(progress.step)),
                "exp_avg": tensors[f"{name}.mean"],
                "exp_avg_sq": tensors[f"{name}.square"],
            }
    model.load({name: tensors[name] for name in masters})
    return progress
