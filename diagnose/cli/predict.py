"""``aitia predict``: what fails next."""

from pathlib import Path
from typing import Annotated

import typer

from diagnose.cli.options import extra
from diagnose.cli.terminal import waiting

app = typer.Typer(help="Say what fails next.", no_args_is_help=True)


@app.command()
def disks(
    history: Annotated[
        Path, typer.Argument(metavar="HISTORY", help="Parquet file: SMART values by disk and time.")
    ],
    cases: Annotated[
        Path, typer.Argument(metavar="CASES", help="Parquet file with serial_number and at.")
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Cases with p_24h, p_7d, p_30d and basis.")
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Model of 'aitia train predictor'; else the shipped one."),
    ] = None,
) -> None:
    """Say how probably each disk fails within a day, a week and a month of a moment."""
    with extra():
        from diagnose.disks import predict, read_cases, read_history, write
        from models.disks.stored import SHIPPED, load

    with waiting(f"predicting the disks in {cases}"):
        fitted, _ = load(model or SHIPPED)
        told = predict(fitted, read_history(history), read_cases(cases))
        write(told, out)
    rated = int((told["basis"] == "base rate").sum())
    typer.echo(f"{told.height} cases in {out}, {rated} of them at the base rate", err=True)
