"""What is said between the daemon and who asks it, and whether both mean the same by it."""

import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from diagnose.daemon.queue import Urgency

if TYPE_CHECKING:
    from diagnose.config import Settings

EXPLAIN: Final = "/v1/explain"
PAIRS: Final = "/v1/pairs"
WARNING: Final = "aitia-warning"  # header with what a person should know beside the answer, as JSON
PATIENCE_SECONDS: Final = 30.0  # for which a question may wait, unless it says otherwise
MOST_PAIRS: Final = 1000  # of one request
# What does not bear on an answer.
ELSEWHERE: Final = ("collect", "daemon", "ingest", "notify")


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("a folder is named by its absolute path")
    return path


Name = Annotated[str, Field(min_length=1, max_length=1000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    urgency: Urgency = "interactive"
    deadline_seconds: float = Field(default=PATIENCE_SECONDS, gt=0, le=600)


class ExplainRequest(_Request):
    """What is to be explained, as ``Question`` has it.

    Attributes:
        settings: ``agreed`` of the settings under which it is asked; None where any will do.
        urgency: Whether somebody waits for it.
        deadline_seconds: After which it is not begun any more.
    """

    bundle: Annotated[Path, AfterValidator(_absolute)] | None = None
    alert: Name | None = None
    at: AwareDatetime | None = None
    entity: Name | None = None
    as_of: AwareDatetime | None = None
    settings: str | None = None

    @model_validator(mode="after")
    def asks_one_thing(self) -> "ExplainRequest":
        """Refuse a question that asks nothing, or two things."""
        if (self.at is None) != (self.entity is None):
            raise ValueError("at and entity come together")
        if sum(given is not None for given in (self.bundle, self.alert, self.at)) != 1:
            raise ValueError("give one of bundle, alert, and at with entity")
        return self


class ScanRequest(BaseModel):
    """A group of the fleet, to be scanned as soon as may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Name


class PairsRequest(_Request):
    """Pairs of kinds, by their names, the most relevant first.

    Attributes:
        settings: ``agreed`` of the settings under which it is asked; None where any will do.
        urgency: Whether somebody waits for it.
        deadline_seconds: After which what is left of it is not begun any more.
    """

    settings: str | None = None
    pairs: tuple[tuple[Name, Name], ...] = Field(max_length=MOST_PAIRS)


def agreed(settings: "Settings") -> str:
    """Return a text that two processes share exactly if they answer alike.

    It is made of this version and of all settings that bear on an answer; of secrets, only whether
    there is one.
    """
    tree = settings.model_dump(mode="python", exclude={*ELSEWHERE, "model"})
    tree["model"] = settings.model.model_dump(exclude={"cache_dir"})
    return sha256(f"{version('aitia')} {json.dumps(tree, default=_text)}".encode()).hexdigest()


def _text(value: object) -> str:
    return str(value.absolute()) if isinstance(value, Path) else str(value)
