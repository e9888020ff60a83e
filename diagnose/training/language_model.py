"""Trains the language model's adapter, stage by stage, on what the project generates itself.

Each stage has a folder: a checkpoint from which it goes on after whatever stopped it, the adapter
that it ended with, and a run card. A stage may begin with the adapter of another.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from diagnose.evaluation.unlearned import learned_kinds, reading_of_the_unlearned
from diagnose.schema import Failure
from diagnose.training.run_card import write_card
from models.adapters import CARD, read_adapter
from models.causal_lm.entailment import WORDING as STRUCTURE
from models.causal_lm.prompt import ANSWERS, KINDS, TUNED
from models.causal_lm.scorer import loaded
from models.simulator.questions import edge_questions
from models.training.answers import answered, fitted_temperature, truth_of
from models.training.edges import edge_choices
from models.training.loop import Plan, Progress, train
from models.training.lora import AdaptedModel, AdapterShape
from models.training.objectives import ChoosesAnswer, learns_answers, learns_statements
from models.training.premises import premises
from models.training.sites import HeadAlone, KindReader, sites, weighs_pairs
from models.training.statements import statements
from models.weights import BASE, locate

CHECKPOINT: Final = "checkpoint.safetensors"
ADAPTER: Final = "adapter"
HASHED: Final = 50  # batches whose content stands for the data in the run card
LIMITS_SHARE: Final = 0.6  # of the time to learn, for learning how sure to be of the unlearned
DEV_QUESTIONS: Final = 1200  # that the temperature is fitted on


@dataclass(frozen=True, slots=True)
class Stage:
    """What is learned in one stage.

    Attributes:
        learner: What learns: (folder of the model, shape, device) -> learner.
        objective: Gives the mean loss of a batch.
        batch: Examples of a step: (step, count) -> examples.
        size: Examples a step.
        learning_rate: The highest.
        shape: How much of the model may change, and how much of it is read.
        wording: Version of what is put to the model.
        answers: Whether it learns to answer about pairs, so that its temperature can be fitted.
    """

    learner: Callable[[Path, AdapterShape, str], Any]
    objective: Callable[[Any, Sequence[Any]], Any]
    batch: Callable[[int, int], Sequence[Any]]
    size: int
    learning_rate: float
    shape: AdapterShape
    wording: str = TUNED.version
    answers: bool = True


WHOLE: Final = AdapterShape(rank=16, first_layer=15)
REASONING: Final = AdapterShape(rank=16, first_layer=8)
LOWER: Final = AdapterShape(rank=8, first_layer=0, depth=10)
STAGES: Final = {
    "statements": Stage(
        AdaptedModel, learns_statements, statements, 16, 3e-4, WHOLE, answers=False
    ),
    "corr2cause": Stage(
        AdaptedModel, learns_answers, premises, 6, 1e-3, REASONING, STRUCTURE, answers=False
    ),
    "edges": Stage(AdaptedModel, ChoosesAnswer(ANSWERS), edge_choices, 64, 8e-4, WHOLE),
    "head": Stage(HeadAlone, weighs_pairs, sites, 2, 1e-3, LOWER, KINDS),
    "kinds": Stage(KindReader, weighs_pairs, sites, 1, 3e-4, LOWER, KINDS),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a stage.

    Attributes:
        stage: A key of ``STAGES``.
        folder: Where checkpoint, adapter and run card are written.
        minutes: Time that it may learn, over all starts.
        steps: Batches that it may learn from.
        start: Adapter to begin with; none begins with the model as it came.
        model: As ``model.name``.
        device: "cpu" or "cuda".
        lower: Whether only the layers that read kinds are kept and learn, for the stages that make
            sentences of what they read.
    """

    stage: str
    folder: Path
    minutes: float
    steps: int = 1_000_000
    start: Path | None = None
    model: str = BASE
    device: str = "cpu"
    lower: bool = False


def run(wanted: Run) -> Iterator[Progress]:
    """Learn, and leave an adapter with its run card; yield the progress now and then.

    Raises:
        Failure: there is no such stage, model or adapter, or the folder holds another run.
    """
    if wanted.stage not in STAGES:
        raise Failure(f"no stage {wanted.stage!r}", f"choose among {', '.join(STAGES)}")
    stage = STAGES[wanted.stage]
    if wanted.lower:
        stage = replace(stage, shape=LOWER)
    found = locate(wanted.model)
    model = stage.learner(found.folder, stage.shape, wanted.device)
    began = datetime.now(UTC)
    progress = Progress()
    try:
        if wanted.start is not None:
            begun = read_adapter(wanted.start)
            if begun.base != found.identity:
                what = f"the adapter in {wanted.start} was trained on another model"
                raise Failure(what, "begin with another, or with none")
            model.begin_with(wanted.start)
        plan = Plan(wanted.steps, wanted.minutes, stage.learning_rate)
        steps = train(
            model,
            stage.objective,
            lambda step: stage.batch(step, stage.size),
            plan,
            wanted.folder / CHECKPOINT,
        )
        for progress in steps:
            yield progress
    except ValueError as error:
        way_out = "name another folder, or the shape that it was begun with"
        raise Failure(f"{wanted.folder}: {error}", way_out) from error
    depth = stage.shape.depth if stage.answers else None  # where there is a head
    model.save(wanted.folder / ADAPTER, card_of(found.identity, stage.wording, 1.0, depth))
    temperature = calibrate(wanted.folder / ADAPTER, wanted.model) if stage.answers else None
    if depth is not None:
        know_limits(wanted, found.folder)
    write_card(
        wanted.folder,
        {
            "stage": wanted.stage,
            "start": None if wanted.start is None else read_adapter(wanted.start).identity,
            "base": found.identity,
            "shape": asdict(stage.shape),
            "plan": asdict(plan),
            "batch": stage.size,
            "data": _fingerprint(stage),
            "peft": version("peft"),
            "transformers": version("transformers"),
            "began_at": began.isoformat(timespec="seconds"),
            "seconds": round(progress.seconds),
            "steps": progress.step,
            "losses": progress.losses,
            "temperature": temperature,
        },
        device=wanted.device,
    )


def calibrate(folder: Path, model: str = BASE) -> float:
    """Fit the temperature of the adapter in ``folder`` on questions of unseen sites; return it.

    Raises:
        Failure: there is no adapter.
    """
    adapter = read_adapter(folder)
    questions = list(edge_questions(0, DEV_QUESTIONS, "dev"))
    told = answered(loaded(locate(model).folder, replace(adapter, temperature=1.0)), questions)
    found = fitted_temperature(np.log(told), truth_of(questions))
    card = card_of(adapter.base, adapter.wording, found, adapter.depth)
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return found


def know_limits(wanted: Run, model: Path) -> None:
    """Write into an adapter's card what it was taught about, and how sure it may be of the rest."""
    folder = wanted.folder / ADAPTER
    minutes = wanted.minutes * LIMITS_SHARE
    shape = STAGES[wanted.stage].shape
    neither, found = reading_of_the_unlearned(model, shape, wanted.folder, minutes, folder)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    card |= {
        "unlearned_temperature": found,
        "unlearned_none": neither,
        "learned": learned_kinds(),
    }
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def card_of(base: str, wording: str, temperature: float, depth: int | None) -> dict[str, Any]:
    """Return what an adapter says of itself."""
    card = {"base": base, "wording": wording, "temperature": temperature}
    return card if depth is None else {**card, "depth": depth}


def _fingerprint(stage: Stage) -> str:
    """Return what changes when the data that a stage learns from do."""
    content = sha256()
    for step in range(HASHED):
        content.update(repr(stage.batch(step, stage.size)).encode())
    return content.hexdigest()
