"""``aitia runbooks``: which repairs are known, what each says, and what is wrong with one's own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, settings
from diagnose.cli.terminal import complain, console, fill, table, write_json
from diagnose.failure import Failure

if TYPE_CHECKING:
    from diagnose.guidance.catalogue import Catalogue

app = typer.Typer(help="Look up repairs, and check the site's own.", no_args_is_help=True)


def _known(config: Path | None) -> "Catalogue":
    """Return the catalogue, and say on stderr what of it is broken."""
    from diagnose.guidance.catalogue import catalogue

    known = catalogue(settings(config).guidance.runbooks)
    for problem in known.problems:
        complain("warning", f"left out: {problem}")
    return known


@app.command("list")
def list_runbooks(output: Output = "table", config: Config = None) -> None:
    """List the known repairs by area."""
    known = _known(config)
    found = sorted(known.runbooks.values(), key=lambda runbook: (runbook.area, runbook.id))
    if output == "json":
        listed = [runbook.model_dump(mode="json") for runbook in found]
        write_json(json.dumps(listed, indent=2).encode())
        return
    rows = [
        (one.area, one.id, one.fault, one.risk, "site" if one.id in known.own else "aitia")
        for one in found
    ]
    console().print(fill(table("", "area", "runbook", "fault", "risk", "from"), rows))


@app.command()
def show(
    runbook: Annotated[str, typer.Argument(metavar="ID", help="For example redis-down.")],
    output: Output = "table",
    config: Config = None,
) -> None:
    """Show one runbook, as its file has it."""
    known = _known(config)
    if runbook not in known.runbooks:
        raise Failure(f"no runbook {runbook}", "'aitia runbooks list' shows which there are")
    if output == "json":
        write_json(known.runbooks[runbook].model_dump_json(indent=2, ensure_ascii=True).encode())
        return
    typer.echo(known.files[runbook].read_text(encoding="utf-8"), nl=False)


@app.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="In place of the setting guidance.runbooks."),
    ] = None,
    config: Config = None,
) -> None:
    """Say what is wrong with a folder of runbooks, file by file and with the line."""
    from diagnose.guidance.catalogue import SHIPPED, read_folder

    chosen = folder or settings(config).guidance.runbooks or SHIPPED
    runbooks, problems = read_folder(chosen)
    for problem in problems:
        complain("error", str(problem))
    if problems:
        raise typer.Exit(1)
    if not runbooks:
        raise Failure(f"{chosen} holds no runbook", "name the folder that holds their files, *.md")
    typer.echo(f"{len(runbooks)} runbooks in {chosen} are sound")
