"""A brief in a language model's words, as far as every word of it is backed by cited facts.

The model is told numbered facts, made of kinds, numbers and texts of the catalogue, and asked to
reword them. It is not believed: a sentence is dropped where it cites what is not there, has a
number, a machine, a direction, a denial or a deed that the facts it cites do not have, or speaks of
something else. Which steps there are, and their order, is none of its business. Where the cause or
the symptom does not survive, nothing of it is shown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from diagnose.failure import Failure
from diagnose.guidance.facts import kind_of, name_of
from diagnose.schema import Brief, Diagnosis, Evidence, Guidance, Node, Sentence, Window
from diagnose.wording import percent, printable, quantity

STEPS: Final = 2  # that a brief may name
LONGEST: Final = 300  # characters of a sentence
CONTENT: Final = 4  # letters of a word that says something; half of them are the facts' own
CAUSE: Final = "e1"
SYMPTOM: Final = "e2"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MACHINE: Final = re.compile(r"\b[Mm]achines? ([A-Z])\b")
UNIT: Final = r"%|°C|/s|ms|s|min|h|d|[TGMk]?(?:B|W|Hz)(?:/s)?|[TGMk]"
NUMBER: Final = re.compile(rf"(\d+(?:[.,]\d+)*)(?:\s*({UNIT})(?![a-zA-Z]))?")
WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?")


def _words(text: str) -> frozenset[str]:
    """Return the words of ``text``, without case."""
    return frozenset(WORD.findall(text.lower()))


# A sentence may have one of these only where a fact that it cites has one of the same list.
UP: Final = _words("rise rises rose risen rising increase increases increased up higher more grew")
DOWN: Final = _words(
    "fall falls fell falling decrease decreases decreased drops dropped down lower"
)
DENIALS: Final = _words("no not never none nothing without cannot neither nor hardly unlikely")
# Each of these only where a cited fact has the same.
COUNTS: Final = _words(
    "one two three four five six seven eight nine ten dozen hundred thousand million half twice "
    "double doubled triple tripled quarter third all every"
)
DEEDS: Final = _words(
    "add block call cancel change check clean clear delete disable drain drop enable end fix "
    "format free grow increase install kill limit move open pause pull reboot reduce remove "
    "replace reset resize restart restore roll rollback run scale set shut start stop switch "
    "truncate undo unmount update upgrade wait wipe"
)


class Writer(Protocol):
    """Who rewords facts.

    Attributes:
        sent: Every text that left the site for it.
    """

    sent: tuple[str, ...]

    def write(self, evidence: Sequence[Evidence]) -> tuple[Sentence, ...]:
        """Return sentences that reword ``evidence`` and cite it."""


def brief(diagnosis: Diagnosis, window: Window, writer: Writer) -> Diagnosis:
    """Return ``diagnosis`` with a brief, as far as it survives its check; nothing else changes.

    Args:
        diagnosis: With its guidance.
        window: Its signals have kinds and units.
        writer: Who is asked.
    """
    if not diagnosis.root_causes or diagnosis.symptom is None:
        return diagnosis
    letters = _letters(diagnosis)
    evidence = tuple(evidence_of(diagnosis, window, letters))
    try:
        written = writer.write(evidence)
    except Failure as failure:
        missing = (*diagnosis.missing, f"There is no brief: {failure.what}.")
        return replace(diagnosis, missing=missing)
    kept = tuple(one for one in written if is_backed(one, evidence))
    cited = {name for sentence in kept for name in sentence.evidence}
    survives = {CAUSE, SYMPTOM} <= cited
    names = {letter: entity for entity, letter in letters.items()}
    shown = tuple(replace(one, text=_named(one.text, names)) for one in kept) if survives else ()
    plain = tuple(replace(one, text=_named(one.text, names)) for one in evidence)
    made = Brief(shown, plain, len(written) - len(shown), writer.sent)
    return replace(diagnosis, brief=made)


def evidence_of(
    diagnosis: Diagnosis, window: Window, letters: Mapping[str, str]
) -> Iterator[Evidence]:
    """Yield what a brief may cite: the cause, the symptom, the effect of a repair, the steps.

    Args:
        diagnosis: With its causes.
        window: Its signals have kinds and units.
        letters: What each entity is called.
    """
    kinds = {signal.node: signal.kind for signal in window.signals}
    seen = {anomaly.node: anomaly for anomaly in diagnosis.anomalies}

    def moved(node: Node) -> str:
        kind = kinds.get(node) or kind_of(node)
        name = name_of(node, kind)
        where = f"the {name} of machine {letters[node.entity]}"
        if node not in seen:
            return where
        normal, observed = seen[node].normal, seen[node].observed
        way = "rose" if observed > normal else "fell"
        told = quantity(normal, kind.unit), quantity(observed, kind.unit)
        return f"{where} {way} from {told[0]} to {told[1]}"

    first, symptom = diagnosis.root_causes[0], diagnosis.symptom
    assert symptom is not None
    share = sum(c.probability for c in diagnosis.root_causes if c.entity == first.entity)
    yield Evidence(
        CAUSE,
        f"The likeliest cause ({percent(share)}) is machine {letters[first.entity]}: "
        f"{moved(first.node)}.",
    )
    yield Evidence(SYMPTOM, f"The symptom: {moved(symptom)}.")
    if diagnosis.guidance:
        yield from _advised(diagnosis.guidance[0])


def is_backed(sentence: Sentence, evidence: Sequence[Evidence]) -> bool:
    """Return whether ``sentence`` says nothing that the facts it cites do not say.

    Args:
        sentence: What a model wrote.
        evidence: What it was told.
    """
    known = {one.id: one for one in evidence}
    if not sentence.evidence or not set(sentence.evidence) <= known.keys():
        return False
    cited = [known[name] for name in sentence.evidence]
    actions = {one.id for one in cited if one.is_action}
    if sentence.action and sentence.action not in actions:
        return False
    text, facts = sentence.text, " ".join(one.text for one in cited)
    if not text.strip() or text != printable(text, LONGEST):
        return False
    told, backed = _words(text), _words(facts)
    content = {word for word in told if len(word) >= CONTENT}
    return (
        set(NUMBER.findall(text)) <= set(NUMBER.findall(facts))
        and set(MACHINE.findall(text)) <= set(MACHINE.findall(facts))
        and all(bool(told & way) <= bool(backed & way) for way in (UP, DOWN, DENIALS))
        and (told & COUNTS) <= backed
        and (told & DEEDS) <= backed
        and len(content & backed) * 2 >= len(content) > 0
    )


def _advised(guidance: Guidance) -> Iterator[Evidence]:
    """Yield the effect of the repair, where it is known, and its first steps."""
    effect = guidance.effect
    if effect and effect.share is not None and effect.low is not None and effect.high is not None:
        between = f"{100 * effect.low:.0f} to {100 * effect.high:.0f} %"
        yield Evidence(
            "e3",
            "A repair of the cause would remove "
            f"{100 * effect.share:.0f} % of the symptom's deviation (90 % interval {between}).",
        )
    steps = [step for step in guidance.steps if step.repairs] or list(guidance.steps)
    for step in steps[:STEPS]:
        yield Evidence(f"{guidance.runbook}#{step.id}", step.action, is_action=True)


def _letters(diagnosis: Diagnosis) -> dict[str, str]:
    """Return what the entities of the answer are called, so that no sender's word is told."""
    symptom = (diagnosis.symptom,) if diagnosis.symptom else ()
    nodes = (diagnosis.root_causes[0].node, *symptom)
    return dict(zip(dict.fromkeys(node.entity for node in nodes), LETTERS, strict=False))


def _named(text: str, names: Mapping[str, str]) -> str:
    """Return ``text`` with the entities' own names."""
    return MACHINE.sub(lambda found: printable(names.get(found[1], found[0])), text)
