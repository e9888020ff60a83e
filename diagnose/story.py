"""The diagnosis in plain sentences, made by code from facts: nothing here is generated or guessed.

One paragraph a question that a tired engineer asks, in the order of asking: what was it, what to
do, how did it spread, what shows it, how was that tested, would a repair help, what was not seen,
and what would change our mind.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import polars as pl

from diagnose.causal.surge import surge
from diagnose.guidance.instruct import instruct
from diagnose.schema import (
    Anomaly,
    Brief,
    CausalGraph,
    Diagnosis,
    Edge,
    Node,
    Paragraph,
    RootCause,
    Verdict,
    Window,
)
from diagnose.wording import chance, counted, duration, moment, percent, printable, quantity
from models.demand import new_demand
from models.deviation import HISTORY, measure

WITNESSES: Final = 5  # anomalies that are told
RIVALS: Final = 3  # causes that are told
SENTENCE: Final = 400  # characters that somebody else's sentence may have
SENT: Final = 2000  # the same of what left the site
BASIS: Final = {
    "topology": "who calls whom and what runs where",
    "tier": "hardware acts on software, not the reverse",
    "lag": "the order in time",
    "intervention": "an intervention",
    "model": "the language model",
    "operator": "an operator",
    "none": "nothing that was measured",
}

WHOLE: Final[dict[Verdict, str]] = {
    "supported": "fewer than chance would have, which supports the graph",
    "refuted": (
        "shuffled graphs are denied as little too often, and tests do not err that much: as a "
        "whole the graph is refuted, and counts for what is known without tests"
    ),
    "untestable": "which tells nothing about the graph as a whole",
}


def tell(diagnosis: Diagnosis, window: Window) -> tuple[Paragraph, ...]:
    """Return the diagnosis in plain words, first things first."""
    units = {signal.node: signal.kind.unit for signal in window.signals}
    if not diagnosis.root_causes:
        parts = [("Answer", _silence(diagnosis, window)), ("Missing", _missing(diagnosis))]
    else:
        parts = [
            ("Answer", _answer(diagnosis, units)),
            ("In short", _brief(diagnosis.brief)),
            ("What to do", instruct(diagnosis, units)),
            ("Path", chain(_surge(diagnosis, window), _path(diagnosis))),
            ("Evidence", chain(_evidence(diagnosis.anomalies, units), _changes(diagnosis, window))),
            ("Tests", _tests(diagnosis.graph)),
            ("Rung one, association", _association(diagnosis)),
            ("Rung two, intervention", _intervention(diagnosis)),
            ("Rung three, counterfactual", _counterfactual(diagnosis, units)),
            ("Other answers", _others(diagnosis)),
            ("Missing", _missing(diagnosis)),
            (
                "What would change our mind",
                chain(_doubts(diagnosis), _unwatched(diagnosis, window)),
            ),
        ]
    told = ((title, tuple(sentences)) for title, sentences in parts)
    return tuple(Paragraph(title, sentences) for title, sentences in told if sentences)


def _silence(diagnosis: Diagnosis, window: Window) -> Iterator[str]:
    if diagnosis.anomalies:
        number = counted(len(diagnosis.anomalies), "signal")
        yield f"No cause can be named, though {number} left the normal range."
        return
    silent = _silent(window)
    if silent:
        yield f"Nothing was read around the alert of {', '.join(map(printable, silent))}."
    found = measure(window)
    tested = int(found.tested.sum())
    if not window.recent.height:
        yield "No incident can be told: nothing was read around the alert."
    elif not tested:
        yield f"No incident can be told: no signal has {HISTORY} readings of history."
    else:
        span = f"between {moment(window.recent['time'][0])} and {moment(window.as_of)} UTC"
        signals = counted(tested, "signal")
        who = "No incident elsewhere" if silent else "No incident"
        yield f"{who}: nothing that {signals} did {span} is more than chance does."
        first = int(found.surprise.argmax())
        if found.surprise[first] > 0:
            yield (
                f"Least usual of them: {_name(window.signals[first].node)}, at its farthest "
                f"{found.largest[first]:.3g} robust standard deviations from normal."
            )


def _silent(window: Window) -> list[str]:
    """Return the entities of which something was read before the alert, and nothing around it."""
    told = {True: set[str](), False: set[str]()}
    for signal in window.signals:
        if signal.source == "metric":
            seen = window.recent[str(signal.node)].is_finite().any()
            told[bool(seen)].add(signal.node.entity)
    return sorted(told[False] - told[True])


def _answer(diagnosis: Diagnosis, units: dict[Node, str]) -> Iterator[str]:
    first = diagnosis.root_causes[0]
    of_entity = sum(c.probability for c in diagnosis.root_causes if c.entity == first.entity)
    yield (
        f"The likeliest cause is {printable(first.entity)} ({percent(of_entity)}, "
        f"{diagnosis.calibration}), seen in its signal {printable(first.signal)}."
    )
    seen = {anomaly.node: anomaly for anomaly in diagnosis.anomalies}
    if first.node in seen:
        yield _moved(seen[first.node], units)
    assert diagnosis.symptom is not None
    if first.node == diagnosis.symptom:
        yield "It is the symptom itself: nothing that was seen explains it."
    else:
        yield f"The symptom is {_name(diagnosis.symptom)}."
    yield (
        f"Something else that is watched: {percent(diagnosis.other_probability)}. A cause that "
        "nobody watches is in none of these figures."
    )


def _brief(brief: Brief | None) -> Iterator[str]:
    """Yield what a language model wrote, each sentence with what it cites; steps in our words."""
    if brief is None:
        return
    steps = {one.id: one.text for one in brief.evidence if one.is_action}
    for sentence in brief.sentences:
        step = f" ({steps[sentence.action]})" if sentence.action else ""
        yield f"{printable(sentence.text, SENTENCE)}{step} [{', '.join(sentence.evidence)}]"


def _surge(diagnosis: Diagnosis, window: Window) -> Iterator[str]:
    """Yield how much more is asked, and of whom, where that is why the first cause is named."""
    first, symptom = diagnosis.root_causes[0].entity, diagnosis.symptom
    if symptom is None or not surge(window, symptom, hop=1.0).get(first):
        return
    new = new_demand(window)
    asked = sorted(new.keys() - {first}, key=lambda entity: -new[entity])[:RIVALS]
    others = [f"{printable(entity)} ({_times(new[entity])})" for entity in asked]
    yield (
        f"More demand came in at {printable(first)}, {_times(new[first])} what it seldom exceeded"
        f"{', and was felt at ' if others else ''}{', '.join(others)}. That it reaches the symptom "
        "rests on the calls that were seen, not on a tested edge."
    )


def _times(share: float) -> str:
    return f"{1 / (1 - share):.2g} times" if share < 1 else "far more than"


def _path(diagnosis: Diagnosis) -> Iterator[str]:
    first, symptom = diagnosis.root_causes[0], diagnosis.symptom
    if len(first.path) < 2:
        if first.node != symptom:
            yield f"No tested path leads from {_name(first.node)} to the symptom."
        return
    edges = {(edge.cause, edge.effect): edge for edge in diagnosis.graph.edges}
    for pair in zip(first.path, first.path[1:], strict=False):
        yield _edge(edges[pair]) if pair in edges else f"{_name(pair[0])} acts on {_name(pair[1])}."


def _edge(edge: Edge) -> str:
    lag = f" after {duration(edge.lag_seconds)}" if edge.lag_seconds else ""
    test = ""
    if edge.p_value is not None and edge.effective_n is not None:
        test = f", {chance(edge.p_value)} on {edge.effective_n:.0f} independent instants"
    return (
        f"{_name(edge.cause)} acts on {_name(edge.effect)}{lag}: {edge.verdict}{test}; proposed by "
        f"{edge.origin}, its direction from {BASIS[edge.direction_from]}."
    )


def _evidence(anomalies: tuple[Anomaly, ...], units: dict[Node, str]) -> Iterator[str]:
    for anomaly in sorted(anomalies[:WITNESSES], key=lambda seen: seen.onset):
        yield _moved(anomaly, units)
    if len(anomalies) > WITNESSES:
        yield f"{counted(len(anomalies) - WITNESSES, 'more signal')} left the normal range."


def _changes(diagnosis: Diagnosis, window: Window) -> Iterator[str]:
    """Yield what is on record to have been changed lately, the latest on the accused first."""
    accused = diagnosis.root_causes[0].entity
    made = [
        (signal.node.entity == accused, when, signal.node)
        for signal in window.signals
        if signal.source == "change"
        for when in window.recent.filter(pl.col(str(signal.node)) > 0)["time"].to_list()
    ]
    for _, when, node in sorted(made, reverse=True, key=lambda one: one[:2])[:RIVALS]:
        what = printable(node.signal.partition("/")[2])
        yield f"On record: {what} on {printable(node.entity)}, {moment(when)} UTC."


def _moved(anomaly: Anomaly, units: dict[Node, str]) -> str:
    unit = units.get(anomaly.node, "")
    return (
        f"{_name(anomaly.node)} went from {quantity(anomaly.normal, unit)} to "
        f"{quantity(anomaly.observed, unit)} from {moment(anomaly.onset)} UTC on, "
        f"{anomaly.score:.3g} robust standard deviations from normal."
    )


def _tests(graph: CausalGraph) -> Iterator[str]:
    count = Counter(edge.verdict for edge in graph.edges)
    if not graph.edges:
        yield "No causal edge was proposed between the signals that moved."
        return
    yield (
        f"Of {counted(len(graph.edges), 'proposed edge')}, {count['supported']} supported, "
        f"{count['refuted']} refuted, {count['untestable']} untestable on the time before the "
        "incident (false discovery rate 5 %)."
    )
    if graph.violation_share is not None and graph.null_violation_share is not None:
        yield (
            f"The data deny {percent(graph.violation_share)} of the independences that the graph "
            f"implies, against {percent(graph.null_violation_share)} with its names shuffled"
            + (f" ({chance(graph.p_value)})" if graph.p_value is not None else "")
            + f": {WHOLE[graph.verdict]}."
        )
    known = sum(edge.direction_from in ("topology", "operator") for edge in graph.edges)
    yield (
        f"The graph weighs {percent(graph.trust)} in the ranking; of {known} of its edges the "
        "direction is known from who calls whom or from an operator."
    )


def _association(diagnosis: Diagnosis) -> Iterator[str]:
    for seen in diagnosis.associations[:RIVALS]:
        if seen.cause == diagnosis.symptom:
            continue
        facts = []
        if seen.correlation is not None:
            facts.append(f"correlated {seen.correlation:+.2f} with the symptom before the incident")
        if seen.lead_seconds is not None and seen.lead_seconds > 0:
            facts.append(f"left its range {duration(seen.lead_seconds)} before the symptom")
        elif seen.lead_seconds is not None and seen.lead_seconds < 0:
            facts.append(f"left its range {duration(-seen.lead_seconds)} after the symptom")
        elif seen.lead_seconds is not None:
            facts.append("left its range at the same step as the symptom")
        if facts:
            yield f"{_name(seen.cause)} {', and '.join(facts)}."


def _intervention(diagnosis: Diagnosis) -> Iterator[str]:
    for effect in diagnosis.interventions[:RIVALS]:
        if effect.cause == diagnosis.symptom:
            continue
        if effect.share is None:
            why = printable(effect.refused or "", SENTENCE)
            yield f"{_name(effect.cause)}: no estimate, {why}."
            continue
        between = ""
        if effect.low is not None and effect.high is not None:
            between = f" (90 % interval {100 * effect.low:.0f} to {100 * effect.high:.0f} %)"
        yield (
            f"Bringing {_name(effect.cause)} back to normal would remove "
            f"{100 * effect.share:.0f} % of the symptom's deviation{between}."
        )


def _counterfactual(diagnosis: Diagnosis, units: dict[Node, str]) -> Iterator[str]:
    unit = units.get(diagnosis.symptom, "") if diagnosis.symptom else ""
    for answer in diagnosis.counterfactuals[:RIVALS]:
        if answer.cause == diagnosis.symptom:
            continue
        if answer.occurred is None:
            yield f"{_name(answer.cause)}: no answer, {printable(answer.refused or '', SENTENCE)}."
            continue
        values = ""
        if answer.expected is not None and answer.observed is not None:
            values = (
                f", at {quantity(answer.expected, unit)} and not {quantity(answer.observed, unit)}"
            )
        verb = "would still have occurred" if answer.occurred else "would not have occurred"
        cause = _name(answer.cause)
        yield f"Had {cause} stayed normal, the symptom {verb}{values}."


def _others(diagnosis: Diagnosis) -> Iterator[str]:
    rivals = _entities(diagnosis.root_causes)[1:RIVALS]
    if rivals:
        yield "Next: " + ", ".join(f"{printable(e)} ({percent(p)})" for e, p in rivals) + "."
    for words, ranking in (
        ("Without any graph", diagnosis.ranking_without_graph),
        ("Without the language model", diagnosis.ranking_without_model),
    ):
        if ranking:
            same = ranking[0].entity == diagnosis.root_causes[0].entity
            name = "the same entity" if same else _name(ranking[0].node)
            yield f"{words} the first candidate is {name}."


def _missing(diagnosis: Diagnosis) -> Iterator[str]:
    yield from (printable(sentence, SENTENCE) for sentence in diagnosis.missing)
    if diagnosis.graph.unanswered:
        pairs = counted(diagnosis.graph.unanswered, "pair")
        yield f"The language model gave no answer about {pairs} of kinds of signals."
    brief = diagnosis.brief or Brief()
    sent = (*diagnosis.graph.sent, *brief.sent)
    yield from (f"Left the site: {printable(text, SENT)}" for text in sent)
    if brief.dropped and not brief.sentences:
        yield "The language model's brief is not shown: the facts do not back enough of it."


def _doubts(diagnosis: Diagnosis) -> Iterator[str]:
    first = diagnosis.root_causes[0]
    edges = {(edge.cause, edge.effect): edge for edge in diagnosis.graph.edges}
    steps = [edges[p] for p in zip(first.path, first.path[1:], strict=False) if p in edges]
    for edge in steps:
        if edge.verdict == "untestable":
            yield (
                f"More normal history in which {_name(edge.cause)} varies: its effect on "
                f"{_name(edge.effect)} could not be tested."
            )
        elif edge.direction_from in ("none", "model"):
            yield (
                f"Knowing that {_name(edge.effect)} acts on {_name(edge.cause)}: a test cannot "
                "tell the direction of this edge."
            )
    rivals = _entities(diagnosis.root_causes)[1:2]
    for entity, _ in rivals:
        yield (
            f"A repair of {printable(first.entity)} that leaves the symptom: {printable(entity)} "
            "comes next."
        )


def _unwatched(diagnosis: Diagnosis, window: Window) -> Iterator[str]:
    """Yield which parts could be the cause unseen: then a neighbour is named as surely as ever."""
    watched = {signal.node.entity for signal in window.signals}
    watched |= {end for pair in window.contains if watched & {*pair} for end in pair}
    near = [diagnosis.root_causes[0].entity]
    if diagnosis.symptom is not None and diagnosis.symptom.entity not in near:
        near.append(diagnosis.symptom.entity)
    for entity in near:
        called = {other for caller, other in window.topology if caller == entity} - watched
        if called:
            names = ", ".join(printable(name) for name in sorted(called)[:RIVALS])
            yield f"Signals of {names}: {printable(entity)} calls it, and nothing of it was read."


def _entities(causes: Iterable[RootCause]) -> list[tuple[str, float]]:
    """Return entities and their probability, most probable first."""
    total: dict[str, float] = {}
    for cause in causes:
        total[cause.entity] = total.get(cause.entity, 0.0) + cause.probability
    return sorted(total.items(), key=lambda item: -item[1])


def _name(node: Node) -> str:
    return printable(str(node))
