from itertools import combinations, pairwise
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.page.layout import Box, Sizes, layered
from diagnose.page.routes import HEIGHT, LETTER, curve, overlap, spots

SIZES = Sizes()


@st.composite
def graphs(draw):
    """Return a number of nodes and acyclic edges, whose order is not that of the numbers."""
    number = draw(st.integers(1, 14))
    order = draw(st.permutations(range(number)))
    pairs = [(order[i], order[j]) for i, j in combinations(range(number), 2)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    return number, edges


def touches(box, point):
    """Return whether a point lies inside of a box, its border left out."""
    margin = 1e-6
    return (
        box.x + margin < point[0] < box.x + box.width - margin
        and box.y + margin < point[1] < box.y + box.height - margin
    )


@given(graphs())
def test_no_box_covers_another(graph):
    for one, other in combinations(layered(*graph).boxes, 2):
        apart = Box(one.x, one.y + 1e-6, one.width, one.height - 2e-6)
        assert not overlap(apart, other)


@given(graphs())
def test_every_node_and_edge_is_drawn_within_the_picture(graph):
    layout = layered(*graph)
    assert len(layout.boxes) == graph[0]
    assert len(layout.routes) == len(graph[1])
    corners = [(b.x, b.y) for b in layout.boxes]
    corners += [(b.x + b.width, b.y + b.height) for b in layout.boxes]
    for x, y in (*corners, *(point for route in layout.routes for point in route)):
        assert isfinite(x)
        assert isfinite(y)
        assert -1e-6 <= x <= layout.width + 1e-6
        assert -1e-6 <= y <= layout.height + 1e-6


@given(graphs())
def test_an_edge_runs_from_its_cause_to_its_effect_left_to_right(graph):
    layout = layered(*graph)
    for (cause, effect), route in zip(graph[1], layout.routes, strict=True):
        start, end = layout.boxes[cause], layout.boxes[effect]
        assert route[0][0] == pytest.approx(start.x + start.width)
        assert start.y <= route[0][1] <= start.y + start.height
        assert route[-1][0] == pytest.approx(end.x)
        assert end.y <= route[-1][1] <= end.y + end.height
        assert all(x < to_x for (x, _), (to_x, _) in pairwise(route))


@given(graphs())
def test_an_edge_passes_no_box(graph):
    layout = layered(*graph)
    for route in layout.routes:
        # Between an even point and the next lies a gap without boxes; else the edge is level.
        for (x, y), (to_x, to_y) in list(pairwise(route))[1::2]:
            assert y == to_y
            steps = [(x + (to_x - x) * share / 10, y) for share in range(11)]
            assert not any(touches(box, point) for box in layout.boxes for point in steps)


@given(graphs(), st.text("abc ", max_size=20))
def test_a_label_covers_no_box_and_no_other_label(graph, words):
    layout = layered(*graph)
    labels = [words] * len(layout.routes)
    width = LETTER * len(words)
    found = [
        Box(at[0] - width / 2, at[1] - HEIGHT / 2, width, HEIGHT)
        for at in spots(labels, layout)
        if at
    ]
    for label in found:
        assert not any(overlap(label, box) for box in layout.boxes)
    assert not any(overlap(one, other) for one, other in combinations(found, 2))


@given(graphs())
def test_a_curve_starts_and_ends_where_its_route_does(graph):
    for route in layered(*graph).routes:
        drawn = curve(route)
        assert drawn.startswith(f"M{route[0][0]:.1f} {route[0][1]:.1f}C")
        assert drawn.endswith(f"{route[-1][0]:.1f} {route[-1][1]:.1f}")


@given(graphs())
def test_the_same_graph_looks_the_same(graph):
    assert layered(*graph) == layered(*graph)


def test_a_chain_is_a_straight_line():
    layout = layered(4, [(0, 1), (1, 2), (2, 3)])
    assert {box.y for box in layout.boxes} == {0.0}
    assert [box.x for box in layout.boxes] == sorted(box.x for box in layout.boxes)


def test_two_chains_do_not_cross():
    layout = layered(4, [(0, 3), (1, 2)])
    y = [box.y for box in layout.boxes]
    assert (y[0] < y[1]) == (y[3] < y[2])


def test_an_empty_graph_takes_no_room():
    assert layered(0, []).width == layered(0, []).height == 0


def test_a_cycle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        layered(2, [(0, 1), (1, 0)])
