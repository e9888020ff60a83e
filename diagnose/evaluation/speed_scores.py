"""How many pairs of kinds a second the language model weighs, asked in each way and precision.

The naive way puts each question alone through transformers' ``generate``, for one token. Cold is
from the weights on the disk, with the libraries imported; warm repeats the same pairs. The share of
the matrix rate is what the multiplications alone would take at the speed of a large square product
on the same device and threads, beside what everything took.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from diagnose.evaluation.accuracy import Estimate
from diagnose.evaluation.edge_scores import share_right
from diagnose.evaluation.score_table import Progress, ScoreRow, ScoreTable
from models.adapters import Adapter, merge
from models.causal_lm.prompt import UNTUNED, WORDINGS
from models.causal_lm.questions import Questions
from models.causal_lm.scorer import loaded
from models.engine import Device, Engine, Precision, chosen_device
from models.simulator.questions import EdgeQuestion, edge_questions
from models.training.answers import answered, text_of
from models.weights import without_progress

if TYPE_CHECKING:
    from models.causal_lm.encoder import Encoder

SEED: Final = 2026
UNKNOWN: Final = 60  # pairs that one incident may ask about
SIGNALS: Final = 40  # that they are pairs of
JUDGED: Final = 200  # edge questions that say whether a precision still answers as well
NAIVE: Final = 10  # pairs that are asked naively; each takes as long as the others
REPEATS: Final = 3
SQUARE: Final = 2048  # rows of the product that the matrix rate is measured with
MEASURES: Final = (
    "pairs a second, warm",
    f"seconds for {UNKNOWN} pairs, cold",
    f"right of three, {JUDGED} questions",
    "times naive",
    "share of the matrix rate",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One way to ask.

    Attributes:
        name: Of its row.
        load: Gives the model from the disk.
        precision: Of its arithmetic.
    """

    name: str
    load: "Callable[[], Encoder | Questions]"
    precision: Precision


def speed_table(
    folder: Path,
    shipped: Adapter,
    worded: Adapter | None,
    device: Device = "auto",
    progress: Progress = lambda done, of: None,
) -> ScoreTable:
    """Return how fast each way is on this machine.

    Args:
        folder: Of the model.
        shipped: The adapter that reads kinds.
        worded: One that was tuned to be asked in words; None asks the model as it came.
        device: Where it runs; only what runs there is measured.
        progress: Told how many ways are done.
    """
    import torch

    where = chosen_device(device)
    questions = list(edge_questions(SEED, JUDGED, "test"))
    unknown = _unknown(questions)
    naive = _naive(folder, worded, where, unknown[:NAIVE])
    ways = _ways(folder, shipped, worded, device, on_cpu=where.type == "cpu")
    rows = [ScoreRow("naive generate()", NAIVE, 1, (naive, None, None, _sure(1.0), None))]
    for done, way in enumerate(ways, start=1):
        rows.append(_measured(way, unknown, questions, naive, where))
        progress(done, len(ways))
    told = f"{torch.get_num_threads()} threads of the CPU" if where.type == "cpu" else where.type
    missing = "" if torch.cuda.is_available() else "; NOT MEASURED on a GPU: there is none here"
    return ScoreTable(f"Speed on {told}{missing}", MEASURES, tuple(rows))


def _ways(
    folder: Path, shipped: Adapter, worded: Adapter | None, device: Device, on_cpu: bool
) -> list[Asked]:
    precisions: tuple[Precision, ...] = ("float32", "bfloat16", *(("int8",) if on_cpu else ()))
    wording = WORDINGS[worded.wording] if worded else UNTUNED
    temperature = worded.temperature if worded else 1.0

    def in_words(precision: Precision) -> Asked:
        return Asked(
            f"asked in words, {precision}",
            lambda: Questions(
                Engine(folder, device, precision, adapter=worded), wording, temperature
            ),
            precision,
        )

    kinds = Asked("kinds read, as shipped", lambda: loaded(folder, shipped, device), "bfloat16")
    return [*map(in_words, precisions), kinds]


def _unknown(questions: Sequence[EdgeQuestion]) -> list[EdgeQuestion]:
    """Return pairs of so few kinds as one incident has, each kind in several of them."""
    kinds = list(dict.fromkeys(kind for each in questions for kind in (each.first, each.second)))
    pairs = list(combinations(kinds[:SIGNALS], 2))
    drawn = np.random.default_rng(SEED).permutation(len(pairs))[:UNKNOWN]
    return [replace(questions[0], first=pairs[i][0], second=pairs[i][1]) for i in drawn]


def _measured(
    way: Asked,
    some: Sequence[EdgeQuestion],
    questions: Sequence[EdgeQuestion],
    naive: Estimate,
    where: Any,  # noqa: ANN401
) -> ScoreRow:
    from torch.utils.flop_counter import FlopCounterMode

    began = time.perf_counter()
    model = way.load()
    answered(model, some)
    cold = time.perf_counter() - began
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        answered(model, some)
        took.append(time.perf_counter() - began)
    rate = Estimate(*(UNKNOWN / np.quantile(took, (0.5, 1.0, 0.0))))
    share = None
    if way.precision != "int8":  # whose products are not counted
        with FlopCounterMode(display=False) as counted:
            answered(model, some)
        products = counted.get_total_flops() / matrix_rate(where, way.precision)
        share = Estimate(*(products / np.quantile(took, (0.5, 1.0, 0.0))))
    right = share_right(questions, answered(model, questions))
    times = Estimate(*(each / naive.value for each in (rate.value, rate.low, rate.high)))
    return ScoreRow(way.name, UNKNOWN, 1, (rate, _sure(cold), right, times, share))


def _naive(
    folder: Path,
    worded: Adapter | None,
    where: Any,  # noqa: ANN401
    questions: Sequence[EdgeQuestion],
) -> Estimate:
    """Return pairs a second where every question is generated an answer to, one by one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with without_progress():
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16, local_files_only=True
        )
    if worded is not None:
        merge(model, worded)
    model = model.to(where).eval()
    wording = WORDINGS[worded.wording] if worded else UNTUNED
    took = []
    for each in questions:
        began = time.perf_counter()
        for template in wording.templates:
            for turned in (False, True):
                read = tokenizer(text_of(each, template, turned), return_tensors="pt").to(where)
                model.generate(**read, max_new_tokens=1, do_sample=False, pad_token_id=0)
        took.append(time.perf_counter() - began)
    return Estimate(*(1 / np.quantile(took[1:], (0.5, 1.0, 0.0))))


def matrix_rate(where: Any, precision: Precision) -> float:  # noqa: ANN401
    """Return floating-point operations a second of a large square product, the best of a few.

    Args:
        where: Device.
        precision: "float32" or "bfloat16".
    """
    import torch

    a = torch.ones((SQUARE, SQUARE), dtype=getattr(torch, precision), device=where)
    best = float("inf")
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        float((a @ a)[0, 0])  # looking at a number waits for all of them
        best = min(best, time.perf_counter() - began)
    return float(2 * SQUARE**3 / best)


def _sure(value: float) -> Estimate:
    return Estimate(value, value, value)
