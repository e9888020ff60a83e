"""What is claimed and how the claim fared: anomalies, the causal graph, causes, three rungs."""

from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Literal

from diagnose.schema.checks import at_least_zero, finite, share
from diagnose.schema.telemetry import Node

Origin = Literal["model", "data", "topology", "rule", "operator"]
DirectionFrom = Literal["topology", "tier", "lag", "intervention", "model", "operator", "none"]
Verdict = Literal["supported", "refuted", "untestable"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A signal that left its normal range: a symptom, not yet a cause.

    Attributes:
        node: Which signal.
        onset: First instant outside the normal range.
        score: Sustained deviation in robust standard deviations; 0 or more.
        surprise: -log10 of the chance that this signal's own normal life shows as much; 0 or more.
        normal: Median of the baseline, in the signal's unit.
        observed: The most deviating value since the onset, in the signal's unit.
    """

    node: Node
    onset: datetime
    score: float
    surprise: float = 0.0
    normal: float = 0.0
    observed: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that JSON cannot carry."""
        at_least_zero("score", self.score)
        at_least_zero("surprise", self.surprise)
        finite("normal", self.normal)
        finite("observed", self.observed)


@dataclass(frozen=True, slots=True)
class Edge:
    """A claim that ``cause`` acts on ``effect``, who makes it, and what came of testing it.

    Attributes:
        cause: What acts.
        effect: What it acts on.
        origin: Who claims it.
        direction_from: What the direction rests on, since an independence test cannot tell it;
            "none" where nothing tells it and the edge might as well be turned round.
        verdict: What the test said; "untestable" is a normal answer.
        p_value: Of the test, None where none could be made.
        effective_n: Independent observations behind the test, fewer than instants where a signal
            remembers its past; None where no test could be made.
        lag_seconds: How much later the effect follows; None where it is not known.
        strength: Partial correlation in -1..1; None where no test could be made.
    """

    cause: Node
    effect: Node
    origin: Origin
    direction_from: DirectionFrom
    verdict: Verdict = "untestable"
    p_value: float | None = None
    effective_n: float | None = None
    lag_seconds: float | None = None
    strength: float | None = None

    def __post_init__(self) -> None:
        """Refuse a verdict without its evidence."""
        if self.verdict != "untestable" and None in (self.p_value, self.effective_n):
            raise ValueError("a supported or refuted edge has a p_value and an effective_n")
        share("p_value", self.p_value)
        at_least_zero("effective_n", self.effective_n)
        at_least_zero("lag_seconds", self.lag_seconds)
        if self.strength is not None and not -1 <= self.strength <= 1:
            raise ValueError(f"strength lies in -1..1, and {self.strength} does not")


@dataclass(frozen=True, slots=True)
class CausalGraph:
    """The edges of one incident, without a cycle, and a verdict on them all.

    Attributes:
        nodes: The signals that were considered, with or without an edge.
        edges: The claims.
        verdict: Whether the graph explains the baseline better than its own permutations do.
        trust: The weight it has in the ranking: 0 leaves the ranking without graph, 1 the graph's.
        violation_share: Share of the graph's implied independences that the data deny; None where
            it implies none that could be tested.
        null_violation_share: The same for the median permutation of the nodes' labels.
        p_value: Share of permutations that are violated no more than this graph.
        unanswered: Pairs of kinds on which the language model was to be asked and gave no answer.
        sent: What left the site to make this graph; empty where nothing did.

    Raises:
        ValueError: the edges form a cycle (``graphlib.CycleError`` names it) or leave ``nodes``.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    verdict: Verdict = "untestable"
    trust: float = 0.0
    violation_share: float | None = None
    null_violation_share: float | None = None
    p_value: float | None = None
    unanswered: int = 0
    sent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a cycle: attribution on one has no meaning."""
        known = set(self.nodes)
        order: TopologicalSorter[Node] = TopologicalSorter()
        for edge in self.edges:
            if edge.cause not in known or edge.effect not in known:
                raise ValueError(f"{edge.cause} -> {edge.effect} leaves the graph's nodes")
            order.add(edge.effect, edge.cause)
        order.prepare()
        share("trust", self.trust)
        share("violation_share", self.violation_share)
        share("null_violation_share", self.null_violation_share)
        share("p_value", self.p_value)


@dataclass(frozen=True, slots=True)
class RootCause:
    """A candidate for the fault.

    Attributes:
        entity: Where the fault is.
        signal: Which signal shows it best.
        probability: That this candidate contains the fault.
        path: From this cause (or, where the graph does not hold it, another signal of its entity)
            to the symptom, both included; empty where no graph leads there.
        score: What the ranking rests on, larger is likelier; comparable within one ranking only.
    """

    entity: str
    signal: str
    probability: float
    path: tuple[Node, ...] = ()
    score: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a probability that is none."""
        share("probability", self.probability)
        finite("score", self.score)

    @property
    def node(self) -> Node:
        """Return the signal as a node of the graph."""
        return Node(self.entity, self.signal)


@dataclass(frozen=True, slots=True)
class Association:
    """Rung one: how a cause and the symptom moved together. It claims nothing about acting.

    Attributes:
        cause: The candidate.
        correlation: Spearman's, with the symptom on the baseline, at ``lag_seconds``; None where
            either is constant or too rarely seen.
        lag_seconds: By how much the symptom follows on the baseline.
        lead_seconds: Onset of the symptom minus onset of the cause in the incident; None where the
            symptom has no onset. Negative where the cause moved later.
    """

    cause: Node
    correlation: float | None = None
    lag_seconds: float | None = None
    lead_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Intervention:
    """Rung two: what bringing the cause back to its normal value would do to the symptom.

    Attributes:
        cause: What would be set to its normal range.
        share: Share of the symptom's deviation that this would remove; None where refused.
        low: Lower end of the 90 % interval of ``share``.
        high: Upper end of it.
        refused: Why no estimate is given; None where one is.
    """

    cause: Node
    share: float | None = None
    low: float | None = None
    high: float | None = None
    refused: str | None = None

    def __post_init__(self) -> None:
        """Refuse a silent gap: an estimate with its interval, or a reason."""
        if (self.share is None) == (self.refused is None):
            raise ValueError("an intervention has a share or a reason to refuse one")
        for name in ("share", "low", "high"):
            value = getattr(self, name)
            if value is not None:
                finite(name, value)


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Rung three: the symptom's value in this incident, had the cause stayed normal.

    Attributes:
        cause: What would have stayed normal.
        occurred: Whether the symptom would have left its normal range all the same; None where
            refused.
        observed: What the symptom showed, in its unit.
        expected: What it would have shown, in its unit; None where refused.
        refused: Why no answer is given; None where one is.
    """

    cause: Node
    occurred: bool | None = None
    observed: float | None = None
    expected: float | None = None
    refused: str | None = None

    def __post_init__(self) -> None:
        """Refuse a silent gap: an answer, or a reason."""
        if (self.occurred is None) == (self.refused is None):
            raise ValueError("a counterfactual has an answer or a reason to refuse one")
