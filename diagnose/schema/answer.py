"""What people are told: a diagnosis or a prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal

from diagnose.schema.brief import Brief
from diagnose.schema.checks import at_least_zero, share
from diagnose.schema.claim import (
    Anomaly,
    Association,
    CausalGraph,
    Counterfactual,
    Intervention,
    RootCause,
)
from diagnose.schema.guidance import Guidance
from diagnose.schema.telemetry import Node

Calibration = Literal["calibrated", "uncalibrated"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A part of the diagnosis in plain words, made by code from facts."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why one incident happened; no root cause means that it abstains.

    Attributes:
        incident: Identifier of the incident.
        symptom: What is explained; None where nothing is anomalous.
        root_causes: The answer, most probable first; empty where it abstains.
        other_probability: That the fault is in none of ``root_causes``. All probabilities are of
            what is watched: nothing that was seen tells how likely a cause is that nobody watches.
        calibration: Whether the probabilities were fitted on enough labelled incidents; what is
            "uncalibrated" pages nobody.
        ranking_without_graph: The same without any causal claim, always shown beside it.
        ranking_without_model: The same with the language model's weight set to 0.
        graph: The edges with their verdicts.
        anomalies: What left its normal range, worst first.
        associations: Rung one, for the first causes.
        interventions: Rung two, for the first causes.
        counterfactuals: Rung three, for the first causes.
        guidance: What to do, best first; empty where no runbook fits.
        story: The diagnosis in plain words.
        brief: The same in a language model's words, as far as they survived; None where none was
            asked for.
        missing: What was not seen, so that nobody takes silence for health.
        silenced: Who has silenced the alert and until when, a sentence; "" where nobody has.
        alert_time: When somebody noticed.
        as_of: The moment of asking.
        duration_seconds: How long each stage took.
    """

    incident: str
    symptom: Node | None = None
    root_causes: tuple[RootCause, ...] = ()
    other_probability: float = 1.0
    calibration: Calibration = "uncalibrated"
    ranking_without_graph: tuple[RootCause, ...] = ()
    ranking_without_model: tuple[RootCause, ...] = ()
    graph: CausalGraph = field(default_factory=CausalGraph)
    anomalies: tuple[Anomaly, ...] = ()
    associations: tuple[Association, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    guidance: tuple[Guidance, ...] = ()
    story: tuple[Paragraph, ...] = ()
    brief: Brief | None = None
    missing: tuple[str, ...] = ()
    silenced: str = ""
    alert_time: datetime | None = None
    as_of: datetime | None = None
    duration_seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a ranking that is not one."""
        rankings = (self.root_causes, self.ranking_without_graph, self.ranking_without_model)
        for ranking in rankings:
            if any(a.probability < b.probability for a, b in pairwise(ranking)):
                raise ValueError("root causes come most probable first")
        _sums_to_one(self.root_causes, self.other_probability)
        for stage, seconds in self.duration_seconds.items():
            at_least_zero(stage, seconds)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A failure that is expected.

    Attributes:
        entity: What will fail.
        failure: How, e.g. ``disk-failure``.
        probability: Of the failure within the lead time.
        lead_time_seconds: From ``made_at`` to the failure.
        made_at: When it was predicted.
        evidence: The signals it rests on, weightiest first.
        calibration: Whether the probability was fitted on labelled failures of such entities; what
            is "uncalibrated" pages nobody.
        lead_time_interval: Shortest and longest lead time that fit what was seen, in seconds; None
            where nothing tells.
        since: When the evidence began; None where it is not known.
        source: What predicted it, e.g. ``trend``.
        upstream: From the signal that drives it to one of its evidence, both included; empty where
            no causal graph was asked or it names none.
        card: What ``source`` is, in a sentence: what it was fitted on and how well it foretold what
            it had not seen, or what it assumes; "" where nobody wrote one.
    """

    entity: str
    failure: str
    probability: float
    lead_time_seconds: float
    made_at: datetime
    evidence: tuple[Node, ...] = ()
    calibration: Calibration = "calibrated"
    lead_time_interval: tuple[float, float] | None = None
    since: datetime | None = None
    source: str = ""
    upstream: tuple[Node, ...] = ()
    card: str = ""

    def __post_init__(self) -> None:
        """Refuse a probability or a lead time that is none."""
        share("probability", self.probability)
        at_least_zero("lead_time_seconds", self.lead_time_seconds)
        if self.lead_time_interval:
            shortest, longest = self.lead_time_interval
            at_least_zero("lead_time_interval", shortest)
            at_least_zero("lead_time_interval", longest)
            if shortest > longest:
                raise ValueError(f"a lead time of {shortest} to {longest} s is no interval")


def _sums_to_one(causes: Sequence[RootCause], other: float) -> None:
    """Raise ValueError unless the candidates and ``other`` share out one probability."""
    share("other_probability", other)
    total = other + sum(cause.probability for cause in causes)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"candidates and other_probability sum to 1, not to {total}")
