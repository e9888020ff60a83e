"""Rungs two and three of the ladder: what a repair would do, and what it would have prevented.

Mechanisms that were fitted on normal life say little about a catastrophe. So rung two reckons with
the repaired system and not with the broken one: the cause at its normal value, what follows from
it, and everything else as it is now. Rung three has to start from the broken one. Where that state
is too far from all that was seen, or its noise cannot be told from what is shown, no number is
given but the reason why.

Assumes:
    The edges that no test refuted, and no cause in common that is not in the graph. Rung two: what
    lies between cause and symptom is not broken itself, where its inputs were never seen. Rung
    three: noise that adds up, near what normal life showed.

Reference: Nagalapatti, Srivastava, Sarawagi, Sharma, "Robust root cause diagnosis using
in-distribution interventions", ICLR 2025 (arXiv 2505.00930); Pearl, "Causality", 2nd edition, 2009,
chapter 7, for counterfactuals.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.abduction import obscured, relived, worst
from diagnose.causal.mechanism import STEADIEST, lagged
from diagnose.causal.rehearsal import MARGIN, Stage, averages, rehearse, staged, unfit, unseen
from diagnose.causal.repeatable import own_randomness
from diagnose.causal.scene import FEWEST_ROWS, Scene, scene
from diagnose.schema import (
    CausalGraph,
    Counterfactual,
    Intervention,
    Node,
    Refutation,
    Refuter,
    RootCause,
    Window,
)

if TYPE_CHECKING:
    from dowhy.causal_refuter import CausalRefutation

Floats = NDArray[np.float64]

MOST: Final = 3  # causes that are looked at
INTERVAL: Final = (0.05, 0.5, 0.95)
DOUBTED: Final = 0.05  # share of the draws in which the effect may have the other sign
SUBSET: Final = 0.7  # of the rows, on which an effect is reckoned anew
PLACEBOS: Final = 39  # in place of a cause; so many that one in twenty can be told
ATTACKS: Final = 10  # of each other kind
LEVEL: Final = 0.05  # chance that a placebo does as much, from which an effect is none
MOVED: Final = 0.25  # of the effect: what the other attacks may take from it or add
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
    refused = {cause.node: incident.obstacle(cause.node) for cause in causes[:MOST]}
    asked = [incident.acting.nodes.index(node) for node, why in refused.items() if why is None]
    stage = staged(incident, asked, incident.target) if asked else None
    return tuple(
        _intervention(stage, node) if why is None and stage else Intervention(node, refused=why)
        for node, why in refused.items()
    )


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
    asked = [incident.acting.nodes.index(node) for node, why in refused.items() if why is None]
    stage = staged(incident, asked, incident.target, refits=1) if asked else None
    return tuple(
        imagine(stage, node, float(incident.normal[incident.acting.nodes.index(node)]))
        if why is None and stage
        else Counterfactual(node, refused=why)
        for node, why in refused.items()
    )


def imagine(stage: Stage, cause: Node, value: float) -> Counterfactual:
    """Return whether the symptom would have occurred, had ``cause`` stayed at ``value``.

    Args:
        stage: The incident, with mechanisms from the cause to the symptom.
        cause: From which a way leads to the symptom.
        value: In the cause's unit.
    """
    incident = stage.incident
    if not incident.affected.any():
        return Counterfactual(cause, refused=f"{incident.symptom} never left its normal range")
    place = incident.acting.nodes.index(cause)
    if stage.inner.beyond(place, stage.inward(place, value)) > MARGIN:
        far = f"nobody saw {cause} so far from what normal life showed"
        return Counterfactual(cause, refused=far)
    if refused := obscured(stage, place):
        return Counterfactual(cause, refused=refused)
    asked, symptom = worst(incident), incident.target
    expected = float(np.median(relived(stage, {place: value})[asked]))
    return Counterfactual(
        cause,
        not incident.low[symptom] <= expected <= incident.high[symptom],
        float(np.median(incident.recent[asked, symptom])),
        expected,
    )


# Rung two


def _intervention(stage: Stage, cause: Node) -> Intervention:
    """Return the effect of one repair, or why it is not known."""
    incident = stage.incident
    nodes, symptom = incident.acting.nodes, incident.target
    place = nodes.index(cause)
    repaired = {place: float(incident.normal[place])}
    if refused := unfit(stage, repaired):
        return Intervention(cause, refused=refused)
    shown = rehearse(stage, repaired)
    if refused := unseen(stage, repaired, shown):
        return Intervention(cause, refused=refused)
    as_it_was = rehearse(stage, {place: incident.recent[:, place]})
    change = (as_it_was[symptom] - shown[symptom])[:, incident.asked].mean(axis=1)
    if np.quantile(change * np.sign(incident.deviation), DOUBTED) <= 0:
        weak = f"in normal life {cause} moves {nodes[symptom]} too little, or the other way"
        return Intervention(cause, refused=weak)
    left = averages(stage, symptom, shown[symptom]) - incident.normal[symptom]
    low, middle, high = np.quantile(1 - left / incident.deviation, INTERVAL)
    return Intervention(cause, float(middle), float(low), float(high))


# Attempts to refute


def refutations(incident: Scene, cause: Node) -> tuple[Refutation, ...]:
    """Return how the effect of ``cause`` on the symptom fares against DoWhy's refuters.

    The effect is that of moving the cause through its normal range, by linear regression on it and
    what acts on it (the back door), in normal life. Rows are freed of what they remember of each
    other first: the refuters take them for independent.

    Args:
        incident: In which a way leads from ``cause`` to the symptom.
        cause: What would be held.

    Reference: Sharma and Kiciman, "DoWhy: an end-to-end library for causal inference", 2020.
    """
    import networkx as nx
    import pandas as pd
    from dowhy import CausalModel

    place = incident.acting.nodes.index(cause)
    names, values = _back_door(incident, place)
    if len(values) < FEWEST_ROWS:
        return ()
    rows = pd.DataFrame(values, columns=names)
    edges = [("held", "symptom")]
    edges += [(name, effect) for name in names[1:-1] for effect in ("held", "symptom")]
    with own_randomness(SEED), _silent():
        model = CausalModel(rows, "held", "symptom", graph=nx.DiGraph(edges))
        estimand = model.identify_effect(proceed_when_unidentifiable=True)
        effect = model.estimate_effect(
            estimand,
            method_name="backdoor.linear_regression",
            control_value=float(incident.low[place]),
            treatment_value=float(incident.high[place]),
        )
        random = np.random.RandomState(SEED)

        def attacked(method: str, times: int, **options: object) -> "CausalRefutation":
            return model.refute_estimate(
                estimand,
                effect,
                method_name=method,
                random_state=random,
                num_simulations=times,
                **options,
            )

        placebos = [
            float(attacked("placebo_treatment_refuter", 1, placebo_type="permute").new_effect)
            for _ in range(PLACEBOS)
        ]
        common = attacked("random_common_cause", ATTACKS)
        subset = attacked("data_subset_refuter", ATTACKS, subset_fraction=SUBSET)
    told = float(effect.value)
    as_large = (1 + sum(abs(one) >= abs(told) for one in placebos)) / (1 + PLACEBOS)
    placebo = Refutation("placebo", told, float(np.mean(placebos)), as_large, as_large <= LEVEL)
    return (
        placebo,
        _steady("random common cause", told, common),
        _steady("data subset", told, subset),
    )


def _back_door(incident: Scene, place: int) -> tuple[list[str], Floats]:
    """Return the names and rows of a cause, of what acts on it, and of the symptom, in this order.

    Each is as it was when it met the symptom, less what it remembers of the instant before.
    """
    acting, symptom = incident.acting, incident.target
    delay = acting.delays(symptom)[place]
    above = [
        (f"common{parent}", parent, delay + lag)
        for parent, lag in zip(acting.parents[place], acting.lags[place], strict=True)
    ]
    columns = [("held", place, delay), *above, ("symptom", symptom, 0)]
    names, nodes, lags = (list(part) for part in zip(*columns, strict=True))
    return names, _independent(lagged(incident.baseline, nodes, lags))


def _steady(name: Refuter, effect: float, attacked: "CausalRefutation") -> Refutation:
    """Return whether an effect stays where it was under an attack that should not move it.

    DoWhy's p-value alone would refute by differences of a thousandth, once in twenty times.
    """
    under, tested = float(attacked.new_effect), attacked.refutation_result
    p_value = float(tested["p_value"]) if tested else float("nan")
    told = min(max(p_value, 0.0), 1.0) if isfinite(p_value) else None
    return Refutation(name, effect, under, told, abs(under - effect) <= MOVED * abs(effect))


def _independent(rows: Floats) -> Floats:
    """Return rows without gaps, less what each remembers of the one before; the last is the effect.

    Reference: Cochrane and Orcutt, as in ``mechanism``.
    """
    whole = np.asarray(np.isfinite(rows).all(axis=1))
    pairs = whole[1:] & whole[:-1]
    now, before = rows[1:][pairs], rows[:-1][pairs]
    if len(now) <= rows.shape[1]:
        return now
    x, y = (part - part.mean(axis=0) for part in (now[:, :-1], now[:, -1]))
    slopes = np.linalg.lstsq(x, y, rcond=None)[0]
    earlier = before - before.mean(axis=0)
    noise: Floats = y - x @ slopes
    past: Floats = earlier[:, -1] - earlier[:, :-1] @ slopes
    memory = min(max(float(noise @ past) / max(float(past @ past), 1e-300), 0.0), STEADIEST)
    return np.asarray(now - memory * before)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep DoWhy from logging what it does, and libraries below it from warning of each other."""
    logger = logging.getLogger("dowhy")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
