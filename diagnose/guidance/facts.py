"""What a runbook's conditions are held against: what moved where, told without a sender's words.

A fact is a signal's kind, direction and place, and the verdict of its edges. Texts of log lines are
no part of it; of a metric's name its words are kept, which a condition may ask for and which are
shown to nobody. Two incidents whose signals are of the same kinds get the same guidance.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from diagnose.schema import (
    CausalGraph,
    Diagnosis,
    Intervention,
    Kind,
    Node,
    Prediction,
    Verdict,
    Window,
)
from models.kinds import (
    kind_of_absence,
    kind_of_change,
    kind_of_metric,
    kind_of_template,
    without_given_names,
)

Direction = Literal["up", "down"]

ACCUSED: Final = 5  # entities for which a runbook is looked for
LEAST_BELIEF: Final = 0.01  # that an entity holds the fault, below which nothing is proposed for it
LEAST_OWN: Final = (
    0.1  # that a signal is the cause, from which it is a fact however little it moved
)
OUTSIDE: Final = 0.15  # share of the recent instants beyond all that the baseline showed
INSTANTS: Final = 3  # of them at least
ROOM: Final = 0.1  # of the baseline's range, beyond which a value is outside of it
LEVEL: Final = 0.02  # of the baseline's largest value, the same for what hardly ever moves
# Kinds that say how much is used, and the words of metrics that say how much is left.
USED: Final = frozenset(
    {"disk wear", "file system inodes used", "file system space used", "swap used"}
)
LEFT: Final = re.compile(r" (?:avail|available|free|left|remaining|spare|wearout indicator) ")
VERDICTS: Final[Mapping[Verdict, int]] = {"supported": 2, "untestable": 1, "refuted": 0}


@dataclass(frozen=True, slots=True)
class Fact:
    """A signal that moved.

    Attributes:
        node: Whose, and which.
        kind: What it is.
        direction: Where what the kind names moved: space used rises as what is free falls. None
            where only that it moved is known.
        words: The words of a metric's name in lower case, a blank on either side of each.
        verdict: The best that any edge got by which it acts on another signal; None without one.
    """

    node: Node
    kind: Kind
    direction: Direction | None = None
    words: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that guidance rests on.

    Attributes:
        subject: The incident, or the entity that will fail.
        accused: Entities and the belief that they hold the fault, likeliest first.
        symptom: What is complained about.
        signals: What moved.
        calibrated: Whether the beliefs were fitted on labelled incidents.
        interventions: What the data say about bringing a cause back to normal.
        vendor: What an entity's hardware says to do, as its sender wrote it; of the entity "" what
            the alert says.
    """

    subject: str
    accused: tuple[tuple[str, float], ...]
    symptom: Node | None = None
    signals: tuple[Fact, ...] = ()
    calibrated: bool = False
    interventions: tuple[Intervention, ...] = ()
    vendor: tuple[tuple[str, str], ...] = ()


def facts_of(diagnosis: Diagnosis, window: Window | None = None) -> Facts:
    """Return what a diagnosis rests on, as far as runbooks ask for it.

    Args:
        diagnosis: With its causes.
        window: What was seen; a signal that moved too briefly for a detector still tells which
            repair fits. None where only the diagnosis was kept.
    """
    moved: dict[Node, Direction | None] = {}
    kinds: dict[Node, Kind] = {}
    if window:
        kinds = {signal.node: signal.kind for signal in window.signals}
        # A candidate that stayed where it was tells nothing, unless it is the answer.
        accused = [c.node for c in diagnosis.root_causes if c.probability >= LEAST_OWN]
        moved |= dict(_leaning(window, accused))
        moved |= dict(_moved(window))
    else:
        moved |= {cause.node: None for cause in diagnosis.root_causes}
    for anomaly in diagnosis.anomalies:
        moved[anomaly.node] = "up" if anomaly.observed > anomaly.normal else "down"
    return Facts(
        diagnosis.incident,
        _accused((cause.entity, cause.probability) for cause in diagnosis.root_causes),
        diagnosis.symptom,
        _facts(moved, kinds, diagnosis.graph),
        diagnosis.calibration == "calibrated",
        diagnosis.interventions,
        window.advice if window else (),
    )


def facts_of_prediction(prediction: Prediction) -> Facts:
    """Return what a prediction rests on; its evidence has no direction."""
    moved = dict.fromkeys(prediction.evidence)
    return Facts(
        prediction.entity,
        ((prediction.entity, prediction.probability),),
        signals=_facts(moved, {}, CausalGraph()),
        calibrated=prediction.calibration == "calibrated",
    )


def kind_of(node: Node) -> Kind:
    """Return what a signal is, by its name alone.

    Example:
        >>> kind_of(Node("web", "log/ERROR/dial tcp <*>: connection refused")).name
        'error log message about connection'
    """
    source, _, rest = node.signal.partition("/")
    if source == "log":
        severity, _, template = rest.partition("/")
        return kind_of_template(severity, template)
    if source == "change":
        return kind_of_change(rest)
    return kind_of_absence() if node.signal == "telemetry.absent" else kind_of_metric(node.signal)


def name_of(node: Node, kind: Kind) -> str:
    """Return what a metric counts, in the vocabulary's words: of what is left, not of what is used.

    Example:
        >>> node = Node("db-1", "node_filesystem_avail_bytes/mountpoint=/")
        >>> name_of(node, kind_of(node))
        'file system space left'
    """
    if kind.name in USED and LEFT.search(_words(node)):
        return kind.name.replace("disk wear", "disk life used").replace("used", "left")
    return kind.name


def _accused(shares: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return the entities that are believed most, each with the sum of its causes."""
    belief: dict[str, float] = {}
    for entity, probability in shares:
        belief[entity] = belief.get(entity, 0.0) + probability
    ranked = sorted(belief.items(), key=lambda item: (-item[1], item[0]))[:ACCUSED]
    return tuple((entity, min(share, 1.0)) for entity, share in ranked if share >= LEAST_BELIEF)


def _facts(
    moved: Mapping[Node, Direction | None], kinds: Mapping[Node, Kind], graph: CausalGraph
) -> tuple[Fact, ...]:
    verdicts: dict[Node, Verdict] = {}
    for edge in graph.edges:
        best = verdicts.get(edge.cause, edge.verdict)
        verdicts[edge.cause] = max(best, edge.verdict, key=lambda verdict: VERDICTS[verdict])
    return tuple(
        _fact(node, kinds.get(node) or kind_of(node), direction, verdicts.get(node))
        for node, direction in sorted(moved.items(), key=lambda item: item[0])
    )


def _fact(node: Node, kind: Kind, direction: Direction | None, verdict: Verdict | None) -> Fact:
    words = _words(node)
    if direction and kind.name in USED and LEFT.search(words):
        direction = "down" if direction == "up" else "up"
    return Fact(node, kind, direction, words, verdict)


def _words(node: Node) -> str:
    """Return the words of a metric's name; a log message or a change has none."""
    if node.signal.startswith(("log/", "change/")):
        return ""
    named = without_given_names(node.signal)
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", named).lower()
    return f" {re.sub(r'[^a-z0-9]+', ' ', apart).strip()} "


def _leaning(window: Window, nodes: Iterable[Node]) -> Iterator[tuple[Node, Direction]]:
    """Yield those of ``nodes`` whose mean differs from that of the baseline."""
    for name, node in {str(node): node for node in nodes}.items():
        if name not in window.recent.columns:
            continue
        now, normal = window.recent[name].mean(), window.baseline[name].mean()
        if isinstance(now, float) and isinstance(normal, float) and now != normal:
            yield node, "up" if now > normal else "down"


def _moved(window: Window) -> Iterator[tuple[Node, Direction]]:
    """Yield the signals that left, for a while, all that the baseline showed."""
    if not window.baseline.height or not window.recent.height:
        return
    known = window.baseline.drop("time").to_numpy(), window.recent.drop("time").to_numpy()
    normal, now = (np.asarray(part, dtype=np.float64) for part in known)
    seen = np.isfinite(normal).any(axis=0)
    low = np.fmin.reduce(normal, axis=0)
    high = np.fmax.reduce(normal, axis=0)
    room = np.maximum(ROOM * (high - low), LEVEL * np.maximum(abs(low), abs(high)))
    sources = np.array([signal.source for signal in window.signals])
    change = sources == "change"  # one that came before did not make the next one normal
    above = (now > np.where(change, 0, high + room)).sum(axis=0)
    below = (now < low - room).sum(axis=0)
    new = change | ((sources == "template") & (high <= 0))  # it tells by occurring once
    needed = np.maximum(INSTANTS, OUTSIDE * np.isfinite(now).sum(axis=0))
    needed = np.where(new, 1, needed)
    for i in np.flatnonzero(seen & (np.maximum(above, below) >= needed)):
        yield window.signals[i].node, "up" if above[i] >= below[i] else "down"
