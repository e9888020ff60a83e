"""What was asked and answered: incidents, diagnoses, predictions, feedback, repairs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar, get_args

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.dialects import postgresql, sqlite

from diagnose import database
from diagnose.failure import Failure
from diagnose.records import Asked, Feedback, Incident, Repair
from diagnose.schema import Diagnosis, Node, Prediction, Tried
from diagnose.settings.sections import StoreSection
from diagnose.tables import DIAGNOSES, FEEDBACK, INCIDENTS, PREDICTIONS, REPAIRS

_DIAGNOSIS: Final = TypeAdapter(Diagnosis)
_PREDICTION: Final = TypeAdapter(Prediction)
_INSERT: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

FORMAT: Final = 1  # of the stored documents; raised when older ones can no longer be read
SHORTEST_ID: Final = 6
ASKED: Final = get_args(Asked)  # the first of them is part of every id of these

Text = TypeVar("Text", str, str | None)


class Store:
    """The state database, SQLite or PostgreSQL; what a method has returned from is committed."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    def open(
        cls,
        url: str,
        password: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Return the store behind ``url``, created or upgraded where that is needed.

        Args:
            url: As ``database.connect`` takes it.
            password: Of the database's user.
            clock: Returns the time, with its zone.

        Raises:
            Failure: it cannot be opened; every method raises it when the database refuses.
        """
        return cls(database.connect(url, password), clock)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def incident_for(
        self,
        source: str,
        fingerprint: str,
        alert_time: datetime,
        as_of: datetime,
        symptom: Node | None = None,
    ) -> str:
        """Return the id of the one incident of this source and fingerprint, stored if it is new.

        However people ask for an incident, it is the same one.
        """
        same = ASKED if source in ASKED else (source,)
        digest = hashlib.sha256(f"{same[0]}\0{fingerprint}".encode()).hexdigest()
        mine = (
            INCIDENTS.c.source.in_(map(_plain, same)),
            INCIDENTS.c.fingerprint == _plain(fingerprint),
        )
        row = {
            "source": _plain(source),
            "fingerprint": _plain(fingerprint),
            "alert_time": alert_time,
            "as_of": as_of,
            "entity": _plain(symptom.entity) if symptom else None,
            "signal": _plain(symptom.signal) if symptom else None,
            "created_at": self._clock(),
            "status": "open",
        }
        # One id in 16 million is taken by another incident: then a longer part of the digest.
        for length in range(SHORTEST_ID, len(digest)):
            with self._writing() as connection:
                insert = _INSERT[connection.dialect.name](INCIDENTS)
                new = {"id": f"inc-{digest[:length]}", **row}
                connection.execute(insert.values(new).on_conflict_do_nothing())
                known = connection.execute(sa.select(INCIDENTS.c.id).where(*mine)).scalar()
            if known is not None:
                return str(known)
        raise AssertionError("two fingerprints have one digest")

    def incidents(self, limit: int = 50) -> tuple[Incident, ...]:
        """Return the newest incidents, newest first, ``limit`` at most."""
        newest = sa.select(INCIDENTS).order_by(INCIDENTS.c.created_at.desc(), INCIDENTS.c.id)
        with self._reading() as connection:
            return tuple(_incident(row) for row in connection.execute(newest.limit(limit)))

    def incident(self, incident: str) -> Incident | None:
        """Return one incident, or None where there is none of this id."""
        with self._reading() as connection:
            row = connection.execute(sa.select(INCIDENTS).filter_by(id=_plain(incident))).first()
        return _incident(row) if row else None

    def save(self, diagnosis: Diagnosis) -> None:
        """Store an answer beside the earlier ones to the same incident.

        Raises:
            Failure: there is no such incident.
        """
        row = {
            "incident": diagnosis.incident,
            "made_at": self._clock(),
            "format": FORMAT,
            "document": _DIAGNOSIS.dump_json(diagnosis, ensure_ascii=True).decode(),
        }
        status = "answered" if diagnosis.root_causes else "abstained"
        with self._writing() as connection:
            mine = INCIDENTS.c.id == diagnosis.incident
            found = connection.execute(sa.update(INCIDENTS).where(mine).values(status=status))
            _refuse_unknown(diagnosis.incident, found.rowcount)
            connection.execute(sa.insert(DIAGNOSES).values(row))

    def diagnosis(self, incident: str) -> Diagnosis | None:
        """Return the newest answer to an incident, or None where there is none."""
        newest = (
            sa.select(DIAGNOSES)
            .filter_by(incident=_plain(incident))
            .order_by(DIAGNOSES.c.id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(newest).first()
        return _diagnosis(row) if row else None

    def add_feedback(self, feedback: Feedback) -> None:
        """Store what somebody said about an answer.

        Raises:
            Failure: there is no such incident.
        """
        row = {
            "incident": feedback.incident,
            "verdict": feedback.verdict,
            "entity": _plain(feedback.entity),
            "signal": _plain(feedback.signal),
            "note": _plain(feedback.note),
            "author": _plain(feedback.author),
            "made_at": self._clock(),
        }
        known = sa.select(sa.func.count()).where(INCIDENTS.c.id == feedback.incident)
        with self._writing() as connection:
            _refuse_unknown(feedback.incident, connection.execute(known).scalar_one())
            connection.execute(sa.insert(FEEDBACK).values(row))

    def feedback(self, incident: str) -> tuple[Feedback, ...]:
        """Return what was said about the answers to an incident, oldest first."""
        names = ("incident", "verdict", "entity", "signal", "note", "author")
        said = sa.select(*(FEEDBACK.c[name] for name in names)).filter_by(incident=incident)
        with self._reading() as connection:
            return tuple(Feedback(*row) for row in connection.execute(said.order_by(FEEDBACK.c.id)))

    def add_repair(self, repair: Repair) -> None:
        """Store what was done about a fault.

        Raises:
            Failure: there is no such incident.
        """
        row = {name: _plain(getattr(repair, name)) for name in ("entity", "runbook", "step")}
        row |= {name: _plain(getattr(repair, name)) for name in ("incident", "note")}
        row |= {"at": repair.at, "outcome": repair.outcome, "made_at": self._clock()}
        known = sa.select(sa.func.count()).where(INCIDENTS.c.id == repair.incident)
        with self._writing() as connection:
            if repair.incident is not None:
                _refuse_unknown(repair.incident, connection.execute(known).scalar_one())
            connection.execute(sa.insert(REPAIRS).values(row))

    def repairs(self, entity: str | None = None) -> tuple[Repair, ...]:
        """Return what was done about faults of one entity, or of all, oldest first.

        After a repair, what an entity had shown before foretells nothing any more.
        """
        names = ("entity", "at", "outcome", "runbook", "step", "incident", "note")
        done = sa.select(*(REPAIRS.c[name] for name in names))
        done = done if entity is None else done.filter_by(entity=_plain(entity))
        with self._reading() as connection:
            rows = connection.execute(done.order_by(REPAIRS.c.at, REPAIRS.c.id))
            return tuple(Repair(*row) for row in rows)

    def tried(self) -> tuple[Tried, ...]:
        """Return how often each runbook, and each of its steps, worked here."""
        worked = sa.func.sum(sa.case((REPAIRS.c.outcome == "worked", 1), else_=0))
        counted = (
            sa.select(REPAIRS.c.runbook, REPAIRS.c.step, worked, sa.func.count())
            .where(REPAIRS.c.outcome != "unclear", REPAIRS.c.runbook != "")
            .group_by(REPAIRS.c.runbook, REPAIRS.c.step)
            .order_by(REPAIRS.c.runbook, REPAIRS.c.step)
        )
        with self._reading() as connection:
            return tuple(Tried(*row) for row in connection.execute(counted))

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with database.told(self._engine.url), database.writing(self._engine).begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with database.told(self._engine.url), self._engine.connect() as connection:
            yield connection


@contextmanager
def opened(section: StoreSection) -> Iterator[Store]:
    """Open the state database that the settings name, for as long as the block runs."""
    password = section.password
    store = Store.open(section.url, password.get_secret_value() if password else None)
    try:
        yield store
    finally:
        store.close()


def insert_predictions(connection: sa.Connection, predictions: Sequence[Prediction]) -> None:
    """Insert expected failures; of one entity, failure and moment the first one stays."""
    rows = [
        {
            "entity": _plain(prediction.entity),
            "failure": _plain(prediction.failure),
            "made_at": prediction.made_at,
            "format": FORMAT,
            "document": _PREDICTION.dump_json(prediction, ensure_ascii=True).decode(),
        }
        for prediction in predictions
    ]
    if rows:
        insert = _INSERT[connection.dialect.name](PREDICTIONS)
        connection.execute(insert.on_conflict_do_nothing(), rows)


def _incident(row: sa.Row[Any]) -> Incident:
    symptom = None if row.entity is None else Node(row.entity, row.signal)
    return Incident(
        row.id,
        row.source,
        row.fingerprint,
        row.alert_time,
        row.as_of,
        symptom,
        row.created_at,
        row.status,
    )


def _diagnosis(row: sa.Row[Any]) -> Diagnosis:
    """Return what a row's document says, and refuse one that this version cannot read."""
    try:
        if row.format == FORMAT:
            return _DIAGNOSIS.validate_json(row.document)
    except ValidationError as error:
        raise Failure(f"stored answer {row.id} is damaged", "explain the incident again") from error
    raise Failure(
        f"stored answer {row.id} has format {row.format}, and this version reads {FORMAT}",
        "explain the incident again",
    )


def _refuse_unknown(incident: str, found: int) -> None:
    if not found:
        raise Failure(f"no incident {incident}", "'aitia incidents list' shows which there are")


def _plain(text: Text) -> Text:
    """Return ``text`` without the one character that PostgreSQL cannot store."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if text else text
