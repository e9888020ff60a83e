"""An edge's route as a curve, and where on it its label stands.

A label covers no box and no other label; of the places that remain it takes the one where the
fewest other edges pass behind it. One that finds no good place is left out: the table has it.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from diagnose.page.layout import Box, Layout, Point
from diagnose.page.text import cells

LETTER: Final = 5.9  # width of a label's letter in pixels
PADDING: Final = 4.0
HEIGHT: Final = 16.0
ALONG: Final = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)  # places, the best first
SAMPLES: Final = 24  # points of a bend that stand for it
CROWDED: Final = 6  # of them behind a label, from which on nobody could tell whose label it is

Route = Sequence[Point]


def curve(route: Route) -> str:
    """Return an SVG path that leaves and reaches boxes level."""
    parts = [f"M{route[0][0]:.1f} {route[0][1]:.1f}"]
    for i, ((x, y), (to_x, to_y)) in enumerate(pairwise(route)):
        if i % 2:
            parts.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            half = (x + to_x) / 2
            parts.append(f"C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
    return "".join(parts)


def spots(
    labels: Sequence[str], layout: Layout, kept_free: Sequence[Box] = ()
) -> tuple[Point | None, ...]:
    """Return where the middle of each edge's label stands; None where no place is free.

    Args:
        labels: One an edge, the most important first.
        layout: Of the graph.
        kept_free: Where no label may stand, besides the layout's boxes.
    """
    taken = [*layout.boxes, *kept_free]
    lines = [list(_points(route)) for route in layout.routes]
    found: list[Point | None] = []
    for number, (label, route) in enumerate(zip(labels, layout.routes, strict=True)):
        others = [point for i, line in enumerate(lines) if i != number for point in line]
        free = [
            (sum(_within(box, point) for point in others), place, at, box)
            for place, (at, box) in enumerate(_places(label, route))
            if not any(overlap(box, other) for other in taken)
        ]
        crowd, _, at, box = min(free, default=(CROWDED, 0, route[0], None))
        if crowd >= CROWDED or box is None:
            found.append(None)
            continue
        taken.append(box)
        found.append(at)
    return tuple(found)


def overlap(one: Box, other: Box) -> bool:
    """Return whether two boxes cover a common point; a common border is none."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _places(label: str, route: Route) -> Iterator[tuple[Point, Box]]:
    """Yield the points of the bends where a label may stand, and what it would cover."""
    width = LETTER * cells(label) + PADDING
    for start, end in list(pairwise(route))[::2]:
        for share in ALONG:
            x, y = _on_bend(start, end, share)
            yield (x, y), Box(x - width / 2, y - HEIGHT / 2, width, HEIGHT)


def _points(route: Route) -> Iterator[Point]:
    for start, end in list(pairwise(route))[::2]:
        yield from (_on_bend(start, end, i / SAMPLES) for i in range(SAMPLES + 1))


def _on_bend(start: Point, end: Point, share: float) -> Point:
    """Return a point of the cubic curve that leaves ``start`` and reaches ``end`` level."""
    rest = 1 - share
    half = (start[0] + end[0]) / 2
    x = start[0] * rest**3 + 3 * half * share * rest + end[0] * share**3
    return x, start[1] + (end[1] - start[1]) * share * share * (3 - 2 * share)


def _within(box: Box, point: Point) -> bool:
    return box.x < point[0] < box.x + box.width and box.y < point[1] < box.y + box.height
