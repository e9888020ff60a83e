"""What-ifs on whole simulated sites: python -m tests.bench.whatif_sites

Harder than ``whatif``: beside known mechanisms there are causes that nobody measures, signals of
all units, heavy tails and gaps. The true graph over what is measured is given, without its lags
through what is not. Each request is lived through again with the signal held, and with other noise
in what it acts on.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from diagnose.causal.rehearsal import staged
from diagnose.causal.scene import scene
from diagnose.schema import CausalGraph, Edge, Node
from diagnose.whatif import asked, effect_on
from models.simulator.simulate import STEP_SECONDS, Fault, Simulation, simulate
from models.simulator.system import System, system_of
from models.simulator.topology import random_topology
from tests.bench.whatif import share

SIGNALS: Final = 12
ROWS: Final = 600
FEWEST: Final = 12  # different values that a signal shows, to be asked about


def graph_of(system: System) -> CausalGraph:
    """Return the true graph over what is measured; delays as far as one influence makes them."""
    nodes = tuple(signal.node for signal in system.signals)
    delays = {
        (system.variables[one.cause].node, system.variables[one.effect].node): one.delay
        for one in system.influences
    }
    edges = tuple(
        Edge(
            *(cause, effect, "topology", "topology", "supported", 0.001, 100.0),
            lag_seconds=delays.get((cause, effect), 0) * STEP_SECONDS,
        )
        for cause, effect in sorted(system.edges)
    )
    return CausalGraph(nodes, edges, trust=1.0)


def requests(seed: int) -> Iterator[tuple[str, str | None, float, str]]:
    """Yield (kind, why it is refused, whether the interval holds, whether all is measured)."""
    rng = np.random.default_rng(seed)
    system = system_of(random_topology(seed), SIGNALS, seed)
    graph = graph_of(system)
    metrics = [signal.node for signal in system.signals if signal.source == "metric"]
    pairs = [edge for edge in graph.edges if {edge.cause, edge.effect} <= set(metrics)]
    if not pairs:
        return
    pair = pairs[int(rng.integers(len(pairs)))]
    broken = metrics[int(rng.integers(len(metrics)))]
    fault = Fault(broken.entity, broken.signal, float(rng.uniform(2, 8)))
    lived = simulate(system, ROWS, seed, fault)
    for kind, z in (("inside", float(rng.uniform(-1.5, 1.5))), ("outside", 6.0)):
        again = simulate(system, ROWS, seed, fault, held={pair.cause: z})
        told = answer(graph, lived, again, pair.cause, pair.effect)
        if told is not None:
            whole = "all measured" if _measured(system, pair.effect) else "a cause hidden"
            yield kind, *told, whole


def answer(
    graph: CausalGraph, lived: Simulation, again: Simulation, cause: Node, symptom: Node
) -> tuple[str | None, float] | None:
    """Return why a request is refused, and whether its interval holds; None if it is no request."""
    incident = scene(graph, lived.window, symptom)
    place, target = graph.nodes.index(cause), graph.nodes.index(symptom)
    shown = incident.baseline[:, [place, target]]
    if min(len(np.unique(column[np.isfinite(column)])) for column in shown.T) < FEWEST:
        return None
    value = float(again.window.recent[str(cause)].drop_nulls()[0])
    stage = staged(incident, [place], target)
    played, refused = asked(stage, {place: value}, {})
    if refused:
        return refused, 0.0
    effect = effect_on(stage, target, played[target], {})
    column = again.window.recent[str(symptom)].to_numpy()
    real = float(np.nanmean(column[incident.asked]))
    return None, float(effect.low <= real <= effect.high)


def _measured(system: System, symptom: Node) -> bool:
    """Return whether every cause of a signal has a signal too."""
    return all(
        system.variables[one.cause].measured
        for one in system.influences
        if system.variables[one.effect].node == symptom
    )


def main(sites: int = 200, first: int = 0) -> None:
    """Print the figures of ``sites`` sites, made from the seeds from ``first`` on."""
    every = [one for seed in range(first, first + sites) for one in requests(seed)]
    refused = {
        kind: [w is not None for k, w, *_ in every if k == kind] for kind in ("inside", "outside")
    }
    held: dict[str, list[float]] = defaultdict(list)
    for kind, why, holds, whole in every:
        if kind == "inside" and why is None:
            held["all"].append(holds)
            held[whole].append(holds)
    lines = [f"90 % intervals that hold, {group}: {share(held[group])}" for group in sorted(held)]
    lines.append(f"refused of requests outside: {share(refused['outside'])}")
    lines.append(f"refused of requests inside: {share(refused['inside'])}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
