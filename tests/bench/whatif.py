"""How well what-ifs are answered on servers of known mechanisms: python -m tests.bench.whatif

Every request is lived through again on the server itself, five times: the signal held, fresh noise
in all that it acts on, everything else as it was. Told are the share of 90 % intervals that hold
what then comes, the share of requests outside of all that was seen that are refused, the share of
counterfactuals that are refused where what a signal shows hides its noise, and the share of effects
that DoWhy's refuters uphold, where there is one and where the cause shows another server's life.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from time import perf_counter
from typing import Final, get_args

import numpy as np

from diagnose.causal.abduction import worst
from diagnose.causal.rehearsal import staged
from diagnose.causal.scene import scene
from diagnose.intervene import imagine, refutations
from diagnose.schema import Refutation
from diagnose.schema.whatif import Refuter
from diagnose.whatif import asked, effect_on
from tests.bench.servers import Episode, Veil, episode, random_server

VEILS: Final[tuple[Veil, ...]] = ("none", "clipped", "counted", "switched", "growing")
BEYOND: Final = (0.02, 2.0)  # widths of what was seen, by which a request lies outside of it
LIVES: Final = 5  # times that each request is lived through
RESAMPLED: Final = 2000


@dataclass(frozen=True)
class Asked:
    """One request and how it fared."""

    shape: str  # of the symptom's mechanism
    rows: int
    fault: str  # where it is: at the signal held, between it and the symptom, ...
    refused: str | None
    held: float = 0.0  # share of lives in which the interval holds what came
    width: float = 0.0  # of the interval, in standard deviations of normal life
    error: float = 0.0  # likewise
    seconds: float = 0.0


def requests(seed: int) -> Iterator[tuple[str, Asked]]:
    """Yield what was asked of one server: a value that was seen, and one that was not."""
    rng = np.random.default_rng(seed)
    server = random_server(rng, int(rng.integers(4, 8)))
    symptom = len(server.mechanisms) - 1
    fault = int(rng.integers(0, symptom + 1))
    rows, recent = int(rng.choice([240, 480, 960])), int(rng.choice([20, 30, 40]))
    lived = episode(rng, server, fault, float(rng.uniform(2, 8)), rows, recent)
    cause = int(rng.choice([c for c in range(symptom) if symptom in server.descendants(c)]))
    shown = lived.window.baseline[str(server.nodes[cause])].to_numpy()
    inside = float(rng.uniform(*np.quantile(shown, (0.02, 0.98))))
    yield "inside", ask(lived, cause, fault, inside)
    far = float(rng.uniform(*BEYOND)) * float(np.ptp(shown))
    outside = shown.max() + far if rng.random() < 0.5 else shown.min() - far
    yield "outside", ask(lived, cause, fault, float(outside))


def ask(lived: Episode, cause: int, fault: int, value: float) -> Asked:
    """Return how one request fared."""
    server, seen = lived.server, lived.window
    symptom = len(server.mechanisms) - 1
    begin = perf_counter()
    incident = scene(server.graph, seen, server.nodes[-1])
    stage = staged(incident, [cause], symptom)
    shown, refused = asked(stage, {cause: value}, {})
    took = perf_counter() - begin
    where = place(lived, cause, fault, stage.between([cause]))
    shape = server.mechanisms[-1].shape
    if refused:
        return Asked(shape, lived.rows, where, refused, seconds=took)
    effect = effect_on(stage, symptom, shown[symptom], {})
    real = [
        float(lived.again(np.random.default_rng(life), {cause: value})[incident.asked, -1].mean())
        for life in range(LIVES)
    ]
    usual = float(np.nanstd(incident.baseline[:, symptom]))
    return Asked(
        shape,
        lived.rows,
        where,
        None,
        float(np.mean([effect.low <= one <= effect.high for one in real])),
        (effect.high - effect.low) / usual,
        abs(effect.expected - float(np.mean(real))) / usual,
        took,
    )


def place(lived: Episode, cause: int, fault: int, between: Sequence[int]) -> str:
    """Return where the fault is, seen from the signal that is held."""
    if fault == cause:
        return "fault where it is held"
    if fault in between:
        last = len(lived.server.mechanisms) - 1
        return "fault at the symptom" if fault == last else "fault between"
    above = cause in lived.server.descendants(fault)
    return "fault above" if above else "fault elsewhere"


@dataclass(frozen=True)
class Imagined:
    """One counterfactual and how it fared."""

    refused: str | None
    right: bool = False  # whether the symptom would have occurred
    error: float = 0.0  # of its value, in standard deviations of normal life


def imagined(seed: int, veil: Veil, between: bool = False) -> Imagined:
    """Return how a counterfactual fared; a veil hides the noise of the symptom, or of what is
    between it and its cause.
    """
    rng = np.random.default_rng(seed)
    server = random_server(rng, 5, veil, between)
    cause = server.mechanisms[-2 if between else -1].parents[0]
    lived = episode(rng, server, cause, 4.0, 480, 30)
    incident = scene(server.graph, lived.window, server.nodes[-1])
    stage = staged(incident, [cause], incident.target, refits=1)
    value = float(incident.normal[cause])
    told = imagine(stage, server.nodes[cause], value)
    if told.expected is None:
        return Imagined(told.refused)
    held = np.full(len(lived.noise), np.nan)
    held[lived.begin :] = value
    shown = server.live(lived.noise, lived.shifts, {cause: held})[lived.begin :, -1]
    real = float(np.median(shown[worst(incident)]))
    occurred = not incident.low[-1] <= real <= incident.high[-1]
    usual = float(incident.baseline[:, -1].std())
    return Imagined(None, told.occurred == occurred, abs(told.expected - real) / usual)


def counterfactuals(seeds: Sequence[int]) -> Iterator[str]:
    """Yield what to print of counterfactuals on one server a seed."""
    for veil, between in product(VEILS, (False, True)):
        found = [imagined(seed, veil, between) for seed in seeds]
        where = "between" if between else "of the symptom"
        what = f"noise {where} {veil}"
        yield f"counterfactual refused, {what}: {share([one.refused is not None for one in found])}"
        why = Counter(_reason(one.refused) for one in found if one.refused)
        yield f"  {why.most_common(6)}"
        told = [one for one in found if one.refused is None]
        if told:
            error = float(np.median([one.error for one in told]))
            yield f"  right where answered: {share([one.right for one in told])}, off {error:.2f}"


def _reason(refused: str | None) -> str:
    return " ".join((refused or "").split()[-6:])


def attacks(seed: int, false: bool) -> tuple[Refutation, ...]:
    """Return how the effect of a parent of the symptom fares against each refuter.

    Args:
        seed: Of the server.
        false: Whether the parent shows what that of another server showed, so that there is none.
    """
    rng = np.random.default_rng(seed)
    server = random_server(rng, 5)
    cause = server.mechanisms[-1].parents[0]
    lived = episode(rng, server, 0, 4.0, 480, 30)
    if false:
        noise = server.noise(rng, len(lived.noise))
        values = lived.values.copy()
        values[:, cause] = server.live(noise, lived.shifts)[:, cause]
        lived = replace(lived, values=values)
    incident = scene(server.graph, lived.window, server.nodes[-1])
    return refutations(incident, server.nodes[cause])


def share(found: Sequence[float]) -> str:
    """Return a mean share with its 95 % interval, by drawing the requests anew."""
    if not len(found):
        return "-"
    rng, values = np.random.default_rng(0), np.asarray(found, dtype=float)
    means = rng.choice(values, (RESAMPLED, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}] of {len(values)}"


def main(servers: int = 300, first: int = 0) -> None:
    """Print the figures of ``servers`` servers, made from the seeds from ``first`` on."""
    seeds = range(first, first + servers)
    every = [one for seed in seeds for one in requests(seed)]
    inside = [one for kind, one in every if kind == "inside"]
    outside = [one for kind, one in every if kind == "outside"]
    told = [one for one in inside if one.refused is None]
    lines = [
        f"90 % intervals that hold: {share([one.held for one in told])}",
        f"refused of requests outside: {share([one.refused is not None for one in outside])}",
        f"answered of requests inside: {share([one.refused is None for one in inside])}",
        f"median width, in standard deviations: {np.median([one.width for one in told]):.2f}",
        f"median error, likewise: {np.median([one.error for one in told]):.2f}",
        f"median seconds of an answer: {np.median([one.seconds for one in told]):.2f}",
    ]
    groups: dict[str, list[float]] = defaultdict(list)
    for one in told:
        for group in (one.shape, f"{one.rows} rows", one.fault):
            groups[group].append(one.held)
    lines += [f"  holds, {group}: {share(groups[group])}" for group in sorted(groups)]
    lines += counterfactuals(seeds[: servers // 3])
    for false, effect in ((False, "true"), (True, "no")):
        told_of = [one for seed in seeds[: servers // 3] for one in attacks(seed, false)]
        for name in get_args(Refuter):
            upheld = [one.upheld for one in told_of if one.name == name]
            lines.append(f"{effect} effect upheld by {name}: {share(upheld)}")
    why = Counter(_reason(one.refused) for one in inside if one.refused)
    sys.stdout.write("\n".join([*lines, f"refused inside: {why.most_common(8)}"]) + "\n")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
