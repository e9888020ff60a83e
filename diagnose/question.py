"""Why something happened, from the question to the stored answer: what a command and a daemon do.

The three steps are apart because between them a person is told how far it is, and because each
imports what it needs: a damaged bundle is refused before the judges are loaded.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.incident.bundle import Bundle, read_bundle
from diagnose.pipeline import Roles
from diagnose.records import Asked
from diagnose.schema import Diagnosis, Window


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained: a bundle, an alert, or a moment with its entity.

    Attributes:
        bundle: Folder of an incident.
        alert: Name or fingerprint of an alert that fires.
        at: When a symptom was noticed.
        entity: Whose symptom that was.
        as_of: The moment of asking; None for the bundle's own, else for now.
    """

    bundle: Path | None = None
    alert: str | None = None
    at: datetime | None = None
    entity: str | None = None
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a question that asks nothing, or two things.

        Raises:
            ValueError: it says what has to be given.
        """
        if (self.at is None) != (self.entity is None):
            raise ValueError("at and entity come together")
        if sum(given is not None for given in (self.bundle, self.alert, self.at)) != 1:
            raise ValueError("give one of bundle, alert, and at with entity")

    @property
    def kind(self) -> Asked:
        """Return what is asked about."""
        if self.bundle is not None:
            return "bundle"
        return "at" if self.alert is None else "alert"

    def __str__(self) -> str:
        """Return what it is about."""
        return str(self.bundle or self.alert or self.entity)


def incident_of(question: Question, settings: Settings) -> Bundle:
    """Return what is to be explained, read from wherever it is.

    Raises:
        Failure: there is no such incident, or its source cannot be read.
    """
    if question.bundle is not None:
        return read_bundle(question.bundle, question.as_of)
    as_of = question.as_of or datetime.now(UTC)
    if question.alert is not None:
        from diagnose.incident import live

        return live.incident_of(question.alert, settings, as_of)
    from diagnose.incident.kept import incident_at, opened
    from diagnose.topology import read_topology

    site = read_topology(settings.explain.topology)
    with opened(settings.telemetry) as reader:
        return incident_at(reader, str(question.entity), question.at or as_of, site, as_of)


def answer(bundle: Bundle, settings: Settings, roles: Roles) -> tuple[Diagnosis, Window]:
    """Return why ``bundle`` happened, and what that was found in."""
    from diagnose import pipeline
    from diagnose.compose import limits
    from diagnose.incident.window import make_window
    from diagnose.topology import read_topology

    site = read_topology(settings.explain.topology)
    window = make_window(bundle, limits(settings), site)
    diagnosis = pipeline.explain(bundle.id, window, roles, bundle.symptom)
    if diagnosis.guidance:
        diagnosis = _with_records(diagnosis, window, settings, roles)
    return replace(diagnosis, silenced=bundle.silenced), window


def _with_records(
    diagnosis: Diagnosis, window: Window, settings: Settings, roles: Roles
) -> Diagnosis:
    """Return ``diagnosis`` with how often its guidance worked here, told anew where it ever did."""
    from diagnose.advise import remembered
    from diagnose.store import opened

    try:
        with opened(settings.store) as store:
            tried = store.tried()
    except Failure:
        return diagnosis  # the answer is to be stored there next, and what is wrong is told then
    if not tried:
        return diagnosis
    diagnosis = remembered(diagnosis, tried)
    return replace(diagnosis, story=roles.tell(diagnosis, window))


def stored(
    diagnosis: Diagnosis, bundle: Bundle, question: Question, settings: Settings
) -> Diagnosis:
    """Return ``diagnosis`` under the id by which the state database knows its incident.

    Args:
        diagnosis: The answer.
        bundle: What was explained.
        question: How it was asked for.
        settings: Where it is stored.

    Raises:
        Failure: it cannot be stored.
    """
    from diagnose.store import opened

    fingerprint = f"{bundle.source}\0{bundle.id}\0{bundle.alert_time.isoformat()}"
    with opened(settings.store) as store:
        times = (bundle.alert_time, bundle.as_of)
        incident = store.incident_for(question.kind, fingerprint, *times, diagnosis.symptom)
        guidance = tuple(replace(one, subject=incident) for one in diagnosis.guidance)
        diagnosis = replace(diagnosis, incident=incident, guidance=guidance)
        store.save(diagnosis)
    return diagnosis
