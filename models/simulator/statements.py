"""Sentences of causal knowledge about servers, each with its twin in which cause and effect swap.

A reader who learns from them must weigh direction: the twin has the same words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from models.simulator.concepts import Link, concepts, links
from models.simulator.questions import OFTEN
from models.simulator.vocabularies import Vocabulary, named

# Of one link. {more} is "raises" or "lowers", {rising} is "rises" or "falls".
OF_ONE: Final = (
    "{cause} acts on {effect}.",
    "{effect} depends on {cause}.",
    "A change of {cause} shows in {effect} {when}.",
    "More {cause} {more} {effect}.",
    "When {cause} goes up, {effect} {rising} {when}.",
    "{effect} {rising} because {cause} goes up.",
    "If {effect} looks wrong, {cause} is one of the things that may lie behind it.",
    "An operator who changes {cause} also changes {effect}; the reverse does not hold.",
    "Fixing {cause} helps {effect}, but fixing {effect} does nothing for {cause}.",
    "{cause} comes first and {effect} follows {when}.",
    "The cause is {cause}; the effect is {effect}.",
    "{effect} is a consequence of {cause}.",
    "Were {cause} held still, {effect} would lose one of its drivers.",
    "Through {where}, {cause} {more} {effect}.",
    "Incident review: {cause} was the trigger and {effect} the symptom.",
    "{cause} -> {effect}",
    "Watch {cause}: {effect} {rising} after it.",
    "The alert on {effect} was noise from {cause}, which had moved before.",
    "Of the two, {cause} drives and {effect} is driven.",
    "Nothing done to {effect} alone brings {cause} back to normal.",
)
# Of two links in a row, a chain; the twin reverses it.
OF_CHAIN: Final = (
    "{cause} reaches {effect} by way of {middle}.",
    "{cause} moves {middle}, and {middle} moves {effect}.",
    "{middle} carries the influence of {cause} on to {effect}.",
    "{effect} goes back to {middle}, which goes back to {cause}.",
    "{cause} -> {middle} -> {effect}",
)
# Of two effects of one cause; in the twin the cause changes places with an effect.
OF_FORK: Final = (
    "{cause} drives both {effect} and {other}, so these two move together.",
    "{effect} and {other} go up and down together because of {cause}.",
    "Neither {effect} nor {other} acts directly on the other: {cause} is behind both.",
    "{effect} <- {cause} -> {other}",
)
SHAPES: Final = (0.7, 0.15, 0.15)  # shares of sentences of one link, of chains and of forks
WHEN: Final = {
    "now": "at once",
    "soon": "a little later",
    "minutes": "minutes later",
    "hours": "in the long run",
}
WHERE: Final = {
    "same": "what they share on one machine",
    "called": "the call to the service below",
    "caller": "the answer to the service above",
}


Subject = tuple[dict[str, str], Link]  # what is told of, and the link that says how it acts


@dataclass(frozen=True, slots=True)
class CausalStatement:
    """A true sentence, and the false one with cause and effect exchanged.

    Attributes:
        text: What is so.
        swapped: The same wording with the direction turned round.
    """

    text: str
    swapped: str


def causal_statements(seed: int, count: int) -> Iterator[CausalStatement]:
    """Yield ``count`` sentences; no concept or vocabulary that is kept for tests occurs in any.

    Args:
        seed: Chooses links, wordings and names.
        count: How many.
    """
    rng = np.random.default_rng([seed, 83])
    shapes = ((OF_ONE, _known()), (OF_CHAIN, _chains()), (OF_FORK, _forks()))
    vocabularies: list[Vocabulary] = [v for v in OFTEN if v != "nonsense"]
    often = np.array([OFTEN[v] for v in vocabularies])
    for _ in range(count):
        templates, subjects = shapes[int(rng.choice(3, p=SHAPES))]
        parts, link = subjects[int(rng.integers(len(subjects)))]
        template = templates[int(rng.integers(len(templates)))]
        vocabulary = vocabularies[int(rng.choice(len(often), p=often / often.sum()))]
        yield _statement(template, {**parts, **_manner(link)}, vocabulary, rng)


def _statement(
    template: str, parts: dict[str, str], vocabulary: Vocabulary, rng: np.random.Generator
) -> CausalStatement:
    """Return the sentence that ``template`` makes of ``parts``, and its twin."""
    told = {
        role: named(concepts()[part], vocabulary, rng).name if part in concepts() else part
        for role, part in parts.items()
    }
    turned = {**told, "cause": told["effect"], "effect": told["cause"]}
    return CausalStatement(template.format(**told), template.format(**turned))


def _manner(link: Link) -> dict[str, str]:
    """Return the words for how one thing acts on another."""
    up = link.sign > 0
    return {
        "more": "raises" if up else "lowers",
        "rising": "rises" if up else "falls",
        "when": WHEN[link.lag],
        "where": WHERE[link.place],
    }


@cache
def _known() -> tuple[Subject, ...]:
    """Return every link that training may know of."""
    return tuple(({"cause": link.cause, "effect": link.effect}, link) for link in _open())


@cache
def _chains() -> tuple[Subject, ...]:
    """Return every two links in a row of which the first cause does not act on the last effect."""
    linked = {(link.cause, link.effect) for link in links()}
    return tuple(
        ({"cause": first.cause, "middle": first.effect, "effect": then.effect}, first)
        for first in _open()
        for then in _open()
        if first.effect == then.cause
        and first.cause != then.effect
        and (first.cause, then.effect) not in linked
    )


@cache
def _forks() -> tuple[Subject, ...]:
    """Return every two effects of one cause of which neither acts directly on the other."""
    linked = {(link.cause, link.effect) for link in links()}
    return tuple(
        ({"cause": first.cause, "effect": first.effect, "other": then.effect}, first)
        for first in _open()
        for then in _open()
        if first.cause == then.cause
        and first.effect != then.effect
        and not linked & {(first.effect, then.effect), (then.effect, first.effect)}
    )


@cache
def _open() -> tuple[Link, ...]:
    """Return the links between different concepts that are not kept from training."""
    hidden = {name for name, concept in concepts().items() if concept.held_out}
    return tuple(
        link
        for link in links()
        if link.cause != link.effect and hidden.isdisjoint((link.cause, link.effect))
    )
