"""Rungs two and three of the ladder: what a repair would do, and what it would have prevented.

Mechanisms that were fitted on normal life say little about a catastrophe. So rung two reckons with
the repaired system and not with the broken one: the cause at its normal value, what follows from
it, and everything else as it is now. Rung three has to start from the broken one. Where that state
is too far from all that was seen, no number is given but the reason why.

Assumes:
    The edges that no test refuted, and linear mechanisms near what normal life showed. Rung two:
    what lies between cause and symptom is not broken itself.

Reference: Nagalapatti, Srivastava, Sarawagi, Sharma, "Robust root cause diagnosis using
in-distribution interventions", ICLR 2025 (arXiv 2505.00930); Pearl, "Causality", 2nd edition, 2009,
chapter 7, for counterfactuals.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.mechanism import Mechanism, lagged
from diagnose.repeatable import one_quiet_process, own_randomness
from diagnose.scene import FEWEST_ROWS, TAIL, Scene, scene
from diagnose.schema import CausalGraph, Counterfactual, Intervention, Node, RootCause, Window

Floats = NDArray[np.float64]

MOST: Final = 3  # causes that are looked at
MARGIN: Final = 0.1  # of what was seen, by which a state may lie outside of it
RARELY: Final = 0.1  # share of the incident at which it may lie further out
DRAWS: Final = 200
INTERVAL: Final = (0.01, 0.5, 0.99)  # of the draws; it holds what happens 9 times in 10, measured
DOUBTED: Final = 0.05  # share of the draws in which the effect may have the other sign
WORST: Final = 5  # instants of the incident that a counterfactual is asked of
FAR: Final = 1.0  # widths of what was seen, beyond which nothing is reckoned
BROKEN: Final = 0.25  # the same for noise, beyond which a mechanism did not hold
SEED: Final = 13


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
    incident = scene(graph, window, symptom)
    mechanisms = incident.acting.mechanisms(incident.baseline)
    answers = []
    for cause in causes[:MOST]:
        refused = incident.obstacle(cause.node)
        answers.append(
            Intervention(cause.node, refused=refused)
            if refused
            else _intervention(incident, mechanisms, cause.node)
        )
    return tuple(answers)


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
    incident = scene(graph, window, symptom)
    refused = {cause.node: incident.obstacle(cause.node) for cause in causes[:MOST]}
    asked = [node for node, why in refused.items() if why is None]
    answers = _imagine(incident, asked) if asked else {}
    return tuple(
        answers[node] if why is None else Counterfactual(node, refused=why)
        for node, why in refused.items()
    )


# Rung two


def _intervention(incident: Scene, mechanisms: tuple[Mechanism, ...], cause: Node) -> Intervention:
    """Return the effect of one repair, or why it is not known."""
    nodes, symptom = incident.acting.nodes, incident.target
    place = nodes.index(cause)
    between = incident.acting.between(place, symptom)
    inputs = {p for node in between for p in mechanisms[node].parents} - {place, *between}
    for other in sorted(inputs):
        out = incident.beyond(other, incident.recent[incident.affected, other]) > MARGIN
        if out.mean() > RARELY:
            elsewhere = (
                f"{nodes[other]} has left all that normal life showed as well, "
                f"and bringing {cause} back would not change that"
            )
            return Intervention(cause, refused=elsewhere)
    repaired, change = _repair(incident, mechanisms, place, between)
    follows = -change[:, incident.affected].mean(axis=1) * np.sign(incident.deviation)
    if np.quantile(follows, DOUBTED) <= 0:
        weak = f"in normal life {cause} moves {nodes[symptom]} too little, or the other way"
        return Intervention(cause, refused=weak)
    left = repaired[:, incident.affected].mean(axis=1) - incident.normal[symptom]
    shares = 1 - left / incident.deviation
    low, middle, high = np.quantile(shares, INTERVAL)
    return Intervention(cause, float(middle), float(low), float(high))


def _repair(
    incident: Scene, mechanisms: tuple[Mechanism, ...], cause: int, between: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Return the symptom with the cause at its normal value, and by how much that changes it.

    Both have the shape (draws, recent instants). The change is reckoned from the broken state and
    good for its sign only. In every second draw a node keeps its own noise, as long as its parents
    are where normal life was or the noise itself is normal; else its mechanism is not believed, and
    it gets the noise of a stretch of normal life, as it does in all other draws. Each draw has
    another stretch, and other weights as far as they are in doubt.
    """
    rng = np.random.default_rng(SEED)
    instants, history = len(incident.recent), len(incident.baseline)
    starts = rng.integers(0, max(history - instants, 0) + 1, DRAWS)
    stretch = np.minimum(starts[:, None] + np.arange(instants), history - 1)
    normal = incident.normal
    shown = {cause: np.full((DRAWS, instants), normal[cause])}
    change = {cause: shown[cause] - incident.recent[:, cause]}
    for node in between:
        mechanism = mechanisms[node]
        parents = list(mechanism.parents)
        weights = rng.multivariate_normal(
            mechanism.weights, mechanism.doubt, DRAWS, check_valid="ignore", method="eigh"
        )
        noise = np.nan_to_num(incident.baseline[:, node] - mechanism.expected(incident.baseline))
        drawn = noise[stretch]
        own = incident.recent[:, node] - mechanism.expected(incident.recent)
        low, high = np.quantile(noise, (TAIL, 1 - TAIL))
        careful = np.arange(DRAWS)[:, None] % 2 == 0
        normal_noise = (own >= low) & (own <= high)
        kept = careful & (_inside(incident, mechanism) | normal_noise)
        level = mechanism.base + normal[parents] @ mechanism.weights
        shown[node] = np.where(kept, own, drawn) + level
        change[node] = np.zeros((DRAWS, instants))
        for k, (parent, lag) in enumerate(zip(parents, mechanism.lags, strict=True)):
            ago = np.maximum(np.arange(instants) - lag, 0)
            now = shown.get(parent, incident.recent[None, :, parent])[:, ago]
            shown[node] += weights[:, [k]] * (now - normal[parent])
            if parent in change:
                change[node] += weights[:, [k]] * change[parent][:, ago]
    return shown[between[-1]], change[between[-1]]


def _inside(incident: Scene, mechanism: Mechanism) -> NDArray[np.bool_]:
    """Return the recent instants at which all parents are where normal life was."""
    known = lagged(incident.recent, mechanism.parents, mechanism.lags)
    beyond = [incident.beyond(p, known[:, k]) for k, p in enumerate(mechanism.parents)]
    return np.asarray(np.max(beyond, axis=0) <= MARGIN)


# Rung three


def _imagine(incident: Scene, causes: Sequence[Node]) -> Mapping[Node, Counterfactual]:
    """Return the answer for each cause that nothing stands in the way of."""
    import networkx as nx
    import pandas as pd
    from dowhy import gcm
    from dowhy.gcm.ml import create_linear_regressor

    acting, symptom = incident.acting, incident.target
    normal = pd.DataFrame(acting.aligned(incident.baseline, symptom)).dropna()
    if len(normal) < FEWEST_ROWS:
        too_few = "too little of normal life was seen in full"
        return {cause: Counterfactual(cause, refused=too_few) for cause in causes}
    worst = pd.DataFrame(acting.aligned(incident.recent, symptom)).loc[_worst(incident)]
    parents = {node: sorted(acting.parents[node]) for node in normal}
    model = gcm.InvertibleStructuralCausalModel(
        nx.DiGraph([(parent, node) for node in normal for parent in parents[node]])
    )
    for node in normal:
        linear = gcm.AdditiveNoiseModel(create_linear_regressor())
        model.set_causal_mechanism(node, linear if parents[node] else gcm.EmpiricalDistribution())
    with own_randomness(SEED), one_quiet_process(gcm.config):
        gcm.fit(model, normal)

    def noise(node: int, shown: pd.DataFrame) -> Floats:
        values, known = shown[[node]].to_numpy(), shown[parents[node]].to_numpy()
        return np.asarray(model.causal_mechanism(node).estimate_noise(values, known)).ravel()

    answers = {}
    for cause in causes:
        place = acting.nodes.index(cause)
        refused = None
        for node in acting.between(place, symptom):
            inputs = {p: worst[p].to_numpy() for p in parents[node]}
            refused = refused or _too_far(
                incident, node, inputs, noise(node, normal), noise(node, worst)
            )
        if refused:
            answers[cause] = Counterfactual(cause, refused=refused)
            continue
        stayed = {place: lambda _, value=incident.normal[place]: value}
        imagined = gcm.counterfactual_samples(model, stayed, observed_data=worst)
        expected = float(imagined[symptom].median())
        answers[cause] = Counterfactual(
            cause,
            not incident.low[symptom] <= expected <= incident.high[symptom],
            float(worst[symptom].median()),
            expected,
        )
    return answers


def _worst(incident: Scene) -> NDArray[np.int64]:
    """Return the instants of the incident at which the symptom deviates most."""
    deviation = np.abs(incident.recent[:, incident.target] - incident.normal[incident.target])
    order = np.argsort(np.where(incident.affected, -deviation, np.inf), kind="stable")
    return order[: min(WORST, int(incident.affected.sum()))]


def _too_far(
    incident: Scene, node: int, inputs: Mapping[int, Floats], usual: Floats, noise: Floats
) -> str | None:
    """Return why the mechanism of ``node`` cannot be used on the incident; None if it can.

    Args:
        incident: Knows what normal life showed.
        node: Between cause and symptom.
        inputs: What each parent showed in the incident.
        usual: Noise of the mechanism in normal life.
        noise: In the incident, as the mechanism would have it.
    """
    nodes = incident.acting.nodes
    reach = {parent: float(incident.beyond(parent, seen).max()) for parent, seen in inputs.items()}
    farthest = max(reach, key=lambda parent: reach[parent])
    if reach[farthest] > FAR:
        return f"{nodes[farthest]} is far from all that normal life showed, too far to reckon with"
    width = max(float(np.ptp(usual)), 1e-12)
    strange = np.maximum(usual.min() - noise, noise - usual.max()).max() / width
    if reach[farthest] > MARGIN and strange > BROKEN:
        return f"what {nodes[node]} shows does not follow from what acts on it as it used to"
    return None
