"""How sure a model that reads kinds may be of a kind that it was never taught about.

It cannot be asked about its own training. So a head is trained anew without some of the concepts,
and asked about those: how sharply its answers are to be read there holds for the other as well.
"""

from pathlib import Path
from typing import Final

import numpy as np

from models.causal_lm.prompt import described
from models.simulator.concepts import wider_concepts
from models.simulator.sites import drawn_site, left_out
from models.training.answers import fitted_strangeness
from models.training.loop import Plan, train
from models.training.lora import AdapterShape
from models.training.sites import KINDS, HeadAlone, sites, weighs_pairs

ASKED: Final = 100  # sites that the temperature is fitted on
CHECKPOINT: Final = "unlearned.safetensors"


def learned_kinds() -> list[str]:
    """Return the names of the kinds that training tells about."""
    return sorted({each.kind.name for each in wider_concepts().values() if not each.held_out})


def reading_of_the_unlearned(
    model: Path, shape: AdapterShape, folder: Path, minutes: float, start: Path | None = None
) -> tuple[float, float]:
    """Return what is added to "neither", and the temperature, for pairs with an unlearned kind.

    Args:
        model: Folder of the model.
        shape: How much of it is read.
        folder: Where the checkpoint is kept.
        minutes: Time to train the other head.
        start: Adapter whose layers are read; the head begins anew.
    """
    import torch

    reader = HeadAlone(model, shape)
    if start is not None:
        reader.read_with(start)
    steps = train(
        reader,
        weighs_pairs,
        lambda step: sites(step, 1, only=lambda kind: not left_out(kind)),
        Plan(steps=1_000_000, minutes=minutes, learning_rate=1e-3),
        folder / CHECKPOINT,
    )
    for _ in steps:
        pass
    logs, truth, weight = [], [], []
    for seed in range(ASKED):
        site = drawn_site(seed, KINDS, "dev")
        unknown = np.array([left_out(kind) for kind in site.own])
        here = unknown[site.first] | unknown[site.second]
        with torch.no_grad():
            texts = [described(kind) for kind in site.kinds]
            said = reader.logits(texts, site.first[here], site.second[here])
        logs.append(said.log_softmax(dim=1).numpy().astype(np.float64))
        truth.append(site.answer[here])
        weight.append(site.weight[here])
    return fitted_strangeness(np.concatenate(logs), np.concatenate(truth), np.concatenate(weight))
