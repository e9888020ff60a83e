"""``aitia daemon``: keep the models loaded, and answer who asks."""

from typing import Annotated, Any, Literal

import typer

from diagnose.cli.log import log_to_stderr
from diagnose.cli.options import Config, extra


def daemon(
    inference: Annotated[
        Literal["local", "openai"] | None,
        typer.Option(
            help="Where language models run, in place of model.proposer and guidance.writer: on "
            "this machine, or behind openai.base_url (vLLM, say), which needs allow_egress."
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Keep the models loaded, answer who asks and scan when it is time, until told to stop."""
    from diagnose.config import load

    overrides: dict[str, Any] = {"model": {"proposer": inference}} if inference else {}
    chosen = load(config, overrides)
    if inference and chosen.guidance.writer != "none":
        chosen = load(config, {**overrides, "guidance": {"writer": inference}})
    log_to_stderr()
    with extra():
        from diagnose.daemon.server import serve

    serve(chosen, config)
