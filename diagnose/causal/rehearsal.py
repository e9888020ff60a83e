"""An incident played again with some signals held: what follows from them, many times over.

Every draw has another mechanism that fits normal life about as well, and other noise of normal
life. A node whose own noise is strange in the incident, although what acts on it is where normal
life was, is broken itself and stays so. What the held signals do not act on shows what it showed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.mechanism import lagged
from diagnose.causal.response import REFITS, Response, respond
from diagnose.causal.scale import inward, multiplying, outward, rescaled
from diagnose.causal.scene import Scene
from diagnose.causal.support import Support, joint_support, reached

Floats = NDArray[np.float64]

DRAWS: Final = 5 * REFITS
MARGIN: Final = 0.1  # of what was seen, by which an input may lie outside of it
RARELY: Final = 0.1  # share of the instants at which it may lie further out
EXPLAINED: Final = 0.1  # share of a deviation, below which it does not follow from the inputs
SIMPLIFIED: Final = 1.6  # times as far apart as they fit, mechanisms come true 9 in 10 times
STRANGE: Final = 0.02  # share of stretches of normal life, beyond which a node is taken for broken
SEED: Final = 13


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """An incident with the mechanisms between some causes and one effect.

    Attributes:
        incident: As it was.
        inner: The same with each node on the scale on which its causes add up.
        multiplies: Of which nodes that is the logarithm.
        effect: Whose answer is wanted, a place in the graph.
        responses: Of each node that may be played again, on the inner scales; None where normal
            life was too short.
        supports: Where the parents of such a node were together, if it has several, likewise.
    """

    incident: Scene
    inner: Scene
    multiplies: NDArray[np.bool_]
    effect: int
    responses: Mapping[int, Response | None]
    supports: Mapping[int, Support | None]

    def between(self, held: Iterable[int]) -> tuple[int, ...]:
        """Return who passes a change of ``held`` on to the effect, causes first."""
        acting, fixed = self.incident.acting, set(held)
        reached = {node for cause in fixed for node in acting.between(cause, self.effect)}
        return tuple(node for node in acting.order if node in reached - fixed)

    def inward(self, node: int, values: Floats | float) -> Floats:
        """Return what ``node`` shows on the scale on which its causes add up."""
        return inward(np.asarray(values, dtype=np.float64), self.multiplies[node])

    def outward(self, node: int, values: Floats) -> Floats:
        """Return the same on its own scale again."""
        return outward(values, self.multiplies[node])

    def reach(self, node: int) -> tuple[float, float]:
        """Return the least and the most at which ``node`` may be held."""
        return reached(self.incident.baseline[:, node])


def staged(incident: Scene, causes: Iterable[int], effect: int, refits: int = REFITS) -> Stage:
    """Return the mechanisms between ``causes`` and ``effect``, fitted on normal life.

    Args:
        incident: Whose normal life.
        causes: What would be held.
        effect: Whose answer is wanted.
        refits: How often each is fitted; 1 is enough where no interval is wanted.
    """
    acting = incident.acting
    rng = np.random.default_rng(SEED)
    nodes = sorted({node for cause in causes for node in acting.between(cause, effect)})
    multiplies = multiplying(incident)
    inner = rescaled(incident, multiplies)
    responses, supports = {}, {}
    for node in nodes:
        parents, lags = acting.parents[node], acting.lags[node]
        responses[node] = respond(inner.baseline, node, parents, lags, rng, refits)
        if len(parents) > 1:
            supports[node] = joint_support(inner.baseline, parents, lags)
    return Stage(incident, inner, multiplies, effect, responses, supports)


def unfit(stage: Stage, held: Iterable[int]) -> str | None:
    """Return which node between cannot be played again, and why; None where all can."""
    for node in stage.between(held):
        response, name = stage.responses[node], stage.incident.acting.nodes[node]
        if response is None:
            return f"too little of normal life was seen to tell what {name} follows"
        if _may_be_broken(stage.inner, node, response):
            return (
                f"{name} shows far more than what acts on it ever made of it, so that it may be "
                "broken itself"
            )
    return None


def rehearse(stage: Stage, held: Mapping[int, float | Floats]) -> dict[int, Floats]:
    """Return what each node shows while some are held, shape (draws, instants) each.

    Args:
        stage: With a response for each node between.
        held: A value, or one an instant, for each place that is held.
    """
    incident, rng = stage.inner, np.random.default_rng(SEED)
    instants = len(incident.recent)
    shown = {
        node: np.broadcast_to(stage.inward(node, value), (DRAWS, instants))
        for node, value in held.items()
    }
    for node in stage.between(held):
        response = stage.responses[node]
        assert response is not None
        parents = _parents(incident, response, shown)
        shown[node] = _play(incident, node, response, parents, rng)
    return {node: stage.outward(node, values) for node, values in shown.items()}


def averages(stage: Stage, node: int, shown: Floats) -> Floats:
    """Return what a node would show on average while the symptom was affected, one a draw.

    Draws lie apart by what is in doubt about the mechanism and by noise. That every mechanism is a
    simplification comes on top of the former, by as much as simulated servers ask for.

    Args:
        stage: What was played.
        node: Place of the node.
        shown: By it, shape (draws, instants).
    """
    drawn = stage.inward(node, shown[:, stage.incident.asked].mean(axis=1))
    mechanism = drawn.reshape(-1, REFITS).mean(axis=0)
    doubt = np.tile(mechanism - np.median(mechanism), DRAWS // REFITS)
    return stage.outward(node, drawn + (SIMPLIFIED - 1) * doubt)


def unseen(stage: Stage, held: Mapping[int, float], shown: Mapping[int, Floats]) -> str | None:
    """Return which input of a mechanism was never where it would be; None where all were."""
    incident = stage.inner
    nodes = incident.acting.nodes
    inner = {node: stage.inward(node, values) for node, values in shown.items()}
    for node in stage.between(held):
        response = stage.responses[node]
        assert response is not None
        inputs = np.median(_parents(incident, response, inner), axis=0)[incident.asked]
        for k, parent in enumerate(response.parents):
            out = incident.beyond(parent, inputs[:, k]) > MARGIN
            if parent not in held and out.mean() > RARELY:
                return (
                    f"{nodes[parent]} has left all that normal life showed as well, and "
                    f"would stay there, so nobody saw what {nodes[node]} does then"
                )
        support = stage.supports.get(node)
        if support and 1 - support.holds(inputs).mean() > RARELY:
            several = " and ".join(str(nodes[parent]) for parent in response.parents)
            return f"{several} were never seen together as they would be"
    return None


def _parents(incident: Scene, response: Response, shown: Mapping[int, Floats]) -> Floats:
    """Return what acts on a node, shape (draws, instants, parents), each as it was a lag ago."""
    instants = np.arange(len(incident.recent))
    inputs = [
        np.broadcast_to(shown.get(parent, incident.recent[:, parent]), (DRAWS, len(instants)))[
            :, np.maximum(instants - lag, 0)
        ]
        for parent, lag in zip(response.parents, response.lags, strict=True)
    ]
    return np.stack(inputs, axis=-1)


def _play(
    incident: Scene, node: int, response: Response, parents: Floats, rng: np.random.Generator
) -> Floats:
    """Return what ``node`` shows under ``parents``, shape (draws, instants)."""
    instants = parents.shape[1]
    refit = np.arange(DRAWS) % len(response.memory)
    features = response.basis.features(parents)
    level = np.einsum("dif,df->di", features, response.weights[refit]) + response.base[refit, None]
    memory, immediate = response.memory[refit], response.immediate[refit]
    offset, strange = _own(incident, node, response)
    chosen = _stretches(rng, len(response.noise), instants)
    shift = strange[_some(rng, strange)][:, None]
    at_once = level + _faded(response.apart[chosen], memory, offset) + shift
    # What approaches its level begins where it was, else where it would have come to.
    start = level[:, 0] / (1 - memory) if offset is None else incident.recent[0, node]
    added = level + response.noise[chosen] + shift
    return np.where(immediate[:, None], at_once, approached(added, memory, start))


def _faded(stretch: Floats, memory: Floats, offset: float | None) -> Floats:
    """Return noise that begins at ``offset``, if that is known, and turns into ``stretch``.

    Args:
        stretch: Of normal life, shape (draws, instants).
        memory: Share of its past that noise keeps, shape (draws,).
        offset: The noise as the incident begins.
    """
    if offset is None:
        return stretch
    left = memory[:, None] ** np.arange(stretch.shape[1])
    return stretch + left * (offset - stretch[:, :1])


def approached(added: Floats, memory: Floats, start: Floats | float) -> Floats:
    """Return what is reached by keeping ``memory`` of each instant and adding, from ``start``.

    Args:
        added: Shape (draws, instants).
        memory: Of each draw, 0..1.
        start: What was before the first instant, of each draw.
    """
    shown, state = np.empty_like(added), start
    for t in range(added.shape[1]):
        state = memory * state + added[:, t]
        shown[:, t] = state
    return shown


def _may_be_broken(incident: Scene, node: int, response: Response) -> bool:
    """Return whether hardly anything of what ``node`` shows follows from what acts on it.

    Asked where its inputs left normal life too, so that its own noise cannot be told. Nothing
    follows its causes so much more steeply out there than anybody has seen.
    """
    known = lagged(incident.recent, response.parents, response.lags)
    inside = _inside(incident, response, known)[incident.asked]
    deviation = float(np.median(incident.recent[incident.asked, node]) - incident.normal[node])
    if inside.mean() > 0.5 or abs(deviation) <= incident.high[node] - incident.low[node]:
        return False
    usual = response.level(incident.normal[list(response.parents)])
    made = float(np.median(response.level(known[incident.asked], bounded=False) - usual))
    made /= 1.0 if response.immediate[0] else 1 - float(response.memory[0])
    return made / deviation < EXPLAINED


def _own(incident: Scene, node: int, response: Response) -> tuple[float | None, Floats]:
    """Return the noise of ``node`` as the incident begins, and by how much it is broken since.

    The first is None where the node or what acts on it is not where normal life was. The second are
    values that are equally likely: what is seen of a fault is seen through the node's noise.
    """
    known = lagged(incident.recent, response.parents, response.lags)
    inside = _inside(incident, response, known)
    own = incident.recent[:, node] - response.level(known)
    first = incident.recent[0, node]
    begun = bool(inside[:1].all()) and incident.low[node] <= first <= incident.high[node]
    offset = float(own[0]) if begun else None
    asked = inside & incident.asked
    if not asked.any() or 2 * asked.sum() < incident.asked.sum():
        return offset, np.zeros(1)
    if response.immediate[0]:
        normal = lagged(incident.baseline, response.parents, response.lags)
        usual, now = incident.baseline[:, node] - response.level(normal), own[asked]
    else:
        usual = response.surprises(incident.baseline, node)
        now = response.surprises(incident.recent, node)[asked]
    usual, now = usual[np.isfinite(usual)], now[np.isfinite(now)]
    if not 0 < len(now) < len(usual):
        return offset, np.zeros(1)
    averages = np.convolve(usual, np.full(len(now), 1 / len(now)), "valid")
    low, high = np.quantile(averages, (STRANGE, 1 - STRANGE))
    shift = float(now.mean())
    return offset, np.zeros(1) if low <= shift <= high else shift - averages


def _inside(incident: Scene, response: Response, known: Floats) -> NDArray[np.bool_]:
    """Return the instants of ``known`` parents at which all are within their normal ranges.

    At the ends of what was seen a mechanism is known least, and its error would pass for a fault.
    """
    places = list(response.parents)
    within = (incident.low[places] <= known) & (known <= incident.high[places])
    return np.asarray(within.all(axis=1))


def _stretches(rng: np.random.Generator, rows: int, instants: int) -> NDArray[np.int64]:
    """Return rows that follow each other, from a row that is drawn on, shape (draws, instants)."""
    return (rng.integers(0, rows, DRAWS)[:, None] + np.arange(instants)) % rows


def _some(rng: np.random.Generator, values: Floats) -> NDArray[np.int64]:
    """Return places of ``values``, one a draw."""
    return rng.integers(0, len(values), DRAWS)
