"""``aitia evaluate``: how well questions about causes are answered."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from diagnose.cli.options import Config, Output, extra, settings
from diagnose.cli.terminal import console, fill, table, waiting, write_json

if TYPE_CHECKING:
    from diagnose.config import Settings
    from diagnose.evaluation.items import Answer
    from diagnose.evaluation.language_model import Wanted
    from diagnose.evaluation.score_table import ScoreTable

app = typer.Typer(
    help="Measure how well questions about causes are answered.", no_args_is_help=True
)


Items = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="JSON lines: id, premise, hypothesis; or id, question. And label."
    ),
]
Parts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PART",
        help="edges, relations, questions, graphs, calls, speed or incidents; may be repeated. "
        "Without: what takes minutes.",
    ),
]
Adapters = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="What training added, beside the model; may be repeated."),
]
NoModel = Annotated[
    bool, typer.Option("--no-model", help="Ask no language model, which is slow on a CPU.")
]
Minutes = Annotated[
    float, typer.Option(min=0, help="Time of the models in a part, or beside an answer by others.")
]
PerTable = Annotated[int, typer.Option(min=10, help="Questions, or incidents, of each table.")]
Cladder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Of 'questions': the public set CLadder.")
]
Bundles = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="Of 'calls', 'incidents': labelled bundles; repeatable."),
]
Nodes = Annotated[list[int], typer.Option(min=2, help="Of 'graphs': signals; may be repeated.")]
Samples = Annotated[list[int], typer.Option(min=20, help="Of 'graphs': rows; may be repeated.")]
Systems = Annotated[int, typer.Option(min=2, help="Of 'graphs': how many of a size.")]
Patience = Annotated[
    float, typer.Option(min=1, help="Of 'graphs': seconds that a peer may search.")
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"] | None,
    typer.Option(help="Where the model runs, in place of the setting model.device."),
]


@app.command()
def lm(
    items: Items = None,
    part: Parts = None,
    adapter: Adapters = None,
    no_model: NoModel = False,
    minutes: Minutes = 3,
    items_per_table: PerTable = 60,
    cladder: Cladder = None,
    bundles: Bundles = None,
    nodes: Nodes = [20],  # noqa: B006 - typer copies it
    samples: Samples = [100, 500],  # noqa: B006
    systems: Systems = 10,
    patience: Patience = 60,
    device: Device = None,
    config: Config = None,
    output: Output = "table",
) -> None:
    """Answer items about causes; without a file, measure on what is made for it."""
    chosen = settings(config)
    if device:
        model = chosen.model.model_copy(update={"device": device})
        chosen = chosen.model_copy(update={"model": model})
    began = time.monotonic()
    answers: list[Answer] = []
    with extra():
        if items:
            answers, tables = _answered(items, chosen, adapter or [], not no_model, 60 * minutes)
        else:
            from diagnose.evaluation.language_model import Wanted

            wanted = Wanted(
                chosen,
                tuple(adapter or ()),
                not no_model,
                items_per_table,
                60 * minutes,
                tuple(nodes),
                tuple(samples),
                systems,
                patience,
                cladder,
                tuple(bundles or ()),
            )
            tables = _measured(part, wanted)
    _tell(answers, tables, round(time.monotonic() - began, 1), output)


def _tell(answers: "list[Answer]", tables: "list[ScoreTable]", seconds: float, output: str) -> None:
    if output == "json":
        told = {
            "answers": [asdict(answer) for answer in answers],
            "tables": [asdict(one) for one in tables],
            "seconds": seconds,
        }
        write_json(json.dumps(told, indent=2).encode())
        return
    for answer in answers:
        typer.echo(f"{answer.id}\t{answer.probability:.3f}\t{answer.by}")
    for one in tables:
        _show(one)
    typer.echo(f"{seconds} s", err=True)


def _answered(
    file: Path, chosen: "Settings", adapters: list[Path], ask: bool, seconds: float
) -> "tuple[list[Answer], list[ScoreTable]]":
    """Answer the items of a file, by the model that was named last where a model is needed."""
    from diagnose.evaluation.items import answer_items, read_items
    from diagnose.evaluation.relation_scores import scored
    from diagnose.evaluation.variants import Variants
    from models.causal_lm.scorer import local_scorer

    asked = read_items(file)
    section = chosen.model
    with waiting("answering") as progress:
        best = None
        if ask:
            best = next(reversed(Variants(section, adapters).concluders().values()))
        most = section.max_questions if ask else 0
        kinds = local_scorer(section.name, section.cache_dir, section.device, most)
        answers = list(answer_items(asked, best, kinds, progress, seconds))
    found = scored(asked, answers)
    return answers, [found] if found else []


def _measured(parts: list[str] | None, wanted: "Wanted") -> "list[ScoreTable]":
    from diagnose.evaluation.language_model import default_parts, measured

    tables: list[ScoreTable] = []
    for part in dict.fromkeys(parts or default_parts(wanted)):
        with waiting(f"measuring {part}") as progress:
            tables += measured(part, wanted, progress)
    return tables


def _show(found: "ScoreTable") -> None:
    rows = []
    for row in found.rows:
        cells = (
            f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" if one else "-" for one in row.scores
        )
        rows.append((row.who, str(row.n), str(row.groups), *cells))
    heads = (">items", ">groups", *(f">{name}" for name in found.measures))
    console().print(fill(table(found.title, "who", *heads), rows))
