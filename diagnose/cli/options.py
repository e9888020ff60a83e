"""Options that several commands share, and what they lead to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from diagnose.extras import installing
from diagnose.failure import Failure

if TYPE_CHECKING:
    from diagnose.config import Settings
    from diagnose.store import Store

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="AITIA_CONFIG", metavar="FILE", help="YAML file with settings."
    ),
]
Output = Annotated[
    Literal["table", "json"],
    typer.Option("-o", "--output", help="For people, or for programs."),
]
Proposer = Annotated[
    Literal["none", "local", "openai"] | None,
    typer.Option(help="Language model to ask, in place of the setting model.proposer."),
]


def settings(config: Path | None, proposer: str | None = None) -> "Settings":
    """Return the settings that hold for a command.

    Args:
        config: Value of ``--config``.
        proposer: Value of ``--proposer``.
    """
    from diagnose.config import load

    overrides: Mapping[str, Any] = {"model": {"proposer": proposer}} if proposer else {}
    return load(config, overrides)


@contextmanager
def extra(name: str = "diagnose") -> Iterator[None]:
    """Import, inside, what only an extra of ``aitia`` brings; say so where it is missing.

    Args:
        name: The extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "collectors", "diagnose", "models"):
            raise
        what = f"this command needs {missing}, which is not installed"
        raise Failure(what, installing(name)) from error


@contextmanager
def opened_store(settings: "Settings") -> Iterator["Store"]:
    """Open the state database of ``settings`` for as long as the block runs."""
    with extra():
        from diagnose.store import opened
    with opened(settings.store) as store:
        yield store
