"""``aitia daemon``: keep the models loaded, and answer who asks."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from diagnose.cli.log import log_to_stderr
from diagnose.cli.options import Config, extra

if TYPE_CHECKING:
    from collections.abc import Mapping


def daemon(
    inference: Annotated[
        Literal["local", "openai"] | None,
        typer.Option(
            help="Where the language model runs, in place of the setting model.proposer: on this "
            "machine, or behind openai.base_url (vLLM, for example), which needs allow_egress."
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Keep the models loaded, answer who asks and scan when it is time, until told to stop."""
    from diagnose.config import load

    overrides: Mapping[str, Any] = {"model": {"proposer": inference}} if inference else {}
    chosen = load(config, overrides)
    log_to_stderr()
    with extra():
        from diagnose.daemon.server import serve

    serve(chosen, config)
