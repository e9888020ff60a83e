"""``aitia train life``: what is normal for each host, from the telemetry that is kept."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from diagnose.cli.options import Config, Output, extra, settings
from diagnose.cli.terminal import complain, console, fill, table, waiting, write_json
from diagnose.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping


def life(
    days: Annotated[
        float, typer.Option(min=1.5, max=14, help="How far back to read; mostly calm days.")
    ] = 3,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Learn the normal life of every host whose telemetry is kept; scans then ask it."""
    chosen = settings(config)
    with extra():
        from diagnose.scan.kept import Kept
        from diagnose.training.life import train

    with waiting("learning the normal life of hosts") as progress:
        card = train(Kept(chosen.telemetry.root), chosen.telemetry.life, progress, days)
    if output == "json":
        write_json(json.dumps(card, indent=2).encode())
        return
    _show(card)


def _show(card: "Mapping[str, Any]") -> None:
    """Print who foretells each group and how well, and who is left out."""
    heads = (">hosts", ">signals", "such as", "foretold by", ">error", ">encoder gains", "held out")
    rows = []
    for group in card["groups"]:
        gain = group.get("encoder_gains")
        told = (
            f"{gain['value']:.4f} [{gain['low']:.4f}, {gain['high']:.4f}]" if gain else "not tried"
        )
        error = group["mean_absolute_error"][group["foreteller"]]
        counts = (str(group["hosts"]), str(group["signals"]), group["for_example"])
        rows.append((*counts, group["foreteller"], f"{error:.4f}", told, group["held_out"]))
    console().print(fill(table("normal life", *heads), rows))
    if card["left_out"]:
        host, why = next(iter(card["left_out"].items()))
        hosts = counted(len(card["left_out"]), "host")
        complain("warning", f"left out: {hosts}, {host} for one: {why}")
