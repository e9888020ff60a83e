"""``aitia incidents feedback`` and ``judgements``: what operators say of answers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from diagnose.cli.options import Config, extra, opened_store, settings
from diagnose.cli.terminal import console
from diagnose.failure import Failure

EVERY = 1_000_000  # incidents; more than a site has


def feedback(
    incident: Annotated[str, typer.Argument(metavar="ID", help="For example inc-7f3a2c.")],
    verdict: Annotated[
        Literal["right", "wrong", "unsure"],
        typer.Argument(metavar="VERDICT", help="right, wrong or unsure: of its first cause."),
    ],
    entity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where the fault really was.")
    ] = None,
    signal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which signal showed it.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Anything worth keeping.")] = "",
    author: Annotated[str, typer.Option(metavar="NAME", help="Who says it.")] = "",
    config: Config = None,
) -> None:
    """Say whether the answer to an incident was right; calibration and tuning learn from it."""
    with extra():
        from diagnose.records import Feedback
    if signal and not entity:
        raise typer.BadParameter("--signal needs --entity")
    with opened_store(settings(config)) as store:
        store.add_feedback(Feedback(incident, verdict, entity, signal, note, author))
    console().print(f"recorded for {incident}: {verdict}")


def judgements(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, written anew.")],
    config: Config = None,
) -> None:
    """Write what was said of answers and came of repairs as claims about kinds, to tune with."""
    with extra():
        from diagnose.training.judged import judgements_of
    lines = []
    with opened_store(settings(config)) as store:
        repairs = store.repairs()
        for known in store.incidents(EVERY):
            diagnosis = store.diagnosis(known.id)
            if diagnosis is not None:
                done = [repair for repair in repairs if repair.incident == known.id]
                said = judgements_of(diagnosis, store.feedback(known.id), done)
                lines += [f"{one.line()}\n" for one in said]
    try:
        file.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error}", "give another file") from error
    console().print(f"{len(lines)} judgements")
