"""``aitia train lm``: the stages in which the causal language model learns."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from diagnose.cli.options import Output, extra
from diagnose.cli.terminal import waiting, write_json
from diagnose.failure import Failure

Stage = Literal[
    "statements", "corr2cause", "edges", "head", "kinds", "reward", "policy", "preferences"
]


def lm(
    stage: Annotated[Stage, typer.Argument(help="What is learned.")],
    out: Annotated[
        Path, typer.Argument(metavar="DIR", help="Checkpoint, result and run card; goes on there.")
    ],
    start: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Adapter to begin with.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Time to learn, for the stages of the model itself.")
    ] = 30,
    steps: Annotated[int, typer.Option(min=1, help="Batches at most, likewise.")] = 1_000_000,
    device: Annotated[
        Literal["cpu", "cuda"], typer.Option(help="Where it runs, likewise.")
    ] = "cpu",
    lower: Annotated[
        bool,
        typer.Option("--lower", help="Of statements, corr2cause: the layers that read kinds."),
    ] = False,
    algorithm: Annotated[
        str, typer.Option(help="Of stage policy: ppo, rloo, a2c, trpo, nlpo.")
    ] = "rloo",
    judgements: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of stage preferences: what operators said, JSON lines."),
    ] = None,
    output: Output = "table",
) -> None:
    """Train the causal language model, stage by stage; each goes on where it was stopped."""
    with extra("train"), waiting(f"learning: {stage}") as progress:
        if stage == "reward":
            from diagnose.training.preferences import train_reward

            card = train_reward(out, progress)
        elif stage == "policy":
            from diagnose.training.policy import train_policy

            card = train_policy(out, algorithm, progress)
        elif stage == "preferences":
            from diagnose.training.preferences import tune_adapter

            if judgements is None or start is None:
                way_out = "give both; 'aitia feedback' writes judgements"
                raise Failure("stage preferences needs --judgements and --start", way_out)
            card = tune_adapter(judgements, start, out, progress)
        else:
            from diagnose.training.language_model import Run, run
            from diagnose.training.run_card import read_card

            for found in run(Run(stage, out, minutes, steps, start, device=device, lower=lower)):
                progress(int(found.seconds), int(60 * minutes))
            card = read_card(out)
    _show(card, output)


def _show(card: dict[str, Any], output: str) -> None:
    if output == "json":
        write_json(json.dumps(card, indent=2).encode())
        return
    for name, value in card.items():
        if isinstance(value, str | int | float):
            typer.echo(f"{name}: {value}")
