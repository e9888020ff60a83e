"""Which servers are scanned, how often, and who is told: the fleet file.

    groups:
      databases:
        hosts: [db1, "db-*"]        # names, and patterns in the style of a shell
        every: 5m                   # or   cron: "*/5 * * * *"
        least_probability: 0.02     # below which a prediction is not worth a word
        alpha: 0.001                # chance that a calm server is called anomalous
        route: dba                  # who is told
        source: kept                # or   prometheus: read where it is, of sources.prometheus
        engine: local               # or   ray: on the cluster of RAY_ADDRESS

Only ``hosts`` is required. A host belongs to the first group that names it. A host that is named
without a pattern is missed when nothing was ever read of it; a pattern stands for hosts that were.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from diagnose.failure import Failure
from diagnose.settings.plain_words import plain
from diagnose.settings.yaml_lines import Lines, read_yaml

EVERY: Final = "5m"
# Who asks every few minutes without any reason needs far less than who saw a symptom.
ALPHA: Final = 0.001
LEAST_PROBABILITY: Final = 0.02
SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN: Final = re.compile(r"[1-9]\d{0,5}[smhd]")
_CRON: Final = re.compile(r"[\d*/,-]+( +[\dA-Za-z*/,-]+){4}")


def _host(name: str) -> str:
    if not name or "/" in name or name.split() != [name]:
        raise ValueError(f"{name!r} is no host's name")
    return name


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is no time: write a number and s, m, h or d, as in 5m")
    return text


def _cron(text: str) -> str:
    if not _CRON.fullmatch(text):
        raise ValueError(f"{text!r} is no schedule of five fields, as in '*/5 * * * *'")
    return text


class Group(BaseModel):
    """Servers that are scanned together."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str
    """Of the group."""
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(min_length=1)
    """Names, and patterns in the style of a shell."""
    every: Annotated[str, AfterValidator(_span)] | None = None
    """Time between two scans, for example 5m."""
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    """Minute, hour, day of the month, month, day of the week, in place of ``every``."""
    least_probability: float = Field(default=LEAST_PROBABILITY, ge=0, le=1)
    """Below which a prediction is not told."""
    alpha: float = Field(default=ALPHA, gt=0, lt=1)
    """Chance that a calm server is called anomalous."""
    route: str | None = None
    """Who is told, as the notifier knows it; None for its default."""
    source: Literal["kept", "prometheus"] = "kept"
    """Whose telemetry is read: what ``aitia ingest`` keeps, or the site's Prometheus."""
    engine: Literal["local", "ray"] = "local"
    """Where the scan computes: on this machine, or on a Ray cluster."""

    @model_validator(mode="after")
    def has_one_schedule(self) -> Self:
        """Refuse two schedules."""
        if self.every and self.cron:
            raise ValueError("every and cron exclude each other: keep one of them")
        return self

    @property
    def every_seconds(self) -> float | None:
        """Return the time between two scans; None where ``cron`` says when they are due."""
        every = self.every or EVERY
        return None if self.cron else float(every[:-1]) * SECONDS[every[-1]]

    @property
    def named(self) -> frozenset[str]:
        """Return the hosts that are named without a pattern."""
        return frozenset(one for one in self.hosts if not set("*?[") & set(one))

    def holds(self, host: str) -> bool:
        """Return whether ``host`` is one of this group."""
        return any(fnmatchcase(host, one) for one in self.hosts)


class Fleet(BaseModel):
    """All groups, in the order of the file."""

    model_config = ConfigDict(frozen=True)

    groups: tuple[Group, ...]

    def members(self, known: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the hosts of each group, sorted; each host once, in its first group.

        Args:
            known: Hosts of which something was read.

        Example:
            >>> groups = Group(name="db", hosts=("db*",)), Group(name="a", hosts=("*",))
            >>> dict(Fleet(groups=groups).members(["web1", "db2", "db1"]))
            {'db': ('db1', 'db2'), 'a': ('web1',)}
        """
        members: dict[str, list[str]] = {group.name: [] for group in self.groups}
        for host in sorted(set(known).union(*(group.named for group in self.groups))):
            group = next((one for one in self.groups if one.holds(host)), None)
            if group:
                members[group.name].append(host)
        return {name: tuple(hosts) for name, hosts in members.items()}


WHOLE: Final = Fleet(groups=(Group(name="all", hosts=("*",)),))


def read_fleet(file: Path | None) -> Fleet:
    """Return what ``file`` says; every host, in one group, where there is no file.

    Raises:
        Failure: it cannot be read, or a line of it says what cannot be meant.
    """
    if file is None:
        return WHOLE
    tree, lines = read_yaml(file)
    groups = tree.pop("groups", None)
    for key in tree:
        raise Failure(f"{_place(file, lines, (key,))}: unknown key", "write all below 'groups:'")
    if not isinstance(groups, dict) or not groups:
        raise Failure(f"{file} names no groups", "write 'groups:', and below it a group's hosts")
    return Fleet(groups=tuple(_group(str(name), groups[name], file, lines) for name in groups))


def _group(name: str, told: Any, file: Path, lines: Lines) -> Group:  # noqa: ANN401 - as YAML has it
    path = ("groups", name)
    if not isinstance(told, dict):
        way_out = "write 'hosts: [NAME, ...]' below it"
        raise Failure(f"{_place(file, lines, path)} is no mapping", way_out)
    try:
        return Group(name=name, **{str(key): value for key, value in told.items()})
    except (ValidationError, TypeError) as error:  # the key "name" comes twice
        wrong = error.errors(include_url=False) if isinstance(error, ValidationError) else []
        raise Failure(
            "; ".join(_told(one, path, file, lines) for one in wrong)
            or f"{_place(file, lines, (*path, 'name'))}: unknown key",
            "see the fleet file in diagnose/README.md",
        ) from error


def _told(error: ErrorDetails, path: tuple[str, ...], file: Path, lines: Lines) -> str:
    """Return what is wrong, after the line on which it stands."""
    inner = tuple(str(part) for part in error["loc"])
    text = plain(error)
    if error["type"] == "extra_forbidden":
        close = get_close_matches(inner[0], Group.model_fields, 1)
        text = f"unknown key, did you mean {close[0]}?" if close else "unknown key"
    return f"{_place(file, lines, (*path, *inner))}: {text}"


def _place(file: Path, lines: Lines, path: tuple[str, ...]) -> str:
    """Return file, line and key; of a key that is not there, the line of what should hold it."""
    known = next(part for end in range(len(path), 0, -1) if (part := path[:end]) in lines)
    return f"{file}, line {lines[known]}: {'.'.join(path)}"
