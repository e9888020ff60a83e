"""How far a scan is, in the state database: a shard that was done is never done again.

What became of a shard is one transaction: its findings, its predictions, and that it is done. So a
scan that was killed goes on with the shards that are missing, as of the same moment, and its rows
are those of a scan that was not.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import sqlalchemy as sa
from pydantic import TypeAdapter

from diagnose import database
from diagnose.scan.shards import Finding, Screened, Shard
from diagnose.settings.sections import StoreSection
from diagnose.store import FORMAT, insert_predictions
from diagnose.tables import FINDINGS, SCAN_SHARDS, SCANS

FRESH: Final = timedelta(minutes=30)  # for which an unfinished scan is worth resuming
QUIET: Final = timedelta(hours=1)  # findings of a host nearer than this are one incident
KEPT: Final = timedelta(days=30)  # for which finished scans are kept
_SHARD: Final = TypeAdapter(Shard)
_SCREENED: Final = TypeAdapter(Screened)
_FINDING: Final = TypeAdapter(Finding)
# What another version wrote in another form is not resumed: its scan is begun anew.
_FORM: Final = str([each.json_schema() for each in (_SHARD, _SCREENED, _FINDING)])


@dataclass(frozen=True, slots=True)
class Started:
    """A scan that is to be carried out, or on.

    Attributes:
        id: Of the scan.
        moment: As of which it looks.
        pending: Shards that are not done.
        shards: How many it has in all.
        resumed: Whether another process had begun it.
    """

    id: str
    moment: datetime
    pending: tuple[Shard, ...]
    shards: int
    resumed: bool


class Checkpoint:
    """The scans that the state database knows.

    Args:
        engine: Of the state database.
        clock: Returns the time, with its zone.
    """

    def __init__(
        self, engine: sa.Engine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    @contextmanager
    def opened(cls, section: StoreSection) -> Iterator[Self]:
        """Open the state database that the settings name, for as long as the block runs.

        Raises:
            Failure: it cannot be opened; every method raises it when the database refuses.
        """
        password = section.password
        engine = database.connect(section.url, password.get_secret_value() if password else None)
        try:
            yield cls(engine)
        finally:
            engine.dispose()

    def begin(
        self, group: str, moment: datetime, shards: Sequence[Shard], source: str, life: str = ""
    ) -> Started:
        """Return a new scan, or the unfinished one of the same group and hosts, to be resumed.

        Args:
            group: Of the fleet.
            moment: As of which a new scan looks.
            shards: Of a new scan.
            source: Name of the source that the shards are of.
            life: Which normal lives the hosts are held against; empty for none.
        """
        hosts = sorted(host for shard in shards for host in shard.hosts)
        told = "\0".join([_FORM, source, life, group, *hosts])
        digest = hashlib.sha256(told.encode()).hexdigest()[:12]
        new = f"{moment:%Y%m%dT%H%M%S}-{digest}"
        with self._writing() as connection:
            self._forget(connection)
            unfinished = (
                sa.select(SCANS.c.id, SCANS.c.moment)
                .where(SCANS.c.group == group, SCANS.c.finished_at.is_(None))
                .where(SCANS.c.id.endswith(f"-{digest}"), SCANS.c.moment > moment - FRESH)
                .order_by(SCANS.c.moment.desc())
            )
            known = connection.execute(unfinished).first()
            if known is None:
                self._insert(connection, new, group, moment, shards)
            scan, moment = (new, moment) if known is None else (known.id, known.moment)
            of_scan = SCAN_SHARDS.c.scan == scan
            total = connection.execute(sa.select(sa.func.count()).where(of_scan)).scalar_one()
            left = sa.select(SCAN_SHARDS.c.document).where(of_scan, SCAN_SHARDS.c.done_at.is_(None))
            rows = connection.execute(left.order_by(SCAN_SHARDS.c.number)).scalars()
            pending = tuple(_SHARD.validate_json(row) for row in rows)
        return Started(scan, moment, pending, total, known is not None)

    def done(self, scan: Started, screened: Screened) -> None:
        """Note what became of a shard; of a shard that was done before, nothing is changed."""
        mine = (SCAN_SHARDS.c.scan == scan.id, SCAN_SHARDS.c.number == screened.shard)
        document = _SCREENED.dump_json(replace(screened, findings=()), ensure_ascii=True)
        with self._writing() as connection:
            fresh = sa.update(SCAN_SHARDS).where(*mine, SCAN_SHARDS.c.done_at.is_(None))
            values = {"document": document.decode(), "done_at": self._clock()}
            if not connection.execute(fresh.values(values)).rowcount:
                return
            for finding in screened.findings:
                connection.execute(sa.insert(FINDINGS).values(_row(scan, finding)))
                if finding.symptom is None:  # else an explanation may still tell what drives them
                    insert_predictions(connection, [one.prediction for one in finding.expected])

    def add(self, scan: Started, finding: Finding) -> None:
        """Add a finding of a host that no shard holds, unless that was done before."""
        known = sa.select(FINDINGS.c.host).filter_by(scan=scan.id, host=finding.host)
        with self._writing() as connection:
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(FINDINGS).values(_row(scan, finding)))
                insert_predictions(connection, [one.prediction for one in finding.expected])

    def explained(self, scan: Started, finding: Finding) -> None:
        """Put a finding in the place of what was found of its host before, with its predictions."""
        mine = (FINDINGS.c.scan == scan.id, FINDINGS.c.host == finding.host)
        with self._writing() as connection:
            connection.execute(sa.update(FINDINGS).where(*mine).values(_row(scan, finding)))
            insert_predictions(connection, [one.prediction for one in finding.expected])

    def findings(self, scan: Started) -> tuple[Finding, ...]:
        """Return what a scan has found so far, by host."""
        of_scan = sa.select(FINDINGS.c.document).where(FINDINGS.c.scan == scan.id)
        with database.told(self._engine.url), self._engine.connect() as connection:
            rows = connection.execute(of_scan.order_by(FINDINGS.c.host)).scalars()
            return tuple(_FINDING.validate_json(row) for row in rows)

    def screened(self, scan: Started) -> tuple[Screened, ...]:
        """Return the shards that a scan that is not finished has done, without their findings."""
        done = sa.select(SCAN_SHARDS.c.document).where(
            SCAN_SHARDS.c.scan == scan.id, SCAN_SHARDS.c.done_at.is_not(None)
        )
        with database.told(self._engine.url), self._engine.connect() as connection:
            rows = connection.execute(done.order_by(SCAN_SHARDS.c.number)).scalars()
            return tuple(_SCREENED.validate_json(row) for row in rows)

    def incident_of(self, host: str, moment: datetime) -> str | None:
        """Return the incident of ``host`` that has lasted until ``moment``; None where none has."""
        lately = FINDINGS.c.moment.between(moment - QUIET, moment)
        last = (
            sa.select(FINDINGS.c.incident)
            .where(FINDINGS.c.host == host, lately, FINDINGS.c.incident.is_not(None))
            .order_by(FINDINGS.c.moment.desc())
        )
        with database.told(self._engine.url), self._engine.connect() as connection:
            found: str | None = connection.execute(last).scalar()
        return found

    def began(self, host: str, moment: datetime) -> datetime | None:
        """Return since when ``host`` was in trouble, as the scan before ``moment`` has told it."""
        lately = (FINDINGS.c.moment >= moment - QUIET) & (FINDINGS.c.moment < moment)
        last = sa.select(FINDINGS.c.document).where(FINDINGS.c.host == host, lately)
        with database.told(self._engine.url), self._engine.connect() as connection:
            row = connection.execute(last.order_by(FINDINGS.c.moment.desc())).scalar()
        return _FINDING.validate_json(row).since if row else None

    def finish(self, scan: Started) -> None:
        """Note that a scan is whole; what was needed to resume it is forgotten."""
        with self._writing() as connection:
            whole = sa.update(SCANS).where(SCANS.c.id == scan.id)
            connection.execute(whole.values(finished_at=self._clock()))
            connection.execute(sa.delete(SCAN_SHARDS).where(SCAN_SHARDS.c.scan == scan.id))

    def _insert(
        self,
        connection: sa.Connection,
        scan: str,
        group: str,
        moment: datetime,
        shards: Sequence[Shard],
    ) -> None:
        """Insert a scan; one of the same moment that was finished is done anew."""
        connection.execute(sa.delete(SCANS).where(SCANS.c.id == scan))
        row = {
            "id": scan,
            "group": group,
            "moment": moment,
            "hosts": sum(len(shard.hosts) for shard in shards),
            "started_at": self._clock(),
        }
        connection.execute(sa.insert(SCANS).values(row))
        parts = [
            {
                "scan": scan,
                "number": shard.number,
                "document": _SHARD.dump_json(shard, ensure_ascii=True).decode(),
            }
            for shard in shards
        ]
        if parts:
            connection.execute(sa.insert(SCAN_SHARDS), parts)

    def _forget(self, connection: sa.Connection) -> None:
        """Delete scans that are long over, and those that nobody resumed in time."""
        now = self._clock()
        old = (SCANS.c.started_at < now - KEPT) | (
            SCANS.c.finished_at.is_(None) & (SCANS.c.started_at < now - KEPT / 30)
        )
        connection.execute(sa.delete(SCANS).where(old))

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with database.told(self._engine.url), database.writing(self._engine).begin() as connection:
            yield connection


def _row(scan: Started, finding: Finding) -> dict[str, object]:
    return {
        "scan": scan.id,
        "host": finding.host,
        "moment": finding.moment,
        "incident": finding.incident,
        "format": FORMAT,
        "document": _FINDING.dump_json(finding, ensure_ascii=True).decode(),
    }
