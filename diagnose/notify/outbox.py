"""The outbox: what is to be sent where, kept until it was sent or need not be.

A delivery is there once for each notice, channel and event, so that however often a process is
killed, the same thing is not sent for two reasons. What was under way when it was killed is sent
again: receivers know it by its key.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from diagnose import database
from diagnose.failure import Failure
from diagnose.notify.notice import Notice, Route
from diagnose.tables import DELIVERIES, NOTICES, NOTIFY_MARKS

Event = Literal["fire", "resolve"]
Status = Literal["waiting", "sent", "refused", "obsolete"]

FORMAT: Final = 1  # of the stored notices
LEASE: Final = timedelta(seconds=60)  # after which what a dead process was sending is sent again
AT_ONCE: Final = 100  # deliveries that are read together
NOTICE: Final = TypeAdapter(Notice)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and how and since when it is told of.

    Attributes:
        id: Its number.
        notice: As it was last seen.
        route: How loud.
        expected_loss: In the unit of the site's costs.
        opened_at: When it was first seen.
        seen_at: When it was last seen.
        paged_at: When it was decided to page; None for never.
        closed_at: When it was gone; None while it is not.
    """

    id: int
    notice: Notice
    route: Route
    expected_loss: float
    opened_at: datetime
    seen_at: datetime
    paged_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to be sent to one channel.

    Attributes:
        id: Its number, by which a receiver may know a repetition.
        channel: Name of the channel.
        event: Whether it begins or ends.
        told: Of what.
        status: How far it is.
        attempts: How often it was tried.
        created_at: When it was put here.
        error: Why it was not sent at the last attempt; "" for no reason.
    """

    id: int
    channel: str
    event: Event
    told: Told
    status: Status
    attempts: int
    created_at: datetime
    error: str = ""


class Outbox:
    """Deliveries in the state database; what a method has returned from is committed.

    Args:
        engine: The state database, with the newest tables.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def due(self, channel: str, now: datetime) -> tuple[Delivery, ...]:
        """Return what is to be sent to ``channel`` now, oldest first, one hundred at most."""
        mine = (
            DELIVERIES.c.channel == channel,
            DELIVERIES.c.status == "waiting",
            DELIVERIES.c.next_at <= now,
        )
        return self._deliveries(mine, AT_ONCE)

    def unsent(self, limit: int) -> tuple[Delivery, ...]:
        """Return what waits or was refused, newest first, ``limit`` at most."""
        mine = (DELIVERIES.c.status.in_(("waiting", "refused")),)
        return self._deliveries(mine, limit, newest_first=True)

    def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Return whether the delivery is the caller's to send, for as long as the lease lasts."""
        free = (
            DELIVERIES.c.id == delivery.id,
            DELIVERIES.c.status == "waiting",
            DELIVERIES.c.next_at <= now,
        )
        taken = sa.update(DELIVERIES).where(*free)
        taken = taken.values(attempts=DELIVERIES.c.attempts + 1, next_at=now + LEASE)
        with self._writing() as connection:
            return connection.execute(taken).rowcount == 1

    def ended(self, delivery: Delivery, status: Status, now: datetime, error: str = "") -> None:
        """Note that a delivery was sent or never will be."""
        values = {"status": status, "ended_at": now, "error": error}
        self._change(delivery, values)

    def later(self, delivery: Delivery, next_at: datetime, error: str) -> None:
        """Note that a delivery is to be tried again."""
        self._change(delivery, {"next_at": next_at, "error": error})

    def standing(self, channel: str) -> tuple[Told, ...]:
        """Return what ``channel`` was told of and was not told the end of."""
        joined = sa.join(NOTICES, DELIVERIES, DELIVERIES.c.notice == NOTICES.c.id)
        rows = (
            sa.select(NOTICES)
            .select_from(joined)
            .where(
                NOTICES.c.closed_at.is_(None),
                DELIVERIES.c.channel == channel,
                DELIVERIES.c.event == "fire",
                DELIVERIES.c.status == "sent",
            )
        )
        with self._reading() as connection:
            return tuple(told(row) for row in connection.execute(rows.order_by(NOTICES.c.id)))

    def mark(self, name: str) -> str | None:
        """Return what was last remembered under ``name``; None for nothing."""
        with self._reading() as connection:
            return marked(connection, name)

    def remember(self, name: str, document: str, now: datetime) -> None:
        """Remember ``document`` under ``name``."""
        with self._writing() as connection:
            remember(connection, name, document, now)

    def _change(self, delivery: Delivery, values: dict[str, Any]) -> None:
        waiting = (DELIVERIES.c.id == delivery.id, DELIVERIES.c.status == "waiting")
        with self._writing() as connection:
            connection.execute(sa.update(DELIVERIES).where(*waiting).values(values))

    def _deliveries(
        self, mine: Iterable[sa.ColumnElement[bool]], limit: int, newest_first: bool = False
    ) -> tuple[Delivery, ...]:
        joined = sa.join(DELIVERIES, NOTICES, DELIVERIES.c.notice == NOTICES.c.id)
        names = ("id", "channel", "event", "status", "attempts", "created_at", "error")
        own = [DELIVERIES.c[name].label(f"delivery_{name}") for name in names]
        order = DELIVERIES.c.id.desc() if newest_first else DELIVERIES.c.id
        rows = sa.select(NOTICES, *own).select_from(joined).where(*mine)
        with self._reading() as connection:
            return tuple(
                Delivery(
                    row.delivery_id,
                    row.delivery_channel,
                    row.delivery_event,
                    told(row),
                    row.delivery_status,
                    row.delivery_attempts,
                    row.delivery_created_at,
                    row.delivery_error,
                )
                for row in connection.execute(rows.order_by(order).limit(limit))
            )

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with database.told(self.engine.url), database.writing(self.engine).begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with database.told(self.engine.url), self.engine.connect() as connection:
            yield connection


def told(row: sa.Row[Any]) -> Told:
    """Return a row of NOTICES.

    Raises:
        Failure: this version cannot read it.
    """
    way_out = "delete it, and what is still so is told of anew"
    if row.format != FORMAT:
        raise Failure(f"notice {row.id} has format {row.format}, and not {FORMAT}", way_out)
    try:
        notice = NOTICE.validate_json(row.document)
    except ValidationError as error:
        raise Failure(f"notice {row.id} is damaged", way_out) from error
    return Told(
        row.id,
        notice,
        row.route,
        row.expected_loss,
        row.opened_at,
        row.seen_at,
        row.paged_at,
        row.closed_at,
    )


def put(
    connection: sa.Connection, notice: int, channels: Iterable[str], event: Event, now: datetime
) -> None:
    """Add a delivery to each of ``channels`` unless it is there, as part of a transaction."""
    there = sa.select(DELIVERIES.c.channel).filter_by(notice=notice, event=event)
    known = set(connection.execute(there).scalars())
    rows = [
        {
            "notice": notice,
            "channel": channel,
            "event": event,
            "status": "waiting",
            "attempts": 0,
            "created_at": now,
            "next_at": now,
            "error": "",
        }
        for channel in channels
        if channel not in known
    ]
    if rows:
        connection.execute(sa.insert(DELIVERIES), rows)


def marked(connection: sa.Connection, name: str) -> str | None:
    """Return what was last remembered under ``name``, as part of a transaction."""
    return connection.execute(sa.select(NOTIFY_MARKS.c.document).filter_by(name=name)).scalar()


def remember(connection: sa.Connection, name: str, document: str, now: datetime) -> None:
    """Remember ``document`` under ``name``, as part of a transaction."""
    values = {"document": document, "made_at": now}
    mine = NOTIFY_MARKS.c.name == name
    if not connection.execute(sa.update(NOTIFY_MARKS).where(mine).values(values)).rowcount:
        connection.execute(sa.insert(NOTIFY_MARKS).values(name=name, **values))
