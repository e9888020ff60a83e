"""The types that flow, in the order in which they flow.

    readings, logs, edges -> Window -> Anomaly -> CausalGraph -> Diagnosis -> Guidance
                             Window -> Prediction ------------------------> Guidance

All are frozen: a stage edits nothing that it was given, it returns something new. The same types
are the API's JSON, the store's rows and the schema that a model's answer is decoded against.

Numbers: a source may say NaN or infinity, and the tables keep what it said. From ``Window`` on,
every number is finite and "not known" is null, never NaN: JSON has no word for either. A type
refuses them when it is made. (Inside a stage, an array may use NaN for null; it leaves no stage.)
Times are UTC, durations are seconds and say so in their name, probabilities lie in 0..1.
"""

from diagnose.failure import Failure
from diagnose.schema.answer import (
    Calibration,
    Diagnosis,
    Paragraph,
    Prediction,
)
from diagnose.schema.brief import Brief, Evidence, Sentence
from diagnose.schema.claim import (
    Anomaly,
    Association,
    CausalGraph,
    Counterfactual,
    DirectionFrom,
    Edge,
    Intervention,
    Origin,
    RootCause,
    Verdict,
)
from diagnose.schema.guidance import Check, Guidance, Risk, Sign, Step, Tried, Urgency
from diagnose.schema.telemetry import (
    EDGES,
    LOGS,
    READINGS,
    TIME,
    Kind,
    Node,
    Signal,
    Source,
    Tier,
    Window,
)
from diagnose.schema.whatif import Effect, Goal, Plan, Refutation, Refuter, Setting, Way, WhatIf

__all__ = [
    "EDGES",
    "LOGS",
    "READINGS",
    "TIME",
    "Anomaly",
    "Association",
    "Brief",
    "Calibration",
    "CausalGraph",
    "Check",
    "Counterfactual",
    "Diagnosis",
    "DirectionFrom",
    "Edge",
    "Effect",
    "Evidence",
    "Failure",
    "Goal",
    "Guidance",
    "Intervention",
    "Kind",
    "Node",
    "Origin",
    "Paragraph",
    "Plan",
    "Prediction",
    "Refutation",
    "Refuter",
    "Risk",
    "RootCause",
    "Sentence",
    "Setting",
    "Sign",
    "Signal",
    "Source",
    "Step",
    "Tier",
    "Tried",
    "Urgency",
    "Verdict",
    "Way",
    "WhatIf",
    "Window",
]
