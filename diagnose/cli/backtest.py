"""``aitia backtest``: does it work on your own incidents?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, Proposer, extra, settings
from diagnose.cli.terminal import complain, console, fill, table, waiting, write_json

if TYPE_CHECKING:
    from diagnose.evaluation.accuracy import Accuracy, Estimate
    from diagnose.evaluation.backtest import BacktestReport, SetReport


def backtest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of labelled bundles.")],
    proposer: Proposer = None,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Replay labelled incidents: how often are we right, beside what chance gives?"""
    chosen = settings(config, proposer)
    with extra():
        from diagnose.compose import compose, limits
        from diagnose.evaluation.backtest import backtest
        from diagnose.topology import read_topology

    site = read_topology(chosen.explain.topology)
    with waiting(f"explaining the bundles in {folder}") as progress:
        report = backtest(folder, compose(chosen), limits(chosen), progress, site)
    if output == "json":
        write_json(as_json(report))
    else:
        for set_ in report.sets:
            _show(set_)
    for name, why in report.failed:
        complain("warning", f"{name} could not be explained: {why}")
    if report.failed:
        raise typer.Exit(1)


def as_json(report: "BacktestReport") -> bytes:
    """Return ``report`` as a JSON document in ASCII."""
    from pydantic import TypeAdapter

    from diagnose.evaluation.backtest import BacktestReport

    return TypeAdapter(BacktestReport).dump_json(report, indent=2, ensure_ascii=True)


def _show(report: "SetReport") -> None:
    rows: list[tuple[str, ...]] = []
    for level in ("entity", "signal"):
        ranked = {
            "aitia": report.aitia,
            "without graph": report.without_graph,
            "without model": report.without_model,
        }
        for name, accuracies in ranked.items():
            accuracy: Accuracy | None = getattr(accuracies, level)
            if accuracy:
                cells = (accuracy.ac1, accuracy.ac3, accuracy.avg5)
                rows.append((level, name, str(accuracy.n), *map(_estimate, cells)))
        chance: Accuracy | None = getattr(report.aitia, level)
        if chance:
            by_chance = (chance.chance_ac1, chance.chance_ac3, chance.chance_avg5)
            rows.append((level, "chance", "", *(f"{share:.3f}" for share in by_chance)))
    screen = console()
    screen.print(
        fill(table(_title(report), "level", "ranking", ">n", ">AC@1", ">AC@3", ">Avg@5"), rows)
    )
    for bin_ in report.calibration:
        screen.print(
            f"  said {bin_.low:.0%} to {bin_.high:.0%}: {bin_.n} answers, "
            f"mean said {bin_.said:.0%}, right {bin_.right:.0%}"
        )
    screen.print()


def _title(report: "SetReport") -> str:
    parts = [f"{report.name}: {report.n} incidents, {report.healthy} healthy windows"]
    if report.answered:
        parts.append(f"answered {_estimate(report.answered)}")
    if report.accused:
        parts.append(f"falsely accused {_estimate(report.accused)}")
    return ", ".join([*parts, f"{report.seconds:.2f} s a case"])


def _estimate(share: "Estimate") -> str:
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"
