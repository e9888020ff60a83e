"""Telemetry of a simulated system: rows that obey its mechanisms, and a fault with known truth.

Every variable is a series on one regular step: the weighted sum of what its causes do to it, and
noise of its own that lasts. The sums are scaled by what they are in normal life, so that nothing
about a cause can be read from its variance. A fault moves one variable from outside and leaves
every mechanism as it is.

Reference: Reisach, Seiler, Weichwald, "Beware of the Simulated DAG", NeurIPS 2021, for why the
scales must not tell the order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.signal import lfilter

from diagnose.schema import Node, Window
from models.simulator.system import Influence, Shape, System, Variable

Array = NDArray[np.float64]
Course = Literal["jump", "ramp", "spikes"]

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
STEP_SECONDS: Final = 15.0
RECENT: Final = 40  # rows of the part around the alert; a fault begins a third into it
WARM_UP: Final = 200  # rows that are thrown away, until slow mechanisms have settled
DAY: Final = 960  # rows of one cycle of demand
CHANGED: Final = 0.2  # share of the mechanisms that another environment changes
GAP: Final = 0.01  # share of the values that are missing
HEAVY: Final = 0.3  # share of the variables whose noise has heavy tails


@dataclass(frozen=True, slots=True)
class Fault:
    """An intervention on one variable.

    Attributes:
        component: Name of the component that breaks.
        concept: Name of what happens to it.
        size: How far it is moved, in standard deviations of its normal life.
        course: At once and for good, slowly, or now and then.
    """

    component: str
    concept: str
    size: float = 6.0
    course: Course = "jump"


@dataclass(frozen=True, slots=True)
class Simulation:
    """What somebody who watches the system sees, and what is true.

    Attributes:
        window: The telemetry; the fault, if any, begins in its recent part.
        edges: (cause, effect) of the true graph over its signals.
        root_cause: What the fault moved, whether a signal shows it or not; None without a fault.
    """

    window: Window
    edges: frozenset[tuple[Node, Node]]
    root_cause: Node | None


def simulate(
    system: System,
    rows: int,
    seed: int,
    fault: Fault | None = None,
    environment: int = 0,
    held: Mapping[Node, float] | None = None,
) -> Simulation:
    """Return ``rows`` of normal life, and a recent part with the fault in it.

    Args:
        system: What obeys which mechanisms.
        rows: Instants of the baseline.
        seed: Draws the noise; the same arguments give the same numbers.
        fault: What breaks; None for healthy telemetry.
        environment: 0 for the system as it was drawn; each other number changes a fifth of its
            mechanisms and all its noise, always in the same way.
        held: Variables that are held in the recent part, in standard deviations of normal life;
            what happens to them then has no effect. What they act on has other noise from then on,
            all else has what it had.

    Raises:
        ValueError: the system has no such variable as the fault moves.
    """
    rng = np.random.default_rng([seed, rows, 37])
    here = np.random.default_rng([system.seed, environment, 41])
    influences = [_elsewhere(one, environment, here) for one in system.influences]
    fixed = {i: held[v.node] for i, v in enumerate(system.variables) if held and v.node in held}
    values = _series(system, influences, rows, _moved(system, rows, fault), fixed, here, rng)
    columns = [
        _shown(variable, values[:, i], rng)
        for i, variable in enumerate(system.variables)
        if variable.measured
    ]
    root = Node(fault.component, fault.concept) if fault else None
    return Simulation(_window(system, columns, rows), system.edges, root)


def _elsewhere(influence: Influence, environment: int, rng: np.random.Generator) -> Influence:
    """Return the influence as it is in ``environment``."""
    if environment == 0 or rng.random() >= CHANGED:
        return influence
    return replace(influence, weight=influence.weight * float(rng.choice([0.2, 2.5])))


def _moved(system: System, rows: int, fault: Fault | None) -> dict[int, Array]:
    """Return, for the variable that a fault moves, by how much at each row."""
    if fault is None:
        return {}
    node = Node(fault.component, fault.concept)
    places = [i for i, variable in enumerate(system.variables) if variable.node == node]
    if not places:
        raise ValueError(f"the system has no variable {node}")
    start = WARM_UP + rows + RECENT // 3
    course = np.zeros(WARM_UP + rows + RECENT)
    since = np.arange(len(course) - start)
    course[start:] = {
        "jump": np.ones(len(since)),
        "ramp": (since + 1) / len(since),
        "spikes": (since % 4 < 2).astype(float),
    }[fault.course]
    return {places[0]: fault.size * course}


def _series(
    system: System,
    influences: Sequence[Influence],
    rows: int,
    moved: dict[int, Array],
    fixed: Mapping[int, float],
    here: np.random.Generator,
    rng: np.random.Generator,
) -> Array:
    """Return rows by variables, in standard deviations of normal life."""
    length = WARM_UP + rows + RECENT
    normal = slice(WARM_UP, WARM_UP + rows)
    values = np.zeros((length, len(system.variables)))
    acting: dict[int, dict[int, Influence]] = {}
    for number, one in enumerate(influences):
        acting.setdefault(one.effect, {})[number] = one
    below, anew = set(fixed), np.random.default_rng([system.seed, rows, 43])
    for i, variable in enumerate(system.variables):
        renewed = anew if below & {one.cause for one in acting.get(i, {}).values()} else None
        below |= {i} if renewed else set()
        own = _noise(length, system.memory[i], here.random() < HEAVY, rng, renewed, WARM_UP + rows)
        if variable.concept.kind.load:
            own = own + np.sin(2 * np.pi * (np.arange(length) / DAY + here.random()))
        value = _standard(own, normal)
        if i in acting:
            parts = {n: _acting(one, values[:, one.cause]) for n, one in acting[i].items()}
            total = _standard(_together(parts, system.joint), normal)
            share = system.explained[i]
            value = np.sqrt(share) * total + np.sqrt(1 - share) * value
        values[:, i] = value + moved.get(i, 0.0)
        if i in fixed:
            values[WARM_UP + rows :, i] = fixed[i]
    return values[WARM_UP:]


def _together(parts: dict[int, Array], joint: Sequence[tuple[int, int]]) -> Array:
    """Return what several influences make of one effect."""
    total = np.sum(list(parts.values()), axis=0)
    for first, second in joint:
        if first in parts:
            total = total + np.tanh(parts[first]) * np.tanh(parts[second])
    return np.asarray(total)


def _noise(
    length: int,
    memory: float,
    heavy: bool,
    rng: np.random.Generator,
    anew: np.random.Generator | None = None,
    since: int = 0,
) -> Array:
    """Return noise of which each value keeps ``memory`` of the one before.

    Args:
        length: How many values.
        memory: The share that is kept.
        heavy: Whether its tails are heavy.
        rng: Draws it.
        anew: Draws what comes from ``since`` on, in place of ``rng``.
        since: The first value that is drawn anew.
    """
    fresh = rng.standard_t(4, length) if heavy else rng.normal(size=length)
    if anew is not None:
        later = length - since
        fresh[since:] = anew.standard_t(4, later) if heavy else anew.normal(size=later)
    return np.asarray(lfilter([1.0], [1.0, -memory], fresh))


def _standard(values: Array, normal: slice) -> Array:
    """Return ``values`` in units of their standard deviation in normal life."""
    spread = values[normal].std()
    return np.asarray((values - values[normal].mean()) / (spread if spread > 0 else 1.0))


def _acting(influence: Influence, cause: Array) -> Array:
    """Return what a cause adds to its effect at each row."""
    late = np.concatenate([np.zeros(influence.delay), cause[: len(cause) - influence.delay]])
    felt = _shaped(late, influence.shape)
    kept = influence.inertia
    if kept:
        felt = np.asarray(lfilter([np.sqrt(1 - kept**2)], [1.0, -kept], felt))
    return influence.sign * influence.weight * felt


def _shaped(values: Array, shape: Shape) -> Array:
    """Return the response to ``values``, which are in standard deviations; it never falls."""
    if shape == "saturating":
        return np.asarray(1.4 * np.tanh(values))
    if shape == "threshold":
        return np.asarray(1.6 * np.maximum(values - 0.3, 0.0))
    if shape == "queueing":  # the wait before a server that is 55 % busy, and at most 95 %
        busy = np.minimum(0.55 + 0.12 * values, 0.95)
        return np.asarray(busy / (1 - busy))
    return values


def _shown(variable: Variable, series: Array, rng: np.random.Generator) -> Array:
    """Return the series as its signal shows it: in its unit, with gaps as NaN."""
    unit = variable.concept.kind.unit
    if variable.signal.source == "template":
        rate = np.exp(np.clip(1.0 + 0.8 * series, -3.0, 6.0))
        return rng.poisson(rate).astype(np.float64)
    if unit == "Cel":
        shown = 45 + 5 * series
    elif unit == "ratio":
        shown = 1 / (1 + np.exp(0.5 - 0.6 * series))
    elif unit in ("s", "By", "By/s", "1/s"):
        shown = np.exp(np.clip(0.4 * series, -20.0, 20.0))
    else:
        shown = 100 + 10 * series
    return np.where(rng.random(len(shown)) < GAP, np.nan, shown)


def _window(system: System, columns: Sequence[Array], rows: int) -> Window:
    """Return the columns as a window whose alert is at its end."""
    step = timedelta(seconds=STEP_SECONDS)
    length = len(columns[0])
    end = START + step * (length - 1)
    times = pl.datetime_range(START, end, step, time_unit="us", time_zone="UTC", eager=True)
    frame = pl.DataFrame(
        {
            "time": times,
            **{
                str(signal.node): pl.Series(column).fill_nan(None)
                for signal, column in zip(system.signals, columns, strict=True)
            },
        }
    )
    topology = system.topology
    hosts = [c.name for c in topology.components if c.role == "host"]
    contains = [(host, part) for part, host in topology.runs_on]
    return Window(
        signals=system.signals,
        baseline=frame[:rows],
        recent=frame[rows:],
        step_seconds=STEP_SECONDS,
        alert_time=end,
        as_of=end,
        topology=topology.calls,
        contains=(*(("site", host) for host in hosts), *contains),
    )
