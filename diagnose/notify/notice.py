"""What people are told of, and the words and labels in which they are told."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, assert_never
from urllib.parse import urlsplit

from collectors.prometheus_labels import host_of
from diagnose.schema import Calibration, Diagnosis, Guidance, Prediction
from diagnose.wording import counted, duration, percent, printable

Kind = Literal["prediction", "diagnosis", "digest", "test"]
Route = Literal["held", "digest", "ticket", "page"]

ALERT_NAME: Final[Mapping[Kind, str]] = {
    "prediction": "AitiaFailurePredicted",
    "diagnosis": "AitiaRootCauseFound",
    "digest": "AitiaDigest",
    "test": "AitiaTest",
}
SEVERITY: Final[Mapping[Route, str]] = {
    "held": "none",
    "digest": "info",
    "ticket": "warning",
    "page": "critical",
}
INCIDENT: Final = "incident"  # the failure of which a diagnosis tells
NAMED: Final = 5  # signals of the evidence
LABEL: Final = 200  # characters
CARD: Final = 400


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people are told of.

    Attributes:
        kind: What it rests on.
        entity: Where; "" where it is about several.
        failure: What fails; of a digest its day.
        group: Of the fleet; "" where there are none.
        prediction: Of that kind, else None.
        diagnosis: Of that kind, else None.
        guidance: What to do, best first.
        lines: Of a digest, one for each thing.
        alerted: Whether an alert of the site's own told people of it already.
        addressee: Who is told, as the site's routes know it; "" for whom they choose.
    """

    kind: Kind
    entity: str = ""
    failure: str = ""
    group: str = ""
    prediction: Prediction | None = None
    diagnosis: Diagnosis | None = None
    guidance: tuple[Guidance, ...] = ()
    lines: tuple[str, ...] = ()
    alerted: bool = False
    addressee: str = ""

    @property
    def key(self) -> str:
        """Return what the same thing has in common however often it is told of."""
        incident = self.diagnosis.incident if self.diagnosis else ""
        parts = json.dumps([self.kind, self.entity, self.failure, incident])
        return hashlib.sha256(parts.encode()).hexdigest()[:32]

    @property
    def host(self) -> str:
        """Return the host that it is about."""
        return host_of(self.entity)

    @property
    def probability(self) -> float:
        """Return how probable it is that what is told is so."""
        if self.prediction:
            return self.prediction.probability
        causes = self.diagnosis.root_causes if self.diagnosis else ()
        return causes[0].probability if causes else 0.0

    @property
    def calibration(self) -> Calibration:
        """Return how the probability is to be read."""
        told = self.prediction or self.diagnosis
        return told.calibration if told else "uncalibrated"

    @property
    def lead_time_seconds(self) -> float:
        """Return how far off it is; 0 where it has happened."""
        return self.prediction.lead_time_seconds if self.prediction else 0.0

    @property
    def summary(self) -> str:
        """Return it in one line."""
        match self.kind:
            case "prediction":
                return (
                    f"{printable(self.failure)} of {printable(self.entity)} expected within "
                    f"{duration(self.lead_time_seconds)} ({_likely(self)})"
                )
            case "diagnosis":
                place = f" at {printable(self.entity)}" if self.entity else ""
                return f"Root cause of the incident{place}: {_cause(self)} ({_likely(self)})"
            case "digest":
                return f"{counted(len(self.lines), 'failure')} to watch"
            case "test":
                return "Test message from aitia: nothing is wrong"
        assert_never(self.kind)


def of_prediction(
    prediction: Prediction, guidance: tuple[Guidance, ...], group: str, addressee: str = ""
) -> Notice:
    """Return how people are told of a failure that is expected."""
    return Notice(
        "prediction",
        prediction.entity,
        prediction.failure,
        group,
        prediction,
        None,
        guidance,
        addressee=addressee,
    )


def of_diagnosis(diagnosis: Diagnosis, group: str, alerted: bool, addressee: str = "") -> Notice:
    """Return how people are told why an incident happened."""
    return Notice(
        "diagnosis",
        diagnosis.symptom.entity if diagnosis.symptom else "",
        INCIDENT,
        group,
        None,
        diagnosis,
        diagnosis.guidance,
        alerted=alerted,
        addressee=addressee,
    )


def labels(notice: Notice, route: Route) -> Mapping[str, str]:
    """Return the labels by which Alertmanager, its silences and its routes know a notice.

    None of them changes while the notice is told of: a changed label is another alert.
    """
    told = {
        "alertname": ALERT_NAME[notice.kind],
        "instance": notice.host,
        "entity": notice.entity,
        "failure": notice.failure if notice.kind != "digest" else "",
        "group": notice.group,
        "incident": notice.diagnosis.incident if notice.diagnosis else "",
        "route": notice.addressee,
        "severity": SEVERITY[route] if notice.kind in ("prediction", "diagnosis") else "info",
        "source": "aitia",
    }
    shown = {name: printable(text, LABEL) for name, text in told.items()}
    return {name: text for name, text in shown.items() if text}


def annotations(notice: Notice) -> Mapping[str, str]:
    """Return what people read beside the labels, by short names."""
    return {"summary": notice.summary} | {name: text for name, text in _told(notice) if text}


def _told(notice: Notice) -> Iterator[tuple[str, str]]:
    if notice.prediction or notice.diagnosis:
        yield "probability", f"{notice.probability:.3g}"
        yield "calibration", notice.calibration
    if notice.prediction:
        yield from _expected(notice.prediction)
    if notice.diagnosis:
        yield "evidence", _cause(notice)
        yield "command", f"aitia incidents show {notice.diagnosis.incident}"
    if notice.guidance:
        first = notice.guidance[0]
        yield "action", printable(first.action)
        yield "step", printable(first.steps[0].action) if first.steps else ""
        yield "runbook", printable(first.runbook)
        links = (link for link in first.references if urlsplit(link).scheme in ("http", "https"))
        yield "runbook_url", printable(next(links, ""), LABEL)
    yield "description", "\n".join(notice.lines)


def _expected(prediction: Prediction) -> Iterator[tuple[str, str]]:
    yield "lead_time", duration(prediction.lead_time_seconds)
    if prediction.lead_time_interval:
        shortest, longest = prediction.lead_time_interval
        yield "lead_time_interval", f"{duration(shortest)} to {duration(longest)}"
    yield "evidence", ", ".join(printable(str(node)) for node in prediction.evidence[:NAMED])
    if prediction.since:
        yield "since", f"{prediction.since:%Y-%m-%d %H:%M:%S} UTC"
    if prediction.upstream:
        yield "driven_by", printable(str(prediction.upstream[0]))
    yield "predicted_by", printable(prediction.source)
    yield "model_card", printable(prediction.card, CARD)


def _cause(notice: Notice) -> str:
    causes = notice.diagnosis.root_causes if notice.diagnosis else ()
    return printable(str(causes[0].node)) if causes else "none named"


def _likely(notice: Notice) -> str:
    if notice.calibration == "calibrated":
        return percent(notice.probability)
    return f"{percent(notice.probability)}, uncalibrated"
