"""Where a run was stopped: parameters, Adam's moments and a few facts, in one safetensors file."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from diagnose.schema import Failure

STATE: Final = "state"  # the facts, among the file's metadata
MOMENTS: Final = ("step", "exp_avg", "exp_avg_sq")


def save(
    file: Path, module: nn.Module, optimisers: Sequence[torch.optim.Adam], state: Mapping[str, Any]
) -> None:
    """Write a checkpoint, so that a reader sees the old one or the new, whole.

    Args:
        file: Its folder is made where it does not exist.
        module: Whose parameters are kept.
        optimisers: Whose moments are kept, in order.
        state: JSON values.
    """
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    for place, optimiser in enumerate(optimisers):
        for number, parameter in enumerate(_parameters(optimiser)):
            for moment, value in optimiser.state[parameter].items():
                tensors[f"{place}.{number}.{moment}"] = value
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}-{os.getpid()}")
    kept = {name: value.detach().contiguous() for name, value in tensors.items()}
    save_file(kept, fresh, metadata={STATE: json.dumps(dict(state))})
    fresh.replace(file)


def resume(file: Path, module: nn.Module, optimisers: Sequence[torch.optim.Adam]) -> dict[str, Any]:
    """Take over the checkpoint in ``file`` and return its facts; {} where there is no such file.

    Raises:
        Failure: it is damaged, or of something else.
    """
    if not file.is_file():
        return {}
    way_out = f"delete {file}, or give another folder"
    try:
        with safe_open(file, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            state: dict[str, Any] = json.loads(stored.metadata()[STATE])
        module.load_state_dict(
            {n.removeprefix("module."): v for n, v in tensors.items() if n.startswith("module.")}
        )
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise Failure(f"{file} is no checkpoint of this run: {error}", way_out) from error
    for place, optimiser in enumerate(optimisers):
        for number, parameter in enumerate(_parameters(optimiser)):
            names = {moment: f"{place}.{number}.{moment}" for moment in MOMENTS}
            if names["step"] in tensors:
                optimiser.state[parameter] = {m: tensors[name] for m, name in names.items()}
    return state


def _parameters(optimiser: torch.optim.Adam) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
