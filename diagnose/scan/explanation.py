"""A host in trouble -> why: the graph, drawn for the few hosts that screening calls anomalous.

The same pipeline as for an alert, without the leniency that somebody's alert buys. Its graph also
says what drives the failures that are expected; those that one signal drives become one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from diagnose.advise import advise_on_prediction
from diagnose.compose import limits
from diagnose.config import Settings
from diagnose.incident.bundle import GRACE
from diagnose.incident.window import make_window
from diagnose.pipeline import Roles, explain
from diagnose.scan.aside import Explain
from diagnose.scan.shards import Expected, Finding
from diagnose.scan.source import Source
from diagnose.schema import Diagnosis, Failure, Prediction
from diagnose.store import Store, opened
from diagnose.topology import read_topology
from diagnose.upstream import one_a_cause
from models.detector import RobustDetector

CALM: Final = "With its neighbours and logs in view, no incident was found."


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains hosts, and stores what it says.

    Attributes:
        settings: Of this site.
        source: Who is asked what hosts showed.
        roles: Who detects, ranks, proposes and judges; the detector is replaced by a stricter one.
        store: Where incidents and diagnoses go.
        alpha: Chance that a calm host is called anomalous.
    """

    settings: Settings
    source: Source
    roles: Roles
    store: Store
    alpha: float

    def explained(self, finding: Finding, lasting: str | None) -> Finding:
        """Return ``finding`` with causes, guidance and what drives each expected failure.

        Args:
            finding: Of a host that screening calls anomalous.
            lasting: The incident that an earlier scan has opened; None to open one.
        """
        try:
            diagnosis = self._diagnosis(finding)
        except Failure as failure:
            return replace(finding, missing=(*finding.missing, f"It was not explained: {failure}."))
        foreseen = one_a_cause((one.prediction for one in finding.expected), diagnosis.graph)
        expected = tuple(advised(one, self.settings.guidance.runbooks) for one in foreseen)
        finding = replace(finding, expected=expected, missing=diagnosis.missing)
        if not diagnosis.root_causes:
            return replace(finding, missing=(*diagnosis.missing, CALM))
        diagnosis = self._stored(diagnosis, finding, lasting)
        return replace(
            finding,
            incident=diagnosis.incident,
            causes=diagnosis.root_causes,
            guidance=diagnosis.guidance,
            calibration=diagnosis.calibration,
        )

    def _diagnosis(self, finding: Finding) -> Diagnosis:
        """Return why ``finding`` is so, of its host and those around it."""
        if finding.symptom is None:
            raise ValueError(f"{finding.host} is not in trouble")
        site = read_topology(self.settings.explain.topology)
        noticed = finding.moment - GRACE  # so that the recent part ends at the scan's moment
        entity = finding.symptom.entity
        bundle = self.source.incident(entity, noticed, self.settings, finding.moment)
        window = make_window(bundle, limits(self.settings), site)
        roles = replace(self.roles, detector=RobustDetector(self.alpha))
        return explain(bundle.id, window, roles)

    def _stored(self, diagnosis: Diagnosis, finding: Finding, lasting: str | None) -> Diagnosis:
        """Return ``diagnosis`` under the id of its incident; it is stored once a moment."""
        times = (finding.since or finding.moment, finding.moment)
        incident = lasting or self.store.incident_for(
            "scan", f"{finding.host}\0{finding.moment.isoformat()}", *times, finding.symptom
        )
        guidance = tuple(replace(one, subject=incident) for one in diagnosis.guidance)
        diagnosis = replace(diagnosis, incident=incident, guidance=guidance)
        known = self.store.diagnosis(incident)
        if known is None or known.as_of != diagnosis.as_of:
            self.store.save(diagnosis)
        return diagnosis


@contextmanager
def explaining(
    settings: Settings, source: Source, roles: Callable[[], Roles], alpha: float
) -> Iterator[Explain]:
    """Yield who explains hosts, for as long as the block runs.

    Args:
        settings: Of this site.
        source: Who is asked what hosts showed.
        roles: Makes those who detect, rank, propose and judge.
        alpha: Chance that a calm host is called anomalous.

    Raises:
        Failure: a model or the state database cannot be had.
    """
    with opened(settings.store) as store:
        yield Explainer(settings, source, roles(), store, alpha).explained


def advised(prediction: Prediction, runbooks: Path | None) -> Expected:
    """Return a prediction with what to do about it.

    Args:
        prediction: What is foreseen.
        runbooks: Folder of the site's own.
    """
    return Expected(prediction, advise_on_prediction(prediction, runbooks))
