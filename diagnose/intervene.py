"""Rungs two and three of the ladder: what a repair would do, and what it would have prevented.

Mechanisms that were fitted on normal life say little about a catastrophe. So the repaired system is
reckoned with and not the broken one: the cause at its normal value, what follows from it, and
everything else as it is now. Where that state was never seen, and where the broken one has to be
reckoned with from too far away, no number is given but the reason why.

Assumes:
    The edges that no test refuted, and linear mechanisms near what normal life showed. Rung two:
    what the cause passes through is not broken itself.

Reference: Nagalapatti, Srivastava, Sarawagi, Sharma, "Robust root cause diagnosis using
in-distribution interventions", ICLR 2025 (arXiv 2505.00930); Pearl, "Causality", 2nd edition, 2009,
chapter 7, for counterfactuals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.columns import columns
from diagnose.influence import Influence, influence
from diagnose.mechanism import Mechanism, lagged
from diagnose.repeatable import own_randomness
from diagnose.schema import CausalGraph, Counterfactual, Intervention, Node, RootCause, Window

Floats = NDArray[np.float64]

MOST: Final = 3  # causes that are looked at
FEWEST_ROWS: Final = 50  # instants of normal life that a mechanism needs
TAIL: Final = 0.005  # share of normal life that lies below the normal range, and above it
MARGIN: Final = 0.1  # of what was seen, by which a state may lie outside of it
RARELY: Final = 0.1  # share of the incident at which it may lie further out
DRAWS: Final = 200
INTERVAL: Final = (0.05, 0.95)
WORST: Final = 5  # instants of the incident that a counterfactual is asked of
FAR: Final = 1.0  # widths of what was seen, beyond which nothing is reckoned
BROKEN: Final = 0.5  # the same for noise, beyond which a mechanism did not hold
SEED: Final = 13


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """One incident as both rungs see it; arrays have one value a node of the graph.

    Attributes:
        acting: The edges that survived.
        baseline: Normal life, shape (instants, nodes).
        recent: The incident, of the same columns; a gap is taken for normal.
        normal: Median of normal life.
        low: Lower end of the normal range.
        high: Upper end of it.
        seen: Least and most that normal life showed, shape (2, nodes).
        symptom: Place of the symptom; None where the graph lacks it.
        affected: Recent instants at which the symptom is outside of its normal range.
    """

    acting: Influence
    baseline: Floats
    recent: Floats
    normal: Floats
    low: Floats
    high: Floats
    seen: Floats
    symptom: int | None
    affected: NDArray[np.bool_]

    def beyond(self, node: int, values: Floats) -> Floats:
        """Return how far ``values`` lie outside of what was seen, in widths of what was."""
        least, most = self.seen[:, node]
        outside = np.maximum(np.maximum(least - values, values - most), 0.0)
        return np.asarray(outside / max(most - least, 1e-12))

    def obstacle(self, cause: Node) -> str | None:
        """Return why nothing can be said of ``cause``; None where nothing stands in the way."""
        nodes = self.acting.nodes
        if self.symptom is None:
            return "the symptom is not in the graph"
        symptom = nodes[self.symptom]
        if cause == symptom:
            return "it is the symptom itself"
        place = nodes.index(cause) if cause in nodes else None
        between = () if place is None else self.acting.between(place, self.symptom)
        if place is None or not between:
            return f"no edge that held in its test leads from {cause} to {symptom}"
        if np.isfinite(self.baseline[:, [place, *between]]).all(axis=1).sum() < FEWEST_ROWS:
            return f"too little normal life was seen of what lies between {cause} and {symptom}"
        still = next((n for n in (place, *between) if self.seen[0, n] == self.seen[1, n]), None)
        if still is not None:
            return f"{nodes[still]} never moved in normal life, so nobody saw what moves with it"
        if not self.affected.any():
            return f"{symptom} is within its normal range"
        now = self.recent[:, place]
        if not ((now < self.low[place]) | (now > self.high[place])).any():
            return f"{cause} is within its normal range, so there is nothing to bring back"
        return None


def intervene(
    graph: CausalGraph, window: Window, causes: tuple[RootCause, ...], symptom: Node
) -> tuple[Intervention, ...]:
    """Return what bringing each of the first causes back to normal would do to the symptom.

    Args:
        graph: After its tests.
        window: Mechanisms are fitted on its baseline; the effect is that on its recent part.
        causes: Most probable first.
        symptom: What is explained.
    """
    scene = _scene(graph, window, symptom)
    mechanisms = scene.acting.mechanisms(scene.baseline)
    return tuple(_intervention(scene, mechanisms, cause.node) for cause in causes[:MOST])


def counterfactual(
    graph: CausalGraph, window: Window, causes: tuple[RootCause, ...], symptom: Node
) -> tuple[Counterfactual, ...]:
    """Return whether the symptom would have occurred, had each of the first causes stayed normal.

    Args:
        graph: After its tests.
        window: Mechanisms are fitted on its baseline; asked of are the worst recent instants.
        causes: Most probable first.
        symptom: What is explained.
    """
    scene = _scene(graph, window, symptom)
    obstacles = {cause.node: scene.obstacle(cause.node) for cause in causes[:MOST]}
    asked = [node for node, obstacle in obstacles.items() if obstacle is None]
    answers = _imagine(scene, asked) if asked else {}
    return tuple(
        answers[node] if obstacle is None else Counterfactual(node, refused=obstacle)
        for node, obstacle in obstacles.items()
    )


def _scene(graph: CausalGraph, window: Window, symptom: Node) -> _Scene:
    """Return the incident as both rungs see it."""
    acting = influence(graph, window.step_seconds)
    baseline = columns(window.baseline, acting.nodes)
    ordered = np.sort(baseline, axis=0)  # NaN last
    count = np.isfinite(baseline).sum(axis=0)

    def quantile(share: float) -> Floats:
        row = np.rint(share * np.maximum(count - 1, 0)).astype(np.int64)
        if not len(ordered):
            return np.zeros(len(acting.nodes))
        return np.nan_to_num(np.take_along_axis(ordered, row[None], axis=0)[0])

    normal, low, high = quantile(0.5), quantile(TAIL), quantile(1 - TAIL)
    recent = columns(window.recent, acting.nodes)
    recent = np.where(np.isfinite(recent), recent, normal)
    place = acting.nodes.index(symptom) if symptom in acting.nodes else None
    affected = np.zeros(len(recent), dtype=np.bool_)
    if place is not None:
        affected = (recent[:, place] < low[place]) | (recent[:, place] > high[place])
    seen = np.stack((quantile(0.0), quantile(1.0)))
    return _Scene(acting, baseline, recent, normal, low, high, seen, place, affected)


# Rung two


def _intervention(scene: _Scene, mechanisms: tuple[Mechanism, ...], cause: Node) -> Intervention:
    """Return the effect of one repair, or why it is not known."""
    obstacle = scene.obstacle(cause)
    if obstacle is not None or scene.symptom is None:
        return Intervention(cause, refused=obstacle or "the symptom is not in the graph")
    place = scene.acting.nodes.index(cause)
    between = scene.acting.between(place, scene.symptom)
    inputs = {p for node in between for p in mechanisms[node].parents} - {place, *between}
    for other in sorted(inputs):
        out = scene.beyond(other, scene.recent[scene.affected, other]) > MARGIN
        if out.mean() > RARELY:
            return Intervention(
                cause,
                refused=f"{scene.acting.nodes[other]} is outside of what normal life showed, "
                f"and bringing {cause} back would not change that",
            )
    repaired, passed_on = _repair(scene, mechanisms, place, between)
    at_stake = scene.recent[:, scene.symptom] - scene.normal[scene.symptom]
    deviation = at_stake[scene.affected].mean()
    if deviation == 0:
        return Intervention(cause, refused="the symptom deviates as often up as down")
    linear = -passed_on[:, scene.affected].mean(axis=1) / deviation
    if np.quantile(linear, INTERVAL[0]) <= 0:
        return Intervention(
            cause,
            refused=f"in normal life {cause} moves the symptom too little, or the other way",
        )
    left = (repaired[:, scene.affected] - scene.normal[scene.symptom]).mean(axis=1)
    shares = 1 - left / deviation
    low, high = np.quantile(shares, INTERVAL)
    point = float(shares[0])
    return Intervention(cause, point, min(float(low), point), max(float(high), point))


def _repair(
    scene: _Scene, mechanisms: tuple[Mechanism, ...], cause: int, between: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Return the symptom with the cause at its normal value, and the linear change of it.

    Both have the shape (draws, recent instants). Each draw has other weights, as far as they are in
    doubt, and the noise of another stretch of normal life; the first has neither.
    """
    rng = np.random.default_rng(SEED)
    instants, long = len(scene.recent), len(scene.baseline)
    starts = rng.integers(0, max(long - instants, 0) + 1, DRAWS)
    stretch = np.minimum(starts[:, None] + np.arange(instants), long - 1)
    shown: dict[int, Floats] = {cause: np.full((DRAWS, instants), scene.normal[cause])}
    change: dict[int, Floats] = {cause: shown[cause] - scene.recent[:, cause]}
    for node in between:
        mechanism = mechanisms[node]
        weights = rng.multivariate_normal(mechanism.weights, mechanism.doubt, DRAWS, method="eigh")
        weights[0] = mechanism.weights
        noise = scene.baseline[:, node] - mechanism.expected(scene.baseline)
        drawn = np.nan_to_num(noise)[stretch]
        drawn[0] = 0.0
        level = mechanism.base + scene.normal[list(mechanism.parents)] @ mechanism.weights
        shown[node], change[node] = level + drawn, np.zeros((DRAWS, instants))
        for k, (parent, lag) in enumerate(zip(mechanism.parents, mechanism.lags, strict=True)):
            ago = np.maximum(np.arange(instants) - lag, 0)
            now = shown.get(parent, scene.recent[None, :, parent])[:, ago]
            shown[node] = shown[node] + weights[:, [k]] * (now - scene.normal[parent])
            if parent in change:
                change[node] = change[node] + weights[:, [k]] * change[parent][:, ago]
    return shown[between[-1]], change[between[-1]]


# Rung three


def _imagine(scene: _Scene, causes: list[Node]) -> Mapping[Node, Counterfactual]:
    """Return the answer for each cause that nothing stands in the way of."""
    import networkx as nx
    import pandas as pd
    from dowhy import gcm
    from dowhy.gcm.ml import create_linear_regressor

    assert scene.symptom is not None
    acting, symptom = scene.acting, scene.symptom
    normal = pd.DataFrame(acting.aligned(scene.baseline, symptom)).dropna()
    recent = pd.DataFrame(acting.aligned(scene.recent, symptom))[scene.affected]
    if len(normal) < FEWEST_ROWS:
        too_few = "too little normal life was seen in full"
        return {cause: Counterfactual(cause, refused=too_few) for cause in causes}
    order = (recent[symptom] - scene.normal[symptom]).abs().sort_values(kind="stable").index
    worst = recent.loc[order[-WORST:]].reset_index(drop=True)
    network = nx.DiGraph()
    network.add_nodes_from(normal.columns)
    network.add_edges_from((p, node) for node in normal.columns for p in acting.parents[node])
    model = gcm.InvertibleStructuralCausalModel(network)
    for node in normal.columns:
        follows = bool(acting.parents[node])
        model.set_causal_mechanism(
            node,
            gcm.AdditiveNoiseModel(create_linear_regressor())
            if follows
            else gcm.EmpiricalDistribution(),
        )
    with own_randomness(SEED):
        gcm.fit(model, normal)
    answers = {}
    for cause in causes:
        place = acting.nodes.index(cause)
        refused = _too_far(scene, model, normal, worst, acting.between(place, symptom))
        if refused:
            answers[cause] = Counterfactual(cause, refused=refused)
            continue
        stayed = float(scene.normal[place])
        imagined = gcm.counterfactual_samples(
            model, {place: lambda _, stayed=stayed: stayed}, observed_data=worst
        )
        expected = float(imagined[symptom].median())
        answers[cause] = Counterfactual(
            cause,
            not scene.low[symptom] <= expected <= scene.high[symptom],
            float(worst[symptom].median()),
            expected,
        )
    return answers
