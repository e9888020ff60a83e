"""``aitia train``: fit what is fitted, to the site's own past."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from diagnose.cli.options import Output, extra
from diagnose.cli.terminal import console, fill, table, waiting, write_json
from diagnose.cli.train_life import life
from diagnose.cli.train_lm import lm

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(help="Fit models to your own past.", no_args_is_help=True)
app.command()(life)
app.command()(lm)


@app.command()
def predictor(
    history: Annotated[
        Path,
        typer.Argument(
            metavar="HISTORY", help="As for 'aitia predict disks', with tstop and fails."
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Where the model is written.")],
    split: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the split by time.", metavar="DAY"),
    ] = None,
    repairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Parquet file: entity, time. What was repaired is censored then."
        ),
    ] = None,
    output: Output = "table",
) -> None:
    """Fit the model of failing disks to your own, and say how well it predicts unseen ones."""
    with extra():
        from diagnose.disks import read_history, read_repairs
        from diagnose.training.disks import train
        from models.disks.outcomes import COLUMNS

    with waiting(f"learning from {history}") as progress:
        rows = read_history(history, COLUMNS)
        repaired = read_repairs(repairs) if repairs else None
        day = split.date() if split else None
        card = train(rows, out, out / "unfinished", progress, day, repaired)
    if output == "json":
        write_json(json.dumps(card, indent=2).encode())
        return
    for title, part in (("disks not seen", "by_disk"), ("time not seen", "by_time")):
        _show(title, card[part]["scores"])


def _show(title: str, scores: "Mapping[str, Any]") -> None:
    rows = []
    for horizon, found in scores.items():
        for name in ("model", "rule"):
            one = found[name]
            cells = [
                one[key] for key in ("average_precision", "recall_at_budget", "calibration_error")
            ]
            rows.append(
                (
                    horizon,
                    name,
                    str(one["failures"]),
                    *(f"{c['value']:.3f} [{c['low']:.3f}, {c['high']:.3f}]" for c in cells),
                )
            )
    heads = (">failures", ">average precision", ">recall at 1 % alarms", ">calibration error")
    console().print(fill(table(title, "horizon", "by", *heads), rows))
