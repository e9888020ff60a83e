"""``aitia ingest``: receive and keep telemetry; its tokens, its damage."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from diagnose.cli.log import log_to_stderr
from diagnose.cli.options import Config, Output, extra, settings
from diagnose.cli.terminal import LONGEST, console, fill, table, write_json
from diagnose.wording import printable

if TYPE_CHECKING:
    from pathlib import Path

    from diagnose.ingest.tokens import Tokens

app = typer.Typer(help="Receive telemetry and keep it.", invoke_without_command=True)
token = typer.Typer(help="Say who may send and read.", no_args_is_help=True)
app.add_typer(token, name="token")


@app.callback()
def run(context: typer.Context, config: Config = None) -> None:
    """Receive telemetry and keep it, until told to stop."""
    if context.invoked_subcommand:
        return
    chosen = settings(config)
    with extra():
        from diagnose.ingest.server import serve

    log_to_stderr()
    serve(chosen)


@app.command()
def check(output: Output = "table", config: Config = None) -> None:
    """Read all that is kept on this machine, and say what is damaged."""
    folder = settings(config).telemetry.dir
    with extra():
        from diagnose.telemetry.damage import check

    found = check(folder)
    if output == "json":
        write_json(json.dumps([asdict(one) for one in found], indent=2).encode())
    elif found:
        rows = [(one.file, one.place, one.what, one.way_out) for one in found]
        console().print(fill(table(f"{folder}:", "file", "where", "what", "way out"), rows))
    else:
        typer.echo(f"{folder}: fine")
    if found:
        raise typer.Exit(1)


@app.command()
def repair(config: Config = None) -> None:
    """Put damaged files aside, so that the rest can be used; the writer must not run."""
    folder = settings(config).telemetry.dir
    with extra():
        from diagnose.telemetry.damage import repair

    for sentence in repair(folder) or (f"{folder}: fine",):
        typer.echo(printable(sentence, LONGEST))


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which people know it.")],
    scope: Annotated[
        Literal["ingest", "read", "admin"], typer.Option(help="What it allows; admin allows all.")
    ] = "ingest",
    config: Config = None,
) -> None:
    """Make a token and show it, once."""
    typer.echo(_tokens(settings(config).telemetry.dir).add(name, scope))


@token.command("list")
def list_tokens(output: Output = "table", config: Config = None) -> None:
    """List the tokens by name; what they are is not kept."""
    found = _tokens(settings(config).telemetry.dir).all()
    if output == "json":
        listed = [{"name": one.name, "scope": one.scope, "created": one.created} for one in found]
        write_json(json.dumps(listed, indent=2).encode())
        return
    rows = [(one.name, one.scope, one.created) for one in found]
    screen = console()
    screen.print(fill(table("", "token", "scope", "made"), rows) if rows else "no tokens")


@token.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'list' shows it.")],
    config: Config = None,
) -> None:
    """Let a token be worth nothing from now on."""
    _tokens(settings(config).telemetry.dir).revoke(name)


def _tokens(folder: "Path") -> "Tokens":
    with extra():
        from diagnose.ingest.tokens import Tokens

    return Tokens(folder / "tokens.json")
