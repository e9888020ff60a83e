"""The causal graph as a picture: the path first, then what else matters to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from diagnose.page.layout import Box, Layout, Point, Sizes, layered
from diagnose.page.routes import curve, spots
from diagnose.page.text import folded, shortened, visible
from diagnose.schema import Diagnosis, Edge, Node, RootCause
from diagnose.wording import chance, duration

Role = Literal["cause", "start", "symptom", "abnormal", "normal"]
Line = Literal["supported", "refuted", "untestable", "untested"]
Step = tuple[Node, Node]

NODES: Final = 12  # that are drawn
EDGES: Final = 18
FAR: Final = 5  # edges that are drawn at least, though they touch neither path nor symptom
DISTANT: Final = 10
RIVALS: Final = 5  # causes whose paths are drawn
WIDE: Final = Sizes(width=186, height=62, across=112, between=20, lane=14)
NARROW: Final = Sizes(width=164, height=62, across=64, between=20, lane=14)
FULL: Final = 1090.0  # width of the page, above which boxes are drawn narrow
ROLE_HEIGHT: Final = 16.0  # of the word above a box
PADDING: Final = 22.0  # of a box
ENTITY: Final = 9.4  # width of a letter of a box's first line
SIGNAL: Final = 6.63  # the same of its others
WORDS: Final = {
    "supported": "supported",
    "refuted": "refuted",
    "untestable": "untestable",
    "untested": "no test possible",
}
ROLES: Final = {
    "cause": "likeliest cause",
    "start": "on the likeliest cause",
    "symptom": "symptom",
    "abnormal": "",
    "normal": "",
}
GUESSED: Final = ("model", "none")  # a direction that nothing measured tells


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """A box: its place, its role, a line for the entity and lines for the signal."""

    box: Box
    role: Role
    word: str
    entity: str
    signal: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """A curve from a cause to an effect.

    Attributes:
        curve: An SVG path.
        line: How it is drawn.
        on_path: Whether the answer rests on it.
        guessed: Whether its direction rests on nothing measured.
        label: A few words; "" where no place is free.
        at: Where they stand.
        name: All of it, for who hovers or cannot see.
    """

    curve: str
    line: Line
    on_path: bool
    guessed: bool
    label: str
    at: Point
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawn part of a graph, and how much of it was left out."""

    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    width: float
    height: float
    edges_left_out: int


def line_of(edge: Edge) -> Line:
    """Return how ``edge`` is drawn: what was never tested is not what a test left open."""
    return "untested" if edge.p_value is None else edge.verdict


def picture(diagnosis: Diagnosis) -> Picture | None:
    """Return the drawing of what matters of the diagnosis' graph; None where it has no edges."""
    edges = _chosen(diagnosis)
    if not edges:
        return None
    nodes = list(dict.fromkeys(node for edge in edges for node in (edge.cause, edge.effect)))
    place = {node: i for i, node in enumerate(nodes)}
    pairs = [(place[edge.cause], place[edge.effect]) for edge in edges]
    layout = layered(len(nodes), pairs, WIDE)
    if layout.width > FULL:
        layout = layered(len(nodes), pairs, NARROW)
    steps = _path(diagnosis.root_causes[:1])
    drawn = tuple(_node(n, layout.boxes[i], diagnosis) for i, n in enumerate(nodes))
    return Picture(
        drawn,
        _drawn(edges, layout, set(steps), [_above(node.box) for node in drawn if node.word]),
        layout.width,
        layout.height,
        len(diagnosis.graph.edges) - len(edges),
    )


def _path(causes: Iterable[RootCause]) -> list[Step]:
    return [step for cause in causes for step in pairwise(cause.path)]


def _chosen(diagnosis: Diagnosis) -> list[Edge]:
    """Return the edges to draw, the path's first, so that they find the best places."""
    path = _path(diagnosis.root_causes[:1])
    rivals = set(_path(diagnosis.root_causes[1:RIVALS]))
    central = {node for step in path for node in step} | {diagnosis.symptom}
    order = {"supported": 2, "refuted": 3, "untestable": 4, "untested": 5}

    def weight(edge: Edge) -> int:
        step = (edge.cause, edge.effect)
        if step in path:
            return 0
        far = DISTANT * (edge.cause not in central and edge.effect not in central)
        return 1 if step in rivals else order[line_of(edge)] + far

    chosen: list[Edge] = []
    nodes: set[Node] = set()
    for edge in sorted(diagnosis.graph.edges, key=weight):
        ends = {edge.cause, edge.effect}
        most = FAR if weight(edge) >= DISTANT else EDGES
        if len(chosen) < most and len(nodes | ends) <= NODES:
            chosen.append(edge)
            nodes |= ends
    return chosen


def _node(node: Node, box: Box, diagnosis: Diagnosis) -> DrawnNode:
    first = diagnosis.root_causes[0] if diagnosis.root_causes else None
    start = first.path[0] if first and first.path else None
    role: Role = "normal"
    if node in {anomaly.node for anomaly in diagnosis.anomalies}:
        role = "abnormal"
    if node == diagnosis.symptom:
        role = "symptom"
    if first and node == first.node:
        role = "cause"
    elif node == start and node != diagnosis.symptom:
        role = "start"
    entity, signal = visible(node.entity), visible(node.signal)
    room = box.width - PADDING
    return DrawnNode(
        box,
        role,
        ROLES[role],
        shortened(entity, int(room / ENTITY)),
        folded(signal, int(room / SIGNAL), 2),
        f"{entity} · {signal}",
    )


def _above(box: Box) -> Box:
    """Return where the word for a node's role stands."""
    return Box(box.x, box.y - ROLE_HEIGHT, box.width, ROLE_HEIGHT)


def _drawn(
    edges: Sequence[Edge], layout: Layout, path: set[Step], kept_free: Sequence[Box]
) -> tuple[DrawnEdge, ...]:
    labels = [_label(edge) for edge in edges]
    places = spots(labels, layout, kept_free)
    drawn = []
    for edge, route, label, at in zip(edges, layout.routes, labels, places, strict=True):
        drawn.append(
            DrawnEdge(
                curve(route),
                line_of(edge),
                (edge.cause, edge.effect) in path,
                edge.direction_from in GUESSED,
                label if at else "",
                at or route[0],
                _sentence(edge),
            )
        )
    return tuple(drawn)


def _label(edge: Edge) -> str:
    lag = f" · {duration(edge.lag_seconds)}" if edge.lag_seconds else ""
    return f"{edge.direction_from}{lag}" if edge.direction_from != "none" else f"?{lag}"


def _sentence(edge: Edge) -> str:
    test = f" ({chance(edge.p_value)})" if edge.p_value is not None else ""
    lag = f", after {duration(edge.lag_seconds)}" if edge.lag_seconds else ""
    cause, effect = visible(str(edge.cause)), visible(str(edge.effect))
    return (
        f"{cause} → {effect}: {WORDS[line_of(edge)]}{test}{lag}, "
        f"direction from {edge.direction_from}, proposed by {edge.origin}"
    )
