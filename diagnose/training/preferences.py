"""Learns what people want of an explanation: a reward model, and the language model's tuning.

The reward model learns from simulated operators, on simulated incidents. The language model's
adapter is tuned to what the site's own operators accepted and rejected, and to nothing else: what
nobody spoke of is held where it was.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.torch import save_file

from diagnose.evaluation.policy_scores import ranking_scores
from diagnose.schema import Failure
from diagnose.training.run_card import write_card
from models.adapters import CARD, SHAPE, Adapter, read_adapter
from models.causal_lm.belief import Pair
from models.kinds import METRIC_KINDS
from models.policy.judgements import read_judgements
from models.policy.language import KindPairs, LanguagePairs
from models.policy.preferences import PreferencePlan, RewardModel, comparisons, fit
from models.policy.simulated import episodes
from models.policy.tuning import TuningPlan, tune
from models.training.lora import AdaptedModel, AdapterShape
from models.training.sites import HeadAlone
from models.weights import BASE, locate

Progress = Callable[[int, int], None]

MODEL: Final = "reward.safetensors"
UNSPOKEN: Final = 48  # pairs on which tuning must change nothing
LANGUAGE: Final = TuningPlan(steps=20, rate=3e-4)


@dataclass(frozen=True, slots=True)
class RewardAmounts:
    """How much to learn from and to test on.

    Attributes:
        train: Incidents to learn from.
        test: Incidents of unseen topologies.
        comparisons: What operators choose of each incident.
        rounds: Through all comparisons.
    """

    train: int = 300
    test: int = 200
    comparisons: int = 12
    rounds: int = 15


FULL: Final = RewardAmounts()


def train_reward(
    folder: Path, progress: Progress, amounts: RewardAmounts = FULL, seed: int = 0
) -> dict[str, Any]:
    """Fit a reward model to what simulated operators prefer, and return its run card.

    Args:
        folder: Where weights and card are written.
        progress: Told the rounds that are done, and all there are.
        amounts: How much to learn from.
        seed: Of incidents, operators and weights.
    """
    began = time.monotonic()
    learned = [(each.incident, each.truth) for each in episodes("train", amounts.train, seed)]
    made = comparisons(learned, amounts.comparisons, np.random.default_rng([seed, 11]))
    model, losses = RewardModel(seed), list[float]()
    for loss in fit(model, made, PreferencePlan(rounds=amounts.rounds), seed):
        losses.append(round(loss, 4))
        progress(len(losses), amounts.rounds)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / MODEL)
    return write_card(
        folder,
        {
            "stage": "reward",
            "seed": seed,
            "amounts": asdict(amounts),
            "comparisons": len(made),
            "seconds": round(time.monotonic() - began, 1),
            "losses": losses,
            "test": ranking_scores(model, episodes("test", amounts.test, seed), seed),
        },
    )


def tune_adapter(
    judgements: Path,
    start: Path,
    folder: Path,
    progress: Progress,
    plan: TuningPlan = LANGUAGE,
    model: str = BASE,
) -> dict[str, Any]:
    """Tune an adapter to what operators said, and return the run card.

    Args:
        judgements: File in the format of ``models.policy.judgements``.
        start: Folder of the adapter to begin with.
        folder: Where the tuned one and the card are written.
        progress: Told the steps that are done, and all there are.
        plan: How far to go.
        model: As ``model.name``.

    Raises:
        Failure: the file holds no judgements, or the adapter is damaged or of another model.
    """
    began = time.monotonic()
    said = read_judgements(judgements)
    if not said:
        raise Failure(f"{judgements} holds no judgements", "collect some first")
    adapter, base = read_adapter(start), locate(model)
    if adapter.base != base.identity:
        raise Failure(f"the adapter in {start} is of another model", "set model.name to its own")
    policy, learner = _begun(adapter, base.folder)
    spoken = {frozenset((one.cause.name, one.effect.name)) for one in said}
    unspoken = _unspoken(spoken)
    losses = list[float]()
    for loss in tune(policy, said, unspoken, plan):
        losses.append(round(loss, 4))
        progress(len(losses), plan.steps)
    card = json.loads((start / CARD).read_text(encoding="utf-8"))
    learner.save(folder, card)
    with judgements.open("rb") as content:
        digest = file_digest(content, "sha256").hexdigest()
    return write_card(
        folder,
        {
            "stage": "preferences",
            "start": adapter.identity,
            "judgements": len(said),
            "data": digest,
            "plan": asdict(plan),
            "seconds": round(time.monotonic() - began, 1),
            "losses": losses,
        },
    )


def _begun(
    adapter: Adapter, model: Path
) -> tuple[LanguagePairs | KindPairs, AdaptedModel | HeadAlone]:
    """Return an adapter as a policy over pairs, and what learns and can be saved."""
    try:
        shape = json.loads((adapter.folder / SHAPE).read_text(encoding="utf-8"))
        layers = shape["layers_to_transform"]
        wanted = AdapterShape(int(shape["r"]), min(layers), adapter.depth)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"no adapter in {adapter.folder}: {error!r}", "train one first") from error
    if adapter.depth is None:
        adapted = AdaptedModel(model, wanted, precision="float32")
        adapted.begin_with(adapter.folder)
        return LanguagePairs(adapted), adapted
    reader = HeadAlone(model, wanted)
    reader.begin_with(adapter.folder)
    return KindPairs(reader), reader


def _unspoken(spoken: set[frozenset[str]]) -> list[Pair]:
    """Return pairs of kinds, always the same ones, without those that somebody spoke of."""
    rng = np.random.default_rng(7)
    kinds = sorted(set(METRIC_KINDS))
    drawn = (rng.choice(len(kinds), 2, replace=False) for _ in range(UNSPOKEN))
    pairs = [(kinds[a], kinds[b]) for a, b in drawn]
    return [(a, b) for a, b in pairs if frozenset((a.name, b.name)) not in spoken]
