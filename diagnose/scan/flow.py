"""A scan as a whole: shards, findings, explanations of the worst; resumed where it stopped."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Final

from diagnose.config import Settings
from diagnose.fleet import Fleet, Group
from diagnose.pipeline import Roles
from diagnose.scan.aside import Aside
from diagnose.scan.checkpoint import Checkpoint, Started
from diagnose.scan.engines import Engine
from diagnose.scan.explanation import advised, explaining
from diagnose.scan.life import learned_life
from diagnose.scan.screening import Look, screen
from diagnose.scan.shards import Finding
from diagnose.scan.source import Source
from diagnose.scan.unheard import missed, moment_of

EXPLAINED: Final = 10  # hosts of a scan, the most surprising ones: when all are ill, few tell why

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What one scan of one group found.

    Attributes:
        group: Of the fleet.
        moment: As of which it looked.
        hosts: How many it looked at.
        findings: Of hosts of which there is something to tell, the most urgent first.
        read: Hosts of which something was read; none where telemetry has stopped.
        unseen: Hosts of which nothing was.
        cut: Hosts that have more series than were read.
        changed: Hosts that do not show the signals that their normal life was learned of.
        failed: Hosts that were not looked at, by a defect of ours; their findings say which.
        stopped: When the newest reading was taken, where nothing has come of any host since then
            and for so long that all are silent; None where telemetry comes.
        resumed: Whether a scan was carried on that another process had begun.
        seconds: That each stage took.
    """

    group: str
    moment: datetime
    hosts: int
    findings: tuple[Finding, ...]
    read: frozenset[str]
    unseen: tuple[str, ...]
    cut: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    stopped: datetime | None = None
    resumed: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)


def scan(
    settings: Settings,
    fleet: Fleet,
    group: Group,
    engine: Engine,
    source: Source,
    roles: Callable[[], Roles],
    at: datetime | None = None,
    tell: Tell = lambda what, done, of: None,
    expected: Collection[str] = (),
) -> Report:
    """Return what there is to tell of the hosts of ``group``, stored before it is returned.

    Args:
        settings: Of this site.
        fleet: All groups: a host that an earlier group names is not of a later one.
        group: Whom to look at.
        engine: Where the shards are worked on.
        source: Who is asked what hosts showed.
        roles: Makes those who explain, in a process of their own; it is sent there, and only where
            a host is in trouble.
        at: As of when; None for now. The newest telemetry holds where that is a little older.
        tell: Is told how far it is: what is done, how many, of how many.
        expected: Further hosts that exist; they are unseen where nothing is read of them.

    Raises:
        Failure: there is no telemetry, or something that is kept cannot be used.
    """
    at, life = at or datetime.now(UTC), learned_life(settings.telemetry.life)
    census = source.census(at)
    hosts = fleet.members([*census.hosts, *expected])[group.name]
    with Checkpoint.opened(settings.store) as checkpoint:
        moment, held = moment_of(at, census.newest), life.digest if life else ""
        shards = tuple(census.shards(hosts))
        started = checkpoint.begin(group.name, moment, shards, source.name, held)
        until = min(started.moment, census.newest)
        look = Look(source, started.moment, until, group.alpha, group.least_probability, life)
        screening = _screen(settings, look, engine, checkpoint, started, tell)
        screened_at = perf_counter()
        done = checkpoint.screened(started)
        unseen = set(hosts).difference(census.hosts).union(*(one.unseen for one in done))
        _miss(settings, unseen & group.named, checkpoint, started)
        findings = _explained(settings, group, source, checkpoint, started, roles, tell)
        checkpoint.finish(started)
    stopped = bool(done) and all(shard.stopped for shard in done)
    failed = frozenset(host for shard in done for host in shard.failed)
    return Report(
        group.name,
        started.moment,
        len(hosts),
        tuple(sorted(findings, key=_urgency)),
        frozenset() if stopped else frozenset(hosts) - unseen - failed,
        tuple(sorted(unseen)),
        tuple(sorted(host for shard in done for host in shard.cut)),
        tuple(sorted(host for shard in done for host in shard.changed)),
        tuple(sorted(failed)),
        until if stopped else None,
        started.resumed,
        {"screen": screening, "explain": perf_counter() - screened_at},
    )


def _screen(
    settings: Settings,
    look: Look,
    engine: Engine,
    checkpoint: Checkpoint,
    started: Started,
    tell: Tell,
) -> float:
    """Look at the shards that are not done; what becomes of each is kept at once.

    Returns:
        Seconds that it took.
    """
    begun = perf_counter()
    done = started.shards - len(started.pending)
    for screened in engine.run(partial(screen, look), started.pending):
        dated = (_dated(one, checkpoint) for one in screened.findings)
        told = tuple(_advised(one, settings) for one in dated)
        checkpoint.done(started, replace(screened, findings=told))
        done += 1
        tell("shards", done, started.shards)
    return perf_counter() - begun


def _miss(
    settings: Settings, hosts: Collection[str], checkpoint: Checkpoint, started: Started
) -> None:
    """Tell of hosts that somebody named and of which nothing was read."""
    for host in sorted(hosts):
        checkpoint.add(started, _advised(missed(host, started.moment), settings))


def _explained(
    settings: Settings,
    group: Group,
    source: Source,
    checkpoint: Checkpoint,
    started: Started,
    roles: Callable[[], Roles],
    tell: Tell,
) -> tuple[Finding, ...]:
    """Return all findings, those of the most surprising hosts explained; the others say why not."""
    troubled = [one for one in checkpoint.findings(started) if one.symptom]
    troubled.sort(key=lambda one: (-one.surprise, one.host))
    waiting = [one for one in troubled[:EXPLAINED] if one.incident is None]
    with Aside(partial(explaining, settings, source, roles, group.alpha)) as aside:
        for done, finding in enumerate(waiting):
            tell("explanations", done, len(waiting))
            lasting = checkpoint.incident_of(finding.host, finding.moment)
            checkpoint.explained(started, aside.explained(finding, lasting))
    for finding in troubled[EXPLAINED:]:
        said = f"It was not explained: {EXPLAINED} other hosts are more surprising."
        checkpoint.explained(started, replace(finding, missing=(said,)))
    return checkpoint.findings(started)


def _dated(finding: Finding, checkpoint: Checkpoint) -> Finding:
    """Return ``finding`` with the beginning that earlier scans saw, where it lies too far back."""
    if finding.symptom is None or finding.since:
        return finding
    since = checkpoint.began(finding.host, finding.moment)
    expected = tuple(
        replace(one, prediction=replace(one.prediction, since=one.prediction.since or since))
        if finding.symptom in one.prediction.evidence
        else one
        for one in finding.expected
    )
    return replace(finding, since=since, expected=expected)


def _advised(finding: Finding, settings: Settings) -> Finding:
    folder = settings.guidance.runbooks
    expected = tuple(advised(one.prediction, folder) for one in finding.expected)
    return replace(finding, expected=expected)


def _urgency(finding: Finding) -> tuple[float, float, float, str]:
    """Return what orders findings: the most probable first, then the soonest."""
    first = finding.expected[0].prediction if finding.expected else None
    return (
        -first.probability if first else 0.0,
        first.lead_time_seconds if first else 0.0,
        -finding.surprise,
        finding.host,
    )
