"""What is told of at present, and how loud: each round is decided in one transaction.

A notice opens when something is first seen and closes when a scan that could read its host missed
it twice in a row. A scan that failed, a host that said nothing and a process that died close
nothing; of a host that has said nothing for a week nobody is told any longer.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from diagnose import database
from diagnose.notify.budget import REPEAT, WEEK, Asked, Muted, Policy, decided
from diagnose.notify.channels import Receiver
from diagnose.notify.notice import LABEL, Kind, Notice, Route
from diagnose.notify.outbox import FORMAT, NOTICE, Told, marked, put, remember, told
from diagnose.tables import DELIVERIES, NOTICES
from diagnose.wording import printable

Row = sa.Row[Any]

MISSED: Final = 2  # scans in a row in which something is not seen before it is over
FORGOTTEN: Final = timedelta(days=7)  # after which a host that cannot be read has left the fleet
KEPT: Final = timedelta(days=30)  # what is over
DIGEST: Final = "digest"
DIGEST_STANDS: Final = timedelta(hours=1)
LISTED: Final = 50  # lines of a digest
_LOCK: Final = 0x417470  # PostgreSQL's advisory lock: one round at a time


@dataclass(frozen=True, slots=True)
class Round:
    """What one round is about.

    Attributes:
        group: Of the fleet, whose budget it spends.
        notices: What was seen.
        read: Hosts whose telemetry could be read: only of these may anything be over.
        lasts: After which a notice of this round is over by itself; None for never.
    """

    group: str
    notices: tuple[Notice, ...]
    read: Collection[str] = frozenset()
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a round came to.

    Attributes:
        routes: How each notice is told of, by key.
        paged: Keys of those that page from now on.
        over: How many notices closed.
    """

    routes: Mapping[str, Route]
    paged: frozenset[str]
    over: int


class Ledger:
    """Notices in the state database; what a method has returned from is committed.

    Args:
        engine: The state database, with the newest tables.
        policy: What the site wants to be woken for.
        receivers: Whom notices are sent to.
        clock: Returns the time, with its zone.
    """

    def __init__(
        self,
        engine: sa.Engine,
        policy: Policy,
        receivers: Sequence[Receiver],
        clock: Callable[[], datetime],
    ) -> None:
        self.engine, self.policy, self.receivers = engine, policy, receivers
        self._clock = clock

    def settle(self, asked: Round, muted: Muted) -> Settled:
        """Decide how what was seen is told of, put it into the outbox, close what is gone.

        Args:
            asked: What was seen, and where one could have seen more.
            muted: Whether people have silenced a notice that would be told of in a given way.
        """
        now = self._clock()
        seen = _once(asked.notices)
        with self._deciding() as connection:
            rows = {row.key: row for row in connection.execute(_standing())}
            over = list(self._gone(connection, rows.values(), asked, seen, now))
            for row in over:
                self._close(connection, row, now)
            pages = _pages(connection, now)
            lately = {page["key"] for page in pages if page["paged_at"] > now - REPEAT}
            spent = sum(page["group"] == printable(asked.group, LABEL) for page in pages)
            candidates = {
                key: Asked(notice, rows[key].route if key in rows else "held", key in lately)
                for key, notice in seen.items()
            }
            left = self.policy.budget(asked.group) - spent
            routes = decided(candidates, self.policy, left, muted)
            for key, notice in seen.items():
                self._tell(connection, rows.get(key), notice, routes[key], asked, now)
        loud = {key for key in routes if routes[key] == "page" != candidates[key].route}
        return Settled(routes, frozenset(loud), len(over))

    def standing(self) -> tuple[Told, ...]:
        """Return what is told of at present or held back, the largest expected loss first."""
        with self._reading() as connection:
            found = [told(row) for row in connection.execute(_standing())]
        return tuple(sorted(found, key=lambda one: (-one.expected_loss, one.id)))

    def pages(self) -> Mapping[str, int]:
        """Return the pages of the last seven days by group."""
        with self._reading() as connection:
            groups = [page["group"] for page in _pages(connection, self._clock())]
        return {group: groups.count(group) for group in sorted(set(groups))}

    def upkeep(self) -> None:
        """Close what has lasted long enough, forget what is long over, follow the settings."""
        now = self._clock()
        with self._deciding() as connection:
            for row in connection.execute(_standing().where(NOTICES.c.expires_at <= now)).all():
                self._close(connection, row, now)
            old = NOTICES.c.closed_at <= now - KEPT
            connection.execute(sa.delete(NOTICES).where(old))
            names = [receiver.name for receiver in self.receivers]
            stray = (DELIVERIES.c.status == "waiting", DELIVERIES.c.channel.not_in(names))
            why = "the settings no longer name this channel"
            connection.execute(sa.update(DELIVERIES).where(*stray).values(_obsolete(now, why)))
            # An Alertmanager that is new to the settings is told of what stands, as its peers were.
            peers = [one for one in self.receivers if one.kind == "alertmanager"]
            for row in connection.execute(_standing()) if peers else ():
                takers = [peer.name for peer in peers if peer.takes(row.kind, row.route)]
                put(connection, row.id, takers, "fire", now)

    def digest(self, hour: int, muted: Muted) -> None:
        """Put the day's digest into the outbox, once a day and only where there is something.

        Args:
            hour: Of the day in UTC, from which on it is due.
            muted: As for ``settle``.
        """
        now = self._clock()
        today = now.date().isoformat()
        if now.hour < hour:
            return
        with self._deciding() as connection:
            if marked(connection, DIGEST) == today:
                return
            rows = connection.execute(_standing().where(NOTICES.c.route == "digest"))
            found = [one for one in map(told, rows) if not muted(one.notice, "digest")]
            found.sort(key=lambda one: (-one.expected_loss, one.id))
            lines = [one.notice.summary for one in found[:LISTED]]
            if len(found) > LISTED:
                lines.append(f"and {len(found) - LISTED} more: 'aitia notify pending'")
            remember(connection, DIGEST, today, now)
            if lines:
                notice = Notice("digest", failure=today, lines=tuple(lines))
                row = self._row(notice, "ticket", now) | {"expires_at": now + DIGEST_STANDS}
                self._open(connection, notice, row, now)

    def _gone(
        self,
        connection: sa.Connection,
        rows: Collection[Row],
        asked: Round,
        seen: Mapping[str, Notice],
        now: datetime,
    ) -> Iterator[Row]:
        """Yield what was missed once too often, and note that the others were missed."""
        read = {printable(host, LABEL) for host in asked.read}
        for row in rows:
            if row.kind != "prediction" or row.key in seen:
                continue
            if row.host in read:
                if row.absent + 1 >= MISSED:
                    yield row
                counted = sa.update(NOTICES).where(NOTICES.c.id == row.id)
                connection.execute(counted.values(absent=row.absent + 1))
            elif row.group == printable(asked.group, LABEL) and row.seen_at <= now - FORGOTTEN:
                yield row

    def _tell(
        self,
        connection: sa.Connection,
        row: Row | None,
        notice: Notice,
        route: Route,
        asked: Round,
        now: datetime,
    ) -> None:
        """Write down how a notice is told of from now on, and put what is new into the outbox."""
        values = self._row(notice, route, now)
        values["expires_at"] = now + asked.lasts if asked.lasts else None
        if row is not None and row.route == "ticket" and route == "page":
            # To Alertmanager another severity is another alert: one ends and one begins.
            self._close(connection, row, now, louder=True)
            row = None
        if row is None:
            self._open(connection, notice, values, now)
            return
        # A page stays with the group whose budget it spent.
        for name in ("opened_at", "paged_at", "group")[: 3 if route == row.route else 1]:
            del values[name]
        connection.execute(sa.update(NOTICES).where(NOTICES.c.id == row.id).values(values))
        if route != row.route:
            put(connection, row.id, self._takers(notice.kind, route), "fire", now)

    def _row(self, notice: Notice, route: Route, now: datetime) -> dict[str, Any]:
        return {
            "key": notice.key,
            "kind": notice.kind,
            "group": printable(notice.group, LABEL),
            "host": printable(notice.host, LABEL),
            "route": route,
            "expected_loss": self.policy.expected_loss(notice),
            "absent": 0,
            "opened_at": now,
            "seen_at": now,
            "paged_at": now if route == "page" else None,
            "expires_at": None,
            "format": FORMAT,
            "document": NOTICE.dump_json(notice, ensure_ascii=True).decode(),
        }

    def _open(
        self, connection: sa.Connection, notice: Notice, values: dict[str, Any], now: datetime
    ) -> None:
        added = connection.execute(sa.insert(NOTICES).values(values).returning(NOTICES.c.id))
        takers = self._takers(notice.kind, values["route"])
        put(connection, added.scalar_one(), takers, "fire", now)

    def _close(
        self, connection: sa.Connection, row: Row, now: datetime, louder: bool = False
    ) -> None:
        """Close a notice, and tell whoever was told of it, or may have been."""
        mine = NOTICES.c.id == row.id
        connection.execute(sa.update(NOTICES).where(mine).values(closed_at=max(now, row.opened_at)))
        begun = (DELIVERIES.c.notice == row.id, DELIVERIES.c.event == "fire")
        fires = connection.execute(sa.select(DELIVERIES).where(*begun)).all()
        # Who hears of no end, as of a digest's, is told late rather than never.
        ending = [one.name for one in self.receivers if louder or one.hears_end(row.kind, louder)]
        waiting = (*begun, DELIVERIES.c.status == "waiting", DELIVERIES.c.channel.in_(ending))
        over = _obsolete(now, "it was over before it could be sent")
        connection.execute(sa.update(DELIVERIES).where(*waiting).values(over))
        reached = {
            fire.channel
            for fire in fires
            if fire.status == "sent" or (fire.status == "waiting" and fire.attempts)
        }
        hearing = [
            one.name
            for one in self.receivers
            if one.name in reached and one.hears_end(row.kind, louder)
        ]
        put(connection, row.id, hearing, "resolve", now)

    def _takers(self, kind: Kind, route: Route) -> list[str]:
        return [one.name for one in self.receivers if one.takes(kind, route)]

    @contextmanager
    def _deciding(self) -> Iterator[sa.Connection]:
        with database.told(self.engine.url), database.writing(self.engine).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with database.told(self.engine.url), self.engine.connect() as connection:
            yield connection


def _once(notices: Sequence[Notice]) -> Mapping[str, Notice]:
    """Return each thing once, by its key; the more probable word for it holds."""
    return {one.key: one for one in sorted(notices, key=lambda one: one.probability)}


def _standing() -> sa.Select[Any]:
    return sa.select(NOTICES).where(NOTICES.c.closed_at.is_(None))


def _pages(connection: sa.Connection, now: datetime) -> Sequence[sa.RowMapping]:
    """Return the pages of the last seven days; those of a clock that was set back count, too."""
    columns = (NOTICES.c.key, NOTICES.c.group, NOTICES.c.paged_at)
    paged = sa.select(*columns).where(NOTICES.c.paged_at > now - WEEK)
    return connection.execute(paged).mappings().all()


def _obsolete(now: datetime, why: str) -> dict[str, Any]:
    return {"status": "obsolete", "ended_at": now, "error": why}
