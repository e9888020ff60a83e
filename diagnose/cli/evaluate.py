"""``aitia evaluate``: how well questions about causes are answered."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, extra, settings
from diagnose.cli.terminal import console, fill, table, waiting, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diagnose.lm_items import Answer, Model
    from diagnose.score_table import ScoreTable
    from models.causal_lm.encoder import Encoder
    from models.causal_lm.questions import Questions
    from models.causal_lm.scorer import LocalScorer

EDGES = 500  # questions of each table about pairs of signals; they are short

app = typer.Typer(
    help="Measure how well questions about causes are answered.", no_args_is_help=True
)


@app.command()
def lm(
    items: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSON lines: id, premise, hypothesis; or id, question. And label."
        ),
    ] = None,
    adapter: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="What training added, beside the model; may be repeated."),
    ] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no language model, which is slow on a CPU.")
    ] = False,
    minutes: Annotated[
        float,
        typer.Option(min=0, help="Time for the model's opinion beside an answer that has another."),
    ] = 3,
    items_per_table: Annotated[
        int, typer.Option(min=10, help="Size of each table, where no items are given.")
    ] = 60,
    config: Config = None,
    output: Output = "table",
) -> None:
    """Answer items about causes; without a file, measure on items made for it."""
    with extra():
        from diagnose.edge_scores import edge_tables
        from diagnose.lm_items import answer_items, read_items
        from diagnose.relation_scores import relation_tables, scored

    asked = read_items(items) if items else ()
    began = time.monotonic()
    answers: list[Answer] = []
    with waiting("answering") as progress:
        models = {} if no_model else _models(adapter or [], config)
        if asked:
            best = next(reversed(models.values()), None)  # the last one that was named
            answers = list(
                answer_items(asked, best, _kinds(config, ask=not no_model), progress, 60 * minutes)
            )
            found = scored(asked, answers)
            tables = [found] if found else []
        else:
            readers = {} if no_model else _readers(adapter or [], config)
            tables = list(edge_tables(readers, EDGES))
            tables += relation_tables(models, items_per_table, 60 * minutes, progress)
    seconds = round(time.monotonic() - began, 1)
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


def _models(adapters: "Sequence[Path]", config: Path | None) -> "dict[str, Model]":
    """Load the model as it came, and with each adapter."""
    from models.adapters import read_adapter
    from models.causal_lm.entailment import WORDING, Structured
    from models.engine import Engine
    from models.questions.yes_no import YesNo
    from models.weights import locate

    chosen = settings(config).model
    folder = locate(chosen.name, chosen.cache_dir).folder
    models: dict[str, Model] = {chosen.name: YesNo(Engine(folder, chosen.device))}
    for added in adapters:
        found = read_adapter(added)
        if found.depth is None:  # what reads kinds only was never taught to read questions
            engine = Engine(folder, chosen.device, adapter=found)
            ask = Structured if found.wording == WORDING else YesNo
            models[f"{chosen.name} + {added.name}"] = ask(engine)
    return models


def _readers(adapters: "Sequence[Path]", config: Path | None) -> "dict[str, Encoder | Questions]":
    """Load who can be asked about pairs of kinds: the model as it came, with each adapter."""
    from models.adapters import SHIPPED, read_adapter
    from models.causal_lm.scorer import loaded
    from models.weights import locate

    chosen = settings(config).model
    folder = locate(chosen.name, chosen.cache_dir).folder
    found = {chosen.name: loaded(folder, None, chosen.device)}
    for added in (SHIPPED, *adapters):
        name = "shipped adapter" if added == SHIPPED else added.name
        found[f"{chosen.name} + {name}"] = loaded(folder, read_adapter(added), chosen.device)
    return found


def _kinds(config: Path | None, ask: bool) -> "LocalScorer":
    """Return who has beliefs about kinds of signals; from the table alone unless it may ask."""
    from models.causal_lm.scorer import local_scorer

    chosen = settings(config).model
    most = chosen.max_questions if ask else 0
    return local_scorer(chosen.name, chosen.cache_dir, chosen.device, most)


def _show(found: "ScoreTable") -> None:
    rows = []
    for row in found.rows:
        cells = (
            f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" if one else "-" for one in row.scores
        )
        rows.append((row.who, str(row.n), str(row.groups), *cells))
    heads = (">items", ">groups", *(f">{name}" for name in found.measures))
    console().print(fill(table(found.title, "who", *heads), rows))
