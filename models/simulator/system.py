"""Structural causal models of sites: variables of components, and how each follows its causes.

A system is a part of a site that somebody watches: signals that are measured, and a few common
causes that are not. What a signal follows, and how, is drawn once a system; another environment
(another host generation, another load level) changes some of the mechanisms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from diagnose.schema import Failure, Node, Signal
from models.kinds import VOCABULARY
from models.simulator.concepts import Concept, Link
from models.simulator.instances import Instance, instances_of, links_between
from models.simulator.names_exporters import PROMETHEUS
from models.simulator.rows import Lag
from models.simulator.topology import Component, Topology

Shape = Literal["linear", "saturating", "threshold", "queueing"]
SHAPES: Final[tuple[Shape, ...]] = ("linear", "saturating", "threshold", "queueing")
LINEAR: Final = 0.4  # share of the mechanisms that are linear; the others are equally often
DELAYS: Final[dict[Lag, tuple[int, int]]] = {
    "now": (0, 0),
    "soon": (1, 2),
    "minutes": (1, 3),
    "hours": (1, 3),
}
COMMON: Final = 4.0  # how much likelier a signal is to be watched that exporters publish
HIDDEN: Final = 0.2  # common causes that nobody measures, as a share of the measured signals
JOINT: Final = 0.25  # share of the effects with several causes of which two work together
MOST_CAUSES: Final = 5  # that act on one variable of one system, of all that might
SURPRISES: Final = 0.2  # links that nobody knows of which are tried, as a share of the known ones
MEASURABLE: Final = frozenset(kind.name for kind in VOCABULARY if kind.tier != "unknown")


@dataclass(frozen=True, slots=True)
class Variable:
    """One concept of one component.

    Attributes:
        component: Whose it is.
        concept: What it is.
        measured: Whether a signal shows it.
    """

    component: Component
    concept: Concept
    measured: bool = True

    @property
    def node(self) -> Node:
        """Return the variable as a graph names it."""
        return Node(self.component.name, self.concept.name)

    @property
    def signal(self) -> Signal:
        """Return the signal that shows it."""
        template = "log message" in self.concept.name
        return Signal(self.node, self.concept.kind, "template" if template else "metric")


@dataclass(frozen=True, slots=True)
class Influence:
    """How one variable follows another.

    Attributes:
        cause: Number of a variable.
        effect: Number of a later variable.
        sign: 1 where more makes more, -1 where it makes less.
        weight: How much it counts beside the effect's other causes, positive.
        delay: By how many steps the effect follows.
        inertia: Share of its past that the influence keeps: heat and wear build up.
        shape: Linear, saturating, only beyond a threshold, or rising without bound like the wait
            before a busy server.
    """

    cause: int
    effect: int
    sign: Literal[-1, 1]
    weight: float
    delay: int
    inertia: float
    shape: Shape


@dataclass(frozen=True)
class System:
    """A structural causal model.

    Attributes:
        topology: The site it is a part of.
        variables: Causes before effects.
        influences: What follows what.
        explained: For each variable, the share of its variance that its causes make.
        memory: For each variable, how much of its own noise lasts from one step to the next.
        joint: Pairs of influences on one effect of which each works only with the other.
        seed: What it was drawn from.
    """

    topology: Topology
    variables: tuple[Variable, ...]
    influences: tuple[Influence, ...]
    explained: tuple[float, ...]
    memory: tuple[float, ...]
    joint: tuple[tuple[int, int], ...]
    seed: int

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """Return the signals, in the order of the variables that they show."""
        return tuple(variable.signal for variable in self.variables if variable.measured)

    @cached_property
    def edges(self) -> frozenset[tuple[Node, Node]]:
        """Return the true graph over what is measured.

        A path through unmeasured variables alone is an edge. A hidden common cause is none.
        """
        children: dict[int, set[int]] = {}
        for influence in reversed(self.influences):  # effects first, so that paths are complete
            onward = children.setdefault(influence.cause, set())
            measured = self.variables[influence.effect].measured
            onward |= {influence.effect} if measured else children.get(influence.effect, set())
        return frozenset(
            (self.variables[cause].node, self.variables[effect].node)
            for cause, effects in children.items()
            for effect in effects
            if self.variables[cause].measured
        )


def system_of(topology: Topology, size: int, seed: int) -> System:
    """Return a system of ``size`` measured signals that hang together, and some hidden causes.

    Raises:
        Failure: the site has not so many signals.
    """
    rng = np.random.default_rng([seed, size, 29])
    instances = list(instances_of(topology))
    place = {instance: i for i, instance in enumerate(instances)}
    acts = {
        (place[cause], place[effect]): link
        for cause, effect, link in links_between(topology, instances)
    }
    measured = _watched(instances, set(acts), size, rng)
    hidden = _confounders(measured, set(acts), size, rng)
    order = _causes_first(measured | hidden, set(acts))
    number = {instance: i for i, instance in enumerate(order)}
    variables = tuple(Variable(*instances[i], measured=i in measured) for i in order)
    known = {
        (number[cause], number[effect]): link
        for (cause, effect), link in acts.items()
        if cause in number and effect in number
    }
    acting = {**_strongest(known, rng), **dict(_unknown(variables, len(known), rng))}
    influences = tuple(_influence(*pair, acting[pair], rng) for pair in sorted(acting))
    return System(
        topology,
        variables,
        influences,
        tuple(rng.uniform(0.3, 0.8, len(order)).tolist()),
        tuple(rng.uniform(0.0, 0.8, len(order)).tolist()),
        tuple(_joint(influences, rng)),
        seed,
    )


Pairs = set[tuple[int, int]]


def _watched(
    instances: list[Instance], acts: Pairs, size: int, rng: np.random.Generator
) -> set[int]:
    """Return signals that grew from one demand along what acts on what, common ones first."""
    can = {i for i, (_, concept) in enumerate(instances) if concept.name in MEASURABLE}
    if len(can) < size:
        what = f"a site has {len(can)} signals, {size} were asked for"
        raise Failure(what, "ask for fewer, or take a larger topology")
    beside: dict[int, set[int]] = {i: set() for i in range(len(instances))}
    for cause, effect in acts:
        beside[cause].add(effect)
        beside[effect].add(cause)
    demand = [i for i in sorted(can) if instances[i][1].kind.load]
    chosen = {int(rng.choice(demand or sorted(can)))}
    ahead = set(beside[min(chosen)])
    while len(chosen) < size:
        around = sorted((ahead or can) & can - chosen) or sorted(can - chosen)
        often = np.array([COMMON if instances[i][1].name in PROMETHEUS else 1.0 for i in around])
        one = int(rng.choice(around, p=often / often.sum()))
        chosen.add(one)
        ahead |= beside[one]
    return chosen


def _confounders(measured: set[int], acts: Pairs, size: int, rng: np.random.Generator) -> set[int]:
    """Return some of the unmeasured variables that act on two measured ones or more."""
    effects: dict[int, int] = {}
    for cause, effect in acts:
        if effect in measured and cause not in measured:
            effects[cause] = effects.get(cause, 0) + 1
    common = sorted(cause for cause, number in effects.items() if number > 1)
    return set(rng.permutation(common)[: round(HIDDEN * size)].tolist())


def _causes_first(chosen: set[int], acts: Pairs) -> list[int]:
    """Return ``chosen`` in an order in which nothing acts on what stands before it."""
    causes = {i: {c for c, e in acts if e == i and c in chosen} for i in chosen}
    order: list[int] = []
    while causes:
        free = sorted(i for i, left in causes.items() if not left)
        order += free
        causes = {i: left - set(free) for i, left in causes.items() if i not in free}
    return order


Acting = dict[tuple[int, int], Link]


def _strongest(known: Acting, rng: np.random.Generator) -> Acting:
    """Return what matters here: of the many possible causes of one effect, a few."""
    order = [list(known)[i] for i in rng.permutation(len(known))]
    left = dict.fromkeys((effect for _, effect in known), MOST_CAUSES)
    kept = {}
    for cause, effect in order:
        left[effect] -= 1
        if left[effect] >= 0:
            kept[cause, effect] = known[cause, effect]
    return kept


def _unknown(
    variables: Sequence[Variable], known: int, rng: np.random.Generator
) -> Iterator[tuple[tuple[int, int], Link]]:
    """Yield links within one component that no engineer has written down."""
    for _ in range(round(SURPRISES * known)):
        cause, effect = sorted(rng.choice(len(variables), 2, replace=False).tolist())
        one, other = variables[cause], variables[effect]
        if one.component == other.component:
            sign: Literal[-1, 1] = 1 if rng.random() < 0.5 else -1
            yield (cause, effect), Link(one.node.signal, other.node.signal, "same", sign, "now")


def _influence(cause: int, effect: int, link: Link, rng: np.random.Generator) -> Influence:
    """Return how one variable follows another, drawn within what is known of the link."""
    low, high = DELAYS[link.lag]
    slow = link.lag in ("minutes", "hours")
    shape: Shape = "linear" if rng.random() < LINEAR else SHAPES[int(rng.integers(1, 4))]
    return Influence(
        cause,
        effect,
        link.sign,
        float(rng.uniform(0.5, 1.5)),
        int(rng.integers(low, high + 1)),
        float(rng.uniform(0.5, 0.9)) if slow else 0.0,
        shape,
    )


def _joint(
    influences: tuple[Influence, ...], rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Yield some pairs of influences on one effect that work together."""
    by_effect: dict[int, list[int]] = {}
    for i, influence in enumerate(influences):
        by_effect.setdefault(influence.effect, []).append(i)
    for numbers in by_effect.values():
        if len(numbers) > 1 and rng.random() < JOINT:
            first, second = sorted(rng.permutation(numbers)[:2].tolist())
            yield first, second
