"""``aitia bundle``: incident bundles as files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Output
from diagnose.cli.terminal import console, fill, table, write_json
from diagnose.wording import printable

if TYPE_CHECKING:
    from diagnose.incident.bundle_check import Problem

app = typer.Typer(help="Look after incident bundles.", no_args_is_help=True)


@app.callback()
def bundle() -> None:
    """Keep ``check`` a command of its own while it is the only one."""


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders of bundles.")],
    output: Output = "table",
) -> None:
    """Say what is wrong with incident bundles, and where."""
    from diagnose.incident.bundle_check import check_bundle

    found = [(path, check_bundle(path)) for path in paths]
    if output == "json":
        listed = [
            {"path": str(path), "problems": [asdict(problem) for problem in problems]}
            for path, problems in found
        ]
        write_json(json.dumps(listed, indent=2).encode())
    else:
        for path, problems in found:
            _show(path, problems)
    unreadable = any(not path.is_dir() for path in paths)
    if any(problems for _, problems in found):
        raise typer.Exit(2 if unreadable else 1)


def _show(path: Path, problems: "tuple[Problem, ...]") -> None:
    screen = console()
    if not problems:
        screen.print(f"{printable(str(path))}: fine")
        return
    rows = [
        (
            "error" if problem.fatal else "warning",
            " ".join(filter(None, (problem.file, problem.where))),
            problem.what,
            problem.way_out,
        )
        for problem in problems
    ]
    screen.print(fill(table(f"{path}:", "", "where", "what", "way out"), rows))
