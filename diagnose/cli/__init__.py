"""The command line: one file a command, and what they share in ``options`` and ``terminal``.

Exit status: 0 fine, 1 findings (a root cause was named, a bundle has a problem), 2 error. Starting
costs next to nothing: a command imports what it needs when it runs.
"""

import sys
import traceback
import warnings
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

import typer

from diagnose.cli import (
    backtest,
    bundle,
    collect,
    config,
    daemon,
    evaluate,
    explain,
    incidents,
    ingest,
    notify,
    predict,
    record,
    runbooks,
    scan,
    train,
    whatif,
)
from diagnose.cli.terminal import answering, complain
from diagnose.failure import Failure

app = typer.Typer(
    help="Finds why a server misbehaves, and says how sure it is.",
    epilog="Exit status: 0 fine, 1 findings, 2 error.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a defect is told by ``main``
    rich_markup_mode=None,
)
app.command()(explain.explain)
app.command()(scan.scan)
app.command()(whatif.whatif)
app.command()(backtest.backtest)
app.command()(record.record)
app.command()(collect.collect)
app.command()(daemon.daemon)
app.add_typer(ingest.app, name="ingest")
app.add_typer(predict.app, name="predict")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(bundle.app, name="bundle")
app.add_typer(incidents.app, name="incidents")
app.add_typer(runbooks.app, name="runbooks")
app.add_typer(notify.app, name="notify")
app.add_typer(config.app, name="config")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"aitia {version('aitia')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take what stands before the command."""


def main() -> None:
    """Run what the command line asks for, and exit with its status."""
    with answering():
        _run()
    sys.exit(2)  # of ``_run`` only an error returns


def _run() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no middle dot shows a question mark, and no traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries, to their callers; tests see them all
    try:
        app(prog_name="aitia")
    except Failure as failure:
        complain("error", str(failure))
    except Exception:  # noqa: BLE001 - left alone, a defect exits with 1, which means "findings"
        with suppress(OSError):
            traceback.print_exc()
        complain("error", "this is a defect of aitia (report it with the lines above)")
