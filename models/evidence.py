"""What speaks for each possible edge apart from the data themselves: knowledge, as numbers.

Five witnesses, each a matrix of causes by effects in units of log-likelihood. *Topology*: failures
travel from the called to the caller, load the other way; what a part takes a host runs short of,
and all its parts are slower for it. *Tier*: hardware acts on the operating system, that on
platforms and services, and never the other way; but load may act on anything, and work uses up
what lies below it. *Lag*: of two directions, the one that contradicts what came first loses.
*Model*: what a language model believes of the two kinds. *Operator*: what people who know the
system require or forbid.

Assumes:
    Topology names who calls whom, and containment what runs where. Entity "a/b" is a part of "a".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import exp
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from diagnose.schema import Kind, Node, Signal
from models.calls import Relation, relations
from models.families import FOOTPRINTS

Array = NDArray[np.float64]
Pattern = tuple[str, str]  # of the cause and of the effect, in the style of a shell

DEPTH: Final = {"environment": 0, "hardware": 1, "os": 2, "platform": 3, "service": 4, "user": 5}
ANSWERS: Final = {"service", "user"}  # tiers of what an entity shows to who calls it
NOTICED: Final = ANSWERS | {"platform", "unknown"}  # tiers of what a call may act on by itself
# What a part of a machine takes, and what the machine then runs short of.
TAKEN: Final = {"process cpu time", "process memory", "processes", "disk write rate"}
SHORTAGES: Final = {
    *("cpu utilization", "cpu pressure", "system load average", "cpu time waiting for disk"),
    *("cpu time stolen", "cpu thermal throttling", "io pressure", "disk utilization"),
    *("disk io latency", "disk io queue", "blocked processes", "memory pressure"),
    *("memory available", "memory used", "swap traffic", "file system space used"),
}
# What software is busy with by itself, beyond what it was asked for.
WORK: Final = {
    *("requests in flight", "response size", "request retries", "queue consumed messages"),
    *("garbage collection time", "heap memory used", "runtime threads", "thread pool use"),
    *("database rows read", "database rows written", "database table scans", "backup"),
    *("database temporary files", "database write-ahead log", "database buffer reads"),
    "cache memory used",
}
# What such work, and that of an operating system, uses up or heats, though it lies deeper.
USED: Final = {
    *TAKEN,
    *SHORTAGES,
    *FOOTPRINTS,
    *("heap memory used", "runtime threads", "thread pool use", "open file descriptors"),
    *("disk read rate", "disk wear", "file system inodes used", "page cache memory", "swap used"),
    *("network packets sent", "network packets received"),
    *("gpu utilization", "gpu memory used", "gpu power draw", "power draw", "fan speed"),
    *("cpu temperature", "disk temperature", "memory temperature", "gpu temperature"),
    "hardware temperature",
}
# What a caller holds open at the called: it travels with the calls, like load.
HELD: Final = {"open file descriptors", "open tcp connections"}

# How a model's opinions about links go along with what the data show, as a rank correlation: where
# it is told the right kinds, where it is told wrong ones, and how both scatter over systems. From
# simulated systems. The prior is that kinds are right.
AGREES: Final = 0.35
SCATTER: Final = 0.1
RIGHT: Final = 0.7
FEWEST: Final = 3  # pairs that a correlation needs


@dataclass(frozen=True, slots=True)
class ProposalWeights:
    """How much each witness counts, in units of log-likelihood: 3 outweighs odds of 20 to 1.

    Attributes:
        data: Factor on what the baseline's rows say.
        rows: Instants that those rows are worth at most.
        model: Factor on the language model's log-odds: 1 takes them as they are, which gives the
            best graphs of simulated servers; .1 is as far as rankings of recorded incidents bear
            it; 0 leaves it out altogether. ``credibility`` is a second factor.
        clip: Largest log-odds of the model that count, either way.
        topology: For an edge along which failures or load are known to travel, and against one
            that runs the other way. A call between two signals of one kind outweighs a baseline
            that shows no dependence: whether that refutes it is the judge's to say.
        load: For load acting on something beside it, and against something acting on load.
        tier: For a step from one tier to a shallower one on the same machine.
        lag: Factor on how much better one direction predicts than the other; never for an edge,
            only against the direction that contradicts it.
        lag_clip: Largest such evidence that counts.
        onset: For an edge between two signals that left their normal range in its order, and
            against one where the effect did so before the cause.
        distance: Against an edge between entities of which no relation is known.
        edge: Against any edge, so that what nothing speaks for is left out.
    """

    data: float = 1.0
    rows: int = 300
    model: float = 0.1
    clip: float = 3.0
    topology: float = 6.0
    load: float = 1.0
    tier: float = 0.5
    lag: float = 1.0
    lag_clip: float = 3.0
    onset: float = 0.5
    distance: float = 1.0
    edge: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Causes by effects: one number a witness, 0 where it has nothing to say.

    Attributes:
        allowed: Whether the edge may exist at all.
        deeper: Whether the tiers forbid it.
        upstream: Whether the topology forbids it.
        required: Whether the operator wants it whatever else is said.
        forbidden: Whether the operator rules it out.
        topology: See ``ProposalWeights``, as all the following.
        tier: Rules about tiers and load.
        lag: Lead and onset.
        model: What the language model adds.
        cost: What is subtracted from every edge and for distance.
    """

    allowed: NDArray[np.bool_]
    deeper: NDArray[np.bool_]
    upstream: NDArray[np.bool_]
    required: NDArray[np.bool_]
    forbidden: NDArray[np.bool_]
    topology: Array
    tier: Array
    lag: Array
    model: Array
    cost: Array

    def prior(self) -> Array:
        """Return what is to be added for each edge, -inf where none may be."""
        total = self.topology + self.tier + self.lag + self.model - self.cost
        return np.where(self.allowed | self.required, total, -np.inf)


def gather(
    signals: Sequence[Signal],
    topology: Sequence[tuple[str, str]],
    weights: ProposalWeights,
    required: Sequence[Pattern] = (),
    forbidden: Sequence[Pattern] = (),
    contains: Sequence[tuple[str, str]] = (),
) -> Evidence:
    """Return what topology, tiers and operators say; lag and model are still silent."""
    relation = relations([signal.node.entity for signal in signals], topology, contains)
    kinds = [signal.kind for signal in signals]
    away = (relation == Relation.STRANGERS) | np.eye(len(kinds), dtype=bool)
    footprint = _footprint(kinds, relation)
    deeper = footprint | (_deeper(kinds) & ~footprint.T)
    upstream = _upstream(kinds, relation)
    joined = ~np.isin(relation, (Relation.STRANGERS, Relation.UNKNOWN))
    no = _matches(signals, forbidden, np.ones_like(joined))
    silent = np.zeros(relation.shape)
    return Evidence(
        allowed=~(away | deeper | upstream | no),
        deeper=deeper,
        upstream=upstream,
        required=_matches(signals, required, joined) & ~no,
        forbidden=no,
        topology=weights.topology * _travel(signals, relation),
        tier=_rules(kinds, relation, weights),
        lag=silent,
        model=silent,
        cost=weights.edge + weights.distance * (relation == Relation.UNKNOWN),
    )


def with_lags(evidence: Evidence, lead: Array, onset: Array, weights: ProposalWeights) -> Evidence:
    """Return ``evidence`` with what came first.

    Args:
        evidence: What else is known.
        lead: Causes by effects; how well the cause's past predicts the effect beyond its own past.
        onset: For each signal, when it left its normal range, in any unit; NaN where it did not.
        weights: What either counts.
    """
    behind = np.clip(weights.lag * (lead.T - lead), 0.0, weights.lag_clip)
    with np.errstate(invalid="ignore"):
        later = np.nan_to_num(np.sign(onset[None, :] - onset[:, None]))
    return replace(evidence, lag=weights.onset * later - behind)


def credibility(opinion: Array, gain: Array) -> float:
    """Return how probable it is that a model speaks of these signals and not of others.

    A name may select the wrong kind, and a model may know nothing: then its opinions about which
    signals are linked go along with the data no better than chance.

    Args:
        opinion: One number a pair: the log-odds of a link, either way.
        gain: One number a pair: how well one signal predicts the other, either way.
    """
    if len(opinion) < FEWEST or np.ptp(opinion) == 0 or np.ptp(gain) == 0:
        return RIGHT
    agrees = float(np.corrcoef(rankdata(opinion), rankdata(gain))[0, 1])
    variance = SCATTER**2 + 1 / len(opinion)
    odds = RIGHT / (1 - RIGHT) * exp(AGREES * (agrees - AGREES / 2) / variance)
    return odds / (1 + odds)


def _deeper(kinds: Sequence[Kind]) -> NDArray[np.bool_]:
    """Return where an effect would lie in a deeper tier than its cause, and not through work."""
    depth = np.array([DEPTH.get(kind.tier, np.nan) for kind in kinds])
    load = np.array([kind.load for kind in kinds], dtype=bool)
    works = np.array([kind.name in WORK or kind.tier == "os" for kind in kinds], dtype=bool)
    used = np.array([kind.name in USED for kind in kinds], dtype=bool)
    with np.errstate(invalid="ignore"):
        deeper = depth[:, None] > depth[None, :]
    return np.asarray(deeper & ~load[:, None] & ~np.outer(works, used))


def _footprint(kinds: Sequence[Kind], relation: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return where what the parts of a machine leave on it would act on a part."""
    left = np.array([kind.name in FOOTPRINTS for kind in kinds], dtype=bool)
    return np.asarray((relation == Relation.TO_PART) & left[:, None])


def _upstream(kinds: Sequence[Kind], relation: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return where a caller's failing answers would act on the called, save through load.

    The data may seem to say so: a latency over a rolling minute remembers its past in a way that
    makes it lead whatever it follows.
    """
    answers = np.array([k.tier in ANSWERS and not k.load for k in kinds], dtype=bool)
    load = np.array([kind.load for kind in kinds], dtype=bool)
    return np.asarray((relation == Relation.TO_CALLED) & answers[:, None] & ~load[None, :])


def _travel(signals: Sequence[Signal], relation: NDArray[np.int8]) -> Array:
    """Return +1 where effects are known to travel, -1 where they travel the other way.

    A caller sees how the called answers, not its processor: of failures, only that travels by
    itself, and the same kind best. A database that shows no answers is judged by its platform.
    """
    kinds = [signal.kind for signal in signals]
    answering = {s.node.entity for s in signals if s.kind.tier in ANSWERS and not s.kind.load}
    shown = [s.kind.tier != "platform" or s.node.entity not in answering for s in signals]
    load = np.array([kind.load for kind in kinds], dtype=bool)
    noticed = np.array([k.tier in NOTICED and not k.load for k in kinds], dtype=bool)
    same = np.array([[a.name == b.name for b in kinds] for a in kinds], dtype=bool)
    up, down = relation == Relation.TO_CALLER, relation == Relation.TO_CALLED
    held = np.array([kind.name in HELD for kind in kinds], dtype=bool)
    failure = np.where(same, 1.0, 0.5) * np.outer(noticed & np.array(shown, dtype=bool), noticed)
    against_load = np.where(load[None, :], -1.0, np.where(noticed[None, :], 0.0, -0.5))
    rising = np.where(failure > 0, failure, against_load)
    falling = np.where(
        load[:, None], 1.0 * load[None, :], np.where(np.outer(held, held), 1.0, -1.0)
    )
    called = np.where(up, rising, np.where(down, falling, 0.0))
    return np.asarray(called + 0.5 * _shared(kinds, relation, noticed))


def _shared(
    kinds: Sequence[Kind], relation: NDArray[np.int8], noticed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return where a shortage of a whole acts on a part, or a part makes one.

    A process makes one by what it takes, a disk by being slow or broken.
    """
    short = np.array([kind.name in SHORTAGES for kind in kinds], dtype=bool)
    makes = np.array([k.name in TAKEN or k.tier == "hardware" for k in kinds], dtype=bool) | short
    starves = (relation == Relation.TO_PART) & np.outer(short, noticed)
    return np.asarray(starves | ((relation == Relation.TO_WHOLE) & np.outer(makes, short)))


def _rules(kinds: Sequence[Kind], relation: NDArray[np.int8], weights: ProposalWeights) -> Array:
    """Return what tiers and load say about two signals of one machine, or of a called one."""
    load = np.array([kind.load for kind in kinds], dtype=bool)
    depth = np.array([DEPTH.get(kind.tier, np.nan) for kind in kinds])
    acts = load[:, None] & ~load[None, :]
    beside = np.isin(relation, (Relation.SAME, Relation.TO_PART, Relation.TO_WHOLE))
    reached = beside | (relation == Relation.TO_CALLED) | (relation == Relation.UNKNOWN)
    with np.errstate(invalid="ignore"):
        up = (depth[:, None] < depth[None, :]) & ~load[:, None] & ~load[None, :] & beside
    demand = weights.load * (1.0 * (acts & reached) - 1.0 * acts.T)
    return np.asarray(demand + weights.tier * up)


def _matches(
    signals: Sequence[Signal], patterns: Iterable[Pattern], joined: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which pairs an operator's patterns name: by "entity · signal", by either, by a kind.

    Args:
        signals: Causes and effects.
        patterns: Of the cause and of the effect.
        joined: Pairs of which a kind may speak; names speak of any pair.
    """
    found = np.zeros((len(signals), len(signals)), dtype=bool)
    for pattern in patterns:
        (causes, cause_kinds), (effects, effect_kinds) = (
            (
                np.array([_named(one.node, one.kind, end) for one in signals], dtype=bool),
                np.array([fnmatchcase(one.kind.name, end) for one in signals], dtype=bool),
            )
            for end in pattern
        )
        found |= np.outer(causes, effects)
        found |= np.outer(causes | cause_kinds, effects | effect_kinds) & joined
    np.fill_diagonal(found, False)
    return found


def _named(node: Node, kind: Kind, pattern: str) -> bool:
    names = (str(node), node.entity, node.signal, f"{node.entity} · {kind.name}")
    return any(fnmatchcase(name, pattern) for name in names)
