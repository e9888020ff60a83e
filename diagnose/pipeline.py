"""The whole flow on one screen: window, detect, rank, propose, falsify, attribute, advise, tell.

Who claims (detector, ranker, proposer) and who judges (falsify, attribute, the three rungs) are
separate roles; each is one method or function, so that a test passes a few lines of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

from diagnose.schema import (
    Anomaly,
    Association,
    Calibration,
    CausalGraph,
    Counterfactual,
    Diagnosis,
    Intervention,
    Node,
    Paragraph,
    RootCause,
    Window,
)

Anomalies = tuple[Anomaly, ...]
Ranking = tuple[RootCause, ...]


class Detector(Protocol):
    def detect(self, window: Window, symptom: Node | None) -> Anomalies:
        """Return what left its normal range, worst first; nothing on a healthy window."""


class Ranker(Protocol):
    def rank(self, window: Window, symptom: Node | None) -> Ranking:
        """Return the candidates, most probable first, without any causal claim."""


class Proposer(Protocol):
    def propose(self, window: Window, anomalies: Anomalies, symptom: Node) -> CausalGraph:
        """Return edges that might hold, each untested and with its origin."""


class Calibrator(Protocol):
    @property
    def enough(self) -> bool:
        """Whether it was fitted on enough incidents to be taken literally."""

    def calibrated(self, ranking: Ranking) -> Ranking:
        """Return the ranking with its probabilities as they come true, in the same order."""


# The judges keep nothing between two incidents, so each is a function.
Falsify = Callable[[CausalGraph, Window], CausalGraph]
Attribute = Callable[[CausalGraph, Window, Anomalies, Ranking, Node], Ranking]
Associate = Callable[[Window, Anomalies, Ranking, Node], tuple[Association, ...]]
Intervene = Callable[[CausalGraph, Window, Ranking, Node], tuple[Intervention, ...]]
Imagine = Callable[[CausalGraph, Window, Ranking, Node], tuple[Counterfactual, ...]]
Advise = Callable[[Diagnosis, Window], Diagnosis]
Tell = Callable[[Diagnosis, Window], tuple[Paragraph, ...]]
Write = Callable[[Diagnosis, Window], Diagnosis]


@dataclass(frozen=True, slots=True)
class Roles:
    """Who does what in ``explain``.

    Attributes:
        plain_proposer: The proposer with the model's weight at 0; None where there is no model.
        calibration: How the probabilities of a ranking are read.
        write: Adds a brief in a language model's words; None where nobody writes.
    """

    detector: Detector
    ranker: Ranker
    proposer: Proposer
    plain_proposer: Proposer | None
    falsify: Falsify
    attribute: Attribute
    associate: Associate
    intervene: Intervene
    imagine: Imagine
    advise: Advise
    tell: Tell
    calibration: Calibrator
    write: Write | None = None


def explain(incident: str, window: Window, roles: Roles, symptom: Node | None = None) -> Diagnosis:
    """Return why ``symptom`` (else the most surprising anomaly) occurred.

    It abstains, with no root cause, where nothing is anomalous. The graph's trust is a weight: at
    trust 0 the ranking is the one without graph, unless demand surged from outside.
    """
    seconds: dict[str, float] = {}
    with _timed("detect", seconds):
        anomalies = roles.detector.detect(window, symptom)
    with _timed("rank", seconds):
        ranking = roles.ranker.rank(window, symptom)
    diagnosis = Diagnosis(
        incident,
        calibration=_calibration(window, roles.calibration),
        alert_time=window.alert_time,
        as_of=window.as_of,
        anomalies=anomalies,
        ranking_without_graph=roles.calibration.calibrated(ranking),
        missing=window.missing,
        duration_seconds=seconds,
    )
    if anomalies:
        symptom = symptom if symptom in window.index() else None
        asked = symptom or anomalies[0].node
        diagnosis = _explained(diagnosis, ranking, window, roles, asked, seconds)
        with _timed("advise", seconds):
            diagnosis = roles.advise(diagnosis, window)
        if roles.write:
            with _timed("write", seconds):
                diagnosis = roles.write(diagnosis, window)
    return replace(diagnosis, story=roles.tell(diagnosis, window))


def _explained(
    diagnosis: Diagnosis,
    ranking: Ranking,
    window: Window,
    roles: Roles,
    symptom: Node,
    seconds: dict[str, float],
) -> Diagnosis:
    """Return ``diagnosis`` with a judged graph, its causes and the three rungs."""
    anomalies = diagnosis.anomalies

    def proposed(proposer: Proposer) -> CausalGraph:
        with _timed("propose", seconds):
            return proposer.propose(window, anomalies, symptom)

    def judged(graph: CausalGraph) -> tuple[CausalGraph, Ranking]:
        with _timed("falsify", seconds):
            graph = roles.falsify(graph, window)
        with _timed("attribute", seconds):
            causes = roles.attribute(graph, window, anomalies, ranking, symptom)
            return graph, roles.calibration.calibrated(causes)

    claim = proposed(roles.proposer)
    graph, causes = judged(claim)
    without = proposed(roles.plain_proposer) if roles.plain_proposer else claim
    plain = causes if without.edges == claim.edges else judged(without)[1]
    with _timed("rungs", seconds):
        return replace(
            diagnosis,
            symptom=symptom,
            root_causes=causes,
            other_probability=max(0.0, 1.0 - sum(cause.probability for cause in causes)),
            ranking_without_model=plain,
            graph=graph,
            associations=roles.associate(window, anomalies, causes, symptom),
            interventions=roles.intervene(graph, window, causes, symptom),
            counterfactuals=roles.imagine(graph, window, causes, symptom),
        )


def _calibration(window: Window, calibration: Calibrator) -> Calibration:
    """Return how probabilities are to be read; they were fitted on where among entities a fault is.

    With a single entity they share it among its signals, which nobody has labelled causes of; a
    host and its only part are one.
    """
    entities = {signal.node.entity for signal in window.signals}
    wholes = {name.rpartition("/")[0] for name in entities}
    several = len(entities - wholes) > 1
    return "calibrated" if calibration.enough and several else "uncalibrated"


@contextmanager
def _timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    """Add to ``stage`` how long the block took."""
    begin = perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - begin
