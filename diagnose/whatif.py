"""What would follow if a signal were held at a value: both upper rungs, asked at one value.

The answer is for the time of the incident, played again: the signal held, what it acts on following
as it did in normal life, all else as it was.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from diagnose.causal.rehearsal import Floats, Stage, averages, rehearse, staged, unfit, unseen
from diagnose.causal.scene import scene
from diagnose.intervene import INTERVAL, imagine, refutations
from diagnose.schema import CausalGraph, Effect, Node, Setting, WhatIf, Window
from diagnose.wording import quantity

STEPS: Final = 12  # values between the one asked for and the normal one that are tried


def what_if(
    incident: str, graph: CausalGraph, window: Window, symptom: Node, setting: Setting
) -> WhatIf:
    """Return what would follow from ``setting``, and whether the symptom would have occurred.

    Args:
        incident: Its identifier.
        graph: After its tests.
        window: Mechanisms are fitted on its baseline; the effect is that on its recent part.
        symptom: What is explained.
        setting: What would be held where.
    """
    seen = scene(graph, window, symptom)
    units = {signal.node: signal.kind.unit for signal in window.signals}
    if setting.node == symptom:
        refused: str | None = "it is the symptom itself"
    else:
        refused = seen.no_way(setting.node, symptom)
    if refused:
        return WhatIf(incident, symptom, setting, refused=refused)
    place = seen.acting.nodes.index(setting.node)
    stage = staged(seen, [place], seen.target)
    imagined = imagine(stage, setting.node, setting.value)
    shown, refused = asked(stage, {place: setting.value}, units)
    if refused:
        nearest = _nearest(stage, place, setting.value, units)
        return WhatIf(incident, symptom, setting, (), refused, nearest, counterfactual=imagined)
    effects = tuple(effect_on(stage, node, shown[node], units) for node in stage.between([place]))
    attacks = refutations(seen, setting.node)
    return WhatIf(incident, symptom, setting, effects, refutations=attacks, counterfactual=imagined)


def asked(
    stage: Stage, held: Mapping[int, float], units: Mapping[Node, str]
) -> tuple[dict[int, Floats], str | None]:
    """Return what each node shows while some are held, or why nobody can tell.

    Args:
        stage: The incident and its mechanisms.
        held: A value for each place.
        units: Of the signals.
    """
    for place, value in held.items():
        low, high = stage.reach(place)
        if not low <= value <= high:
            node = stage.incident.acting.nodes[place]
            unit = units.get(node, "")
            return {}, (
                f"normal life showed {node} between {quantity(low, unit)} and "
                f"{quantity(high, unit)} only, so nobody saw what {quantity(value, unit)} does"
            )
    if refused := unfit(stage, held):
        return {}, refused
    shown = rehearse(stage, held)
    refused = unseen(stage, held, shown)
    return ({}, refused) if refused else (shown, None)


def effect_on(stage: Stage, node: int, shown: Floats, units: Mapping[Node, str]) -> Effect:
    """Return what ``node`` would show on average while the symptom was affected.

    Args:
        stage: What was played.
        node: Place of the signal.
        shown: What it shows, shape (draws, instants).
        units: Of the signals.
    """
    incident = stage.incident
    low, middle, high = np.quantile(averages(stage, node, shown), INTERVAL)
    name = incident.acting.nodes[node]
    return Effect(
        name,
        float(incident.normal[node]),
        float(incident.recent[incident.asked, node].mean()),
        float(middle),
        float(low),
        float(high),
        units.get(name, ""),
    )


def _nearest(stage: Stage, place: int, value: float, units: Mapping[Node, str]) -> float | None:
    """Return the value nearest to ``value`` at which an effect can be told; None if none is."""
    low, high = stage.reach(place)
    begin, end = float(np.clip(value, low, high)), float(stage.incident.normal[place])
    for tried in np.linspace(begin, end, STEPS):
        if asked(stage, {place: float(tried)}, units)[1] is None:
            return float(tried)
    return None
