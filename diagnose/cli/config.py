"""``aitia config``: what the settings are, and whether they make sense."""

import json

import typer

from diagnose.cli.options import Config, Output, extra, settings
from diagnose.cli.terminal import write_json

app = typer.Typer(help="Check and show the settings.", no_args_is_help=True)


@app.command()
def check(config: Config = None) -> None:
    """Say whether the files and the environment are free of mistakes, and how words were read."""
    from diagnose.topology import ARROW, read_topology
    from diagnose.wording import printable

    chosen = settings(config)
    if chosen.daemon.fleet:
        with extra():
            from diagnose.daemon.schedule import read_plan
        read_plan(chosen.daemon.fleet, chosen.sources)
    site = read_topology(chosen.explain.topology)
    for sentence in site.sentences:
        typer.echo(f"{printable(sentence.text)}:")
        for says, (one, other) in sentence.edges():
            typer.echo(f"  {says}: {printable(one)} {ARROW} {printable(other)}")
    typer.echo("settings are valid")


@app.command()
def show(config: Config = None, output: Output = "table") -> None:
    """Show every setting that holds, as YAML or JSON; secrets are masked."""
    masked = settings(config).masked()
    if output == "json":
        write_json(json.dumps(masked, indent=2).encode())
        return
    import yaml

    typer.echo(yaml.safe_dump(masked, sort_keys=False), nl=False)
