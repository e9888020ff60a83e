"""A scan in parts: some hundred hosts each, of which every one can be done twice without harm."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from diagnose.schema import Calibration, Guidance, Node, Prediction, RootCause

HOSTS: Final = 100  # of a shard


@dataclass(frozen=True, slots=True)
class Shard:
    """Hosts that are looked at together.

    Attributes:
        number: Of the shard, within its scan.
        hosts: Their names.
        within: Least and greatest number of their series in the tables.
    """

    number: int
    hosts: tuple[str, ...]
    within: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Expected:
    """A failure that is expected, and what to do about it, best first."""

    prediction: Prediction
    guidance: tuple[Guidance, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scan says of one host of which there is something to tell.

    Attributes:
        host: Its name.
        moment: Of the scan.
        expected: What fails next, of the host and of its parts, most probable first.
        surprise: -log10 of the chance that the host is calm and shows as much.
        symptom: Its most surprising signal where it is in trouble now; None where it is not.
        since: When that began.
        incident: Under which the explanation is stored; None where there is none.
        causes: Of the trouble, likeliest first; empty where it was not explained.
        guidance: What to do about the trouble, best first.
        calibration: Of the causes' probabilities.
        missing: What was not seen or not done, so that nobody takes silence for health.
    """

    host: str
    moment: datetime
    expected: tuple[Expected, ...] = ()
    surprise: float = 0.0
    symptom: Node | None = None
    since: datetime | None = None
    incident: str | None = None
    causes: tuple[RootCause, ...] = ()
    guidance: tuple[Guidance, ...] = ()
    calibration: Calibration = "uncalibrated"
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screened:
    """What became of a shard.

    Attributes:
        shard: Its number.
        findings: Of its hosts, those of which there is something to tell.
        unseen: Hosts of which nothing was read.
    """

    shard: int
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()


def shards_of(hosts: Iterable[str], kept: pl.DataFrame, size: int = HOSTS) -> Iterator[Shard]:
    """Yield ``hosts`` in shards; hosts whose series lie near each other come together.

    Args:
        hosts: Their names.
        kept: As ``Reader.hosts`` tells of them; others are left out.
        size: Hosts of a shard.
    """
    chosen = kept.filter(pl.col("host").is_in(list(hosts))).sort("first", "host")
    for number, part in enumerate(chosen.iter_slices(size)):
        within = part.select(pl.col("first").min(), pl.col("last").max()).row(0)
        yield Shard(number, tuple(part["host"].to_list()), within)
