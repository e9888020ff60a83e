"""The top of a page: the answer, when it was, and what to look at next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from diagnose.page.tables import EntityShare, entities
from diagnose.page.text import shortened, visible
from diagnose.page.timeline import Track
from diagnose.schema import Diagnosis, Intervention, Node, RootCause, Window
from diagnose.wording import counted, moment, percent

Tone = Literal["incident", "silent", "open"]

DOUBTS: Final = "What would change our mind"  # the story's paragraph
SENTENCE: Final = 400  # characters of what the story tells
BESIDE: Final = 3  # signals of the accused that are named
NAMED: Final = 80  # characters of one
OTHER: Final = "the fault is in none of these, but in something else that is watched"
HEADLINE: Final = 60  # columns of a name
SURE: Final = 0.05  # share of the deviation from which a repair is worth telling
READING: Final = {
    "calibrated": "Calibrated: of answers given with this probability, about that share held in "
    "labelled incidents of other systems. Yours may differ.",
    "uncalibrated": "Uncalibrated: too few labelled incidents stand behind this number. Read it "
    "as an order of suspects, not as odds.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A word and what it is, with a second line in small type."""

    word: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is read first.

    Attributes:
        tone: A cause was named, nothing happened, or something did and no cause can be named.
        headline: The answer in a few words.
        probability: Of the likeliest entity; "" where none is named.
        calibration: Whether that is to be taken literally, in one word.
        reading: The same in a sentence.
        sentences: What it rests on.
        facts: When, and what is explained.
        shares: The likeliest entities.
        other: That it is none of the candidates.
        next: What to look at.
    """

    tone: Tone
    headline: str
    probability: str
    calibration: str
    reading: str
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    shares: tuple[EntityShare, ...]
    other: EntityShare | None
    next: tuple[str, ...]


def answer_of(diagnosis: Diagnosis, window: Window, tracks: Sequence[Track]) -> Answer:
    """Return the top of the page for ``diagnosis``, whose signals are told as in ``tracks``."""
    facts = tuple(_facts(diagnosis, window))
    if not diagnosis.root_causes:
        silent = not diagnosis.anomalies
        told = diagnosis.story[0].sentences if diagnosis.story else ()
        return Answer(
            "silent" if silent else "open",
            "No incident" if silent else "No cause can be named",
            "",
            "",
            "",
            tuple(_bare(sentence) for sentence in told),
            facts,
            (),
            None,
            (),
        )
    first = diagnosis.root_causes[0]
    shares = entities(diagnosis.root_causes)
    other = diagnosis.other_probability
    return Answer(
        "incident",
        f"{shortened(shares[0].name, HEADLINE)} is the likeliest cause",
        shares[0].words,
        diagnosis.calibration,
        READING[diagnosis.calibration],
        tuple(_seen(diagnosis, first, tracks)),
        facts,
        shares,
        EntityShare("something else", OTHER, percent(other), round(100 * other, 1)),
        tuple(_next(diagnosis, shares)),
    )


def _bare(sentence: str) -> str:
    """Return a sentence without what the headline says already."""
    rest = visible(sentence, SENTENCE).removeprefix("No incident: ")
    return rest[:1].upper() + rest[1:]


def unit_of(node: Node | None, window: Window) -> str:
    """Return the unit of a signal; "" where it is not known."""
    return next((s.kind.unit for s in window.signals if s.node == node), "")


def stamp(time: datetime) -> str:
    """Return a day and a time of day."""
    return f"{time:%Y-%m-%d} {moment(time)} UTC"


def _facts(diagnosis: Diagnosis, window: Window) -> Iterator[Fact]:
    if diagnosis.alert_time:
        yield Fact(
            "Alert", f"{moment(diagnosis.alert_time)} UTC", f"{diagnosis.alert_time:%A, %Y-%m-%d}"
        )
    if diagnosis.silenced:
        yield Fact("Silenced", visible(diagnosis.silenced, SENTENCE))
    if diagnosis.anomalies:
        first = min(diagnosis.anomalies, key=lambda seen: seen.onset)
        yield Fact("First deviation", f"{moment(first.onset)} UTC", visible(str(first.node)))
    if diagnosis.symptom:
        yield Fact("Symptom", visible(diagnosis.symptom.entity), visible(diagnosis.symptom.signal))
    else:
        number = counted(len(window.signals), "signal")
        yield Fact("Looked at", number, f"up to {moment(window.as_of)} UTC")


def _seen(diagnosis: Diagnosis, first: RootCause, tracks: Sequence[Track]) -> Iterator[str]:
    signal = visible(first.signal)
    onset = next((seen.onset for seen in diagnosis.anomalies if seen.node == first.node), None)
    at = f" at {moment(onset)} UTC" if onset else ""
    track = next((track for track in tracks if track.role == "cause"), None)
    if track:
        yield f"{signal} went from {track.normal} to {track.observed}{at}."
    else:
        yield f"Seen in {signal}."
    if first.node == diagnosis.symptom:
        yield "It is the symptom itself: nothing that was seen explains it."
    elif len(first.path) < 2:
        yield "No tested path leads from it to the symptom."


def _next(diagnosis: Diagnosis, shares: Sequence[EntityShare]) -> Iterator[str]:
    repairs = [r for r in diagnosis.interventions if r.share is not None and r.share >= SURE]
    yield from (_repair(repair) for repair in repairs[:1])
    first = diagnosis.root_causes[0]
    beside = [
        visible(seen.node.signal, NAMED)
        for seen in diagnosis.anomalies
        if seen.node.entity == first.entity and seen.node not in (first.node, diagnosis.symptom)
    ]
    if beside:
        more = f" and {len(beside) - BESIDE} more" if len(beside) > BESIDE else ""
        yield f"Also abnormal on {visible(first.entity)}: {', '.join(beside[:BESIDE])}{more}."
    _, *others = shares
    if others:
        named = ", then ".join(f"{other.name} ({other.words})" for other in others[:2])
        yield f"If its repair leaves the symptom: {named}."


def doubts_of(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return what would change the answer, as the story tells it."""
    told = [part.sentences for part in diagnosis.story if part.title == DOUBTS]
    return tuple(visible(sentence, SENTENCE) for sentences in told for sentence in sentences)


def _repair(effect: Intervention) -> str:
    between = ""
    if effect.low is not None and effect.high is not None:
        between = f" (90 % interval {100 * effect.low:.0f} to {100 * effect.high:.0f} %)"
    return (
        f"Bringing {visible(str(effect.cause))} back to normal would remove "
        f"{100 * (effect.share or 0.0):.0f} % of the symptom's deviation{between}."
    )
