"""A scan in parts: some hundred hosts each, of which every one can be done twice without harm."""

from dataclasses import dataclass, replace
from datetime import datetime

from diagnose.schema import Calibration, Guidance, Node, Prediction, RootCause


@dataclass(frozen=True, slots=True)
class Targets:
    """What a Prometheus scrapes on some hosts.

    Attributes:
        named: Host, job and instance of each.
        step_seconds: Between two scrapes.
    """

    named: tuple[tuple[str, str, str], ...]
    step_seconds: float


@dataclass(frozen=True, slots=True)
class Shard:
    """Hosts that are looked at together.

    Attributes:
        number: Of the shard, within its scan.
        hosts: Their names.
        where: Least and greatest number of their series in the tables, or what is scraped.
    """

    number: int
    hosts: tuple[str, ...]
    where: tuple[int, int] | Targets

    def halves(self) -> "tuple[Shard, Shard]":
        """Return both halves of its hosts, each under its number."""
        middle = len(self.hosts) // 2
        first, second = (self._of(hosts) for hosts in (self.hosts[:middle], self.hosts[middle:]))
        return first, second

    def _of(self, hosts: tuple[str, ...]) -> "Shard":
        where = self.where
        if isinstance(where, Targets):
            where = replace(where, named=tuple(one for one in where.named if one[0] in hosts))
        return replace(self, hosts=hosts, where=where)


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
        moment: As of which it was looked at: the newest reading's.
        expected: What fails next, of the host and of its parts, most probable first.
        surprise: -log10 of the chance that the host is calm and shows as much.
        symptom: Its most surprising signal where it is in trouble now; None where it is not.
        since: When that began.
        incident: Under which the explanation is stored; None where there is none.
        causes: Of the trouble, likeliest first; empty where it was not explained.
        guidance: What to do about the trouble, best first.
        calibration: Of the causes' probabilities.
        missing: What was not seen or not done, so that nobody takes silence for health.
        defect: Of ours, that its explanation died of, or the look at it; "" for none.
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
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Screened:
    """What became of a shard.

    Attributes:
        shard: Its number.
        findings: Of its hosts, those of which there is something to tell.
        unseen: Hosts of which nothing was read.
        cut: Hosts that have more series than were read.
        changed: Hosts that do not show the signals that their normal life was learned of.
        stopped: Whether nothing had come of any of its hosts for long.
        failed: Hosts that were not looked at, by a defect of ours; a finding says which.
    """

    shard: int
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    stopped: bool = False
    failed: tuple[str, ...] = ()
