"""What would follow if a signal were held at a value, and what would have to be held where."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from diagnose.schema.checks import finite, share
from diagnose.schema.claim import Counterfactual
from diagnose.schema.telemetry import Node

Refuter = Literal["placebo", "random common cause", "data subset"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A signal and the value at which it would be held.

    Attributes:
        node: Whose, and which.
        value: In the signal's unit.
        unit: Of the signal; "" where it is not known.
    """

    node: Node
    value: float
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse a number that JSON cannot carry."""
        finite("value", self.value)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one signal would show, on average over the time for which the symptom was affected.

    Attributes:
        node: Which signal.
        normal: Median of normal life, in its unit.
        observed: What it did show.
        expected: What it would show.
        low: Lower end of the 90 % interval of ``expected``.
        high: Upper end of it.
        unit: Of all of these.
    """

    node: Node
    normal: float
    observed: float
    expected: float
    low: float
    high: float
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that JSON cannot carry."""
        for name in ("normal", "observed", "expected", "low", "high"):
            finite(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Refutation:
    """An attempt to refute that the held signal has this effect in normal life.

    Attributes:
        name: With a permuted cause, another random cause beside it, or on a part of the rows.
        effect: By regression on all rows, in the symptom's unit.
        under_attack: The mean of the same under the attack; near 0 for a placebo, else near
            ``effect``.
        p_value: For a placebo, the chance that a permuted cause does as much; else DoWhy's, that
            the effect is one of those under attack. None where not known.
        upheld: Whether the effect survived.
    """

    name: Refuter
    effect: float
    under_attack: float
    p_value: float | None
    upheld: bool

    def __post_init__(self) -> None:
        """Refuse numbers that JSON cannot carry."""
        finite("effect", self.effect)
        finite("under_attack", self.under_attack)
        share("p_value", self.p_value)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would follow from holding a signal, and whether the symptom would have occurred.

    Attributes:
        incident: Identifier of the incident.
        symptom: What is explained.
        setting: What would be held where.
        effects: From the first signal that follows to the symptom; empty where refused.
        refused: Why no effect is given; None where one is.
        nearest: The value nearest to the one asked for at which an effect could be given; None
            where there is none, or none is needed.
        refutations: Of the effect on the symptom.
        counterfactual: Rung three, for the same value; None where the effect is not on the symptom.
    """

    incident: str
    symptom: Node
    setting: Setting
    effects: tuple[Effect, ...] = ()
    refused: str | None = None
    nearest: float | None = None
    refutations: tuple[Refutation, ...] = ()
    counterfactual: Counterfactual | None = None

    def __post_init__(self) -> None:
        """Refuse a silent gap: an effect, or a reason."""
        if bool(self.effects) == (self.refused is not None):
            raise ValueError("a what-if has effects or a reason to refuse them")
        if self.nearest is not None:
            finite("nearest", self.nearest)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a signal should show.

    Attributes:
        node: Which signal.
        bound: Largest or smallest value that will do, in its unit.
        at_most: Whether ``bound`` is the largest.
        unit: Of ``bound``.
    """

    node: Node
    bound: float
    at_most: bool
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse a number that JSON cannot carry."""
        if not isfinite(self.bound):
            raise ValueError(f"a goal is finite, and {self.bound} is not")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a goal.

    Attributes:
        settings: What would be held where; two at most.
        size: How far that is from what was, in widths of the signals' normal ranges, summed up.
        effect: On the goal's signal.
        chance: That the goal is reached.
    """

    settings: tuple[Setting, ...]
    size: float
    effect: Effect
    chance: float

    def __post_init__(self) -> None:
        """Refuse a chance that is none."""
        finite("size", self.size)
        share("chance", self.chance)


@dataclass(frozen=True, slots=True)
class Plan:
    """The smallest interventions that reach a goal.

    Attributes:
        incident: Identifier of the incident.
        goal: What was asked for.
        ways: Smallest first; empty where none in support reaches it.
        closest: Where none does, the single one whose effect comes nearest.
        refused: Why there is no way; None where there is one.
        not_told: Signals of which nothing can be said, and why, a sentence each.
    """

    incident: str
    goal: Goal
    ways: tuple[Way, ...] = ()
    closest: Way | None = None
    refused: str | None = None
    not_told: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a silent gap: a way, or a reason."""
        if bool(self.ways) == (self.refused is not None):
            raise ValueError("a plan has ways or a reason why there is none")
