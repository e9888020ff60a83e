"""Candidates for the fault, ranked with the graph as far as it is trusted.

Three questions are asked. Is a candidate still abnormal once its parents are known? What they
explain is not its own fault. How much of what is abnormal lies downstream of it? The fault explains
most, so that from the symptom up the anomalous ancestors each step explains a little more, until
the last one. And the same of its entity, by the calls between all entities
(``diagnose.causal.coverage``). The answers are log-odds, which are added to those of the ranking
without graph, multiplied by the graph's trust. A fourth question needs no graph but the calls that
were seen: is it more demand from outside (``diagnose.causal.surge``)?

Assumes:
    One fault. Where there are several, each explains its share.

Reference: Okati, Mejia, Orchard, Blöbaum, Janzing, "Root cause analysis of outliers with missing
structural knowledge", NeurIPS 2025, for traversal that needs no fitted mechanisms; Budhathoki,
Minorics, Blöbaum, Janzing, "Causal structure-based root cause analysis of outliers", ICML 2022, for
the second opinion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.causal.coverage import coverage, reached
from diagnose.causal.influence import Influence, influence
from diagnose.causal.repeatable import one_quiet_process, own_randomness
from diagnose.causal.surge import surge
from diagnose.incident.columns import columns
from diagnose.schema import Anomaly, CausalGraph, Node, RootCause, Signal, Window
from models.deviation import measure

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fusion:
    """What the graph's answers count, in log-odds at full trust.

    Chosen on simulated incidents, linear and not, with true and with wrong graphs, and on the
    public development sets (``models/LOG.md``).

    Attributes:
        explained: For each unit by which the parents lower a candidate's deviation, on the scale
            log(1 + deviation) + surprise.
        downstream: For a signal upstream of all that is abnormal instead of nothing.
        covers: For an entity that could have caused all that is abnormal instead of nothing.
        surge: For an entity whom nobody calls and whose demand, all of it new, is the symptom's.
            It rests on calls that were seen, so that the graph's trust does not lessen it.
        hop: What a step along an edge keeps of an explanation.
        certain: Surprise from which a signal counts as wholly abnormal.
        second_opinion: For the whole attribution by DoWhy. 0 does not ask it: it is the slowest
            part, and its linear extrapolation misleads where an effect is not linear.
        samples: Drawn for the second opinion.
        permutations: Of the candidates, for the second opinion.
    """

    explained: float = 0.5
    downstream: float = 7.0
    covers: float = 3.0
    surge: float = 5.0
    hop: float = 0.9
    certain: float = 5.0
    second_opinion: float = 0.0
    samples: int = 500
    permutations: int = 5


FLOOR: Final = 1e-9  # probability below which candidates differ by their place only
UNSEEN: Final = 0.05  # plausibility of a path through a signal that is not abnormal
FEWEST_ROWS: Final = 50  # instants seen in full that the second opinion needs
SEED: Final = 11


def attribute(
    graph: CausalGraph,
    window: Window,
    anomalies: tuple[Anomaly, ...],
    ranking: tuple[RootCause, ...],
    symptom: Node,
    fusion: Fusion = Fusion(),
) -> tuple[RootCause, ...]:
    """Return the candidates of ``ranking``, most probable first, each with its path to the symptom.

    Their probabilities still have the sum that they had. At trust 0 they are those of ``ranking``,
    but for a surge.

    Args:
        graph: After its tests.
        window: The mechanisms are fitted on its baseline.
        anomalies: What left its normal range.
        ranking: Without graph, most probable first.
        symptom: What is explained.
        fusion: What the graph's answers count.
    """
    acting = influence(graph, window.step_seconds)
    abnormal = _abnormal(acting.nodes, anomalies, symptom, fusion)
    evidence, covered = np.zeros(len(acting.nodes)), dict[str, float]()
    if graph.trust > 0 and graph.edges:
        evidence = graph.trust * _evidence(acting, window, abnormal, symptom, fusion)
        covered = coverage(window, acting, anomalies, symptom, fusion.hop, fusion.certain)
    gain = np.array([_of(evidence, acting.nodes, cause.node) for cause in ranking])
    middle = float(np.mean(list(covered.values()))) if covered else 0.0
    shares = np.array([covered.get(cause.entity, middle) for cause in ranking])
    gain += graph.trust * fusion.covers * (shares - middle)
    arriving = surge(window, symptom, fusion.hop)
    gain += fusion.surge * np.array([arriving.get(cause.entity, 0.0) for cause in ranking])
    prior = np.array([max(cause.probability, FLOOR) for cause in ranking])
    scores = np.log(prior) + gain
    weight = np.exp(scores - scores.max(initial=-np.inf))
    share = weight / weight.sum() * sum(cause.probability for cause in ranking)
    paths = _paths(acting, abnormal, symptom)
    return tuple(
        replace(
            ranking[i],
            probability=min(float(share[i]), 1.0),
            path=_path_of(paths, ranking[i].node, evidence, acting.nodes),
            score=float(scores[i]),
        )
        for i in np.argsort(-scores, kind="stable")
    )


def _of(evidence: Floats, nodes: Sequence[Node], node: Node) -> float:
    """Return a candidate's evidence; outside of the graph, the best of its entity's signals.

    A graph of a dozen nodes holds one or two signals of an entity. Where the entity stands in it
    says as much about its other signals, since a fault is of an entity.
    """
    if node in nodes:
        return float(evidence[nodes.index(node)])
    kin = [evidence[i] for i, other in enumerate(nodes) if other.entity == node.entity]
    return float(max(kin, default=0.0))


def _path_of(
    paths: Mapping[Node, tuple[Node, ...]], node: Node, evidence: Floats, nodes: Sequence[Node]
) -> tuple[Node, ...]:
    """Return a candidate's path, else that of its entity's best signal that has one."""
    if node in paths:
        return paths[node]
    kin = [i for i, other in enumerate(nodes) if other.entity == node.entity and other in paths]
    return paths[nodes[max(kin, key=lambda i: float(evidence[i]))]] if kin else ()


def _abnormal(
    nodes: Sequence[Node], anomalies: Sequence[Anomaly], symptom: Node, fusion: Fusion
) -> Floats:
    """Return how abnormal each node is, 0..1; the symptom is, since somebody asks about it."""
    surprise = {anomaly.node: anomaly.surprise / fusion.certain for anomaly in anomalies}
    surprise[symptom] = 1.0
    return np.array([min(surprise.get(node, 0.0), 1.0) for node in nodes])


def _evidence(
    acting: Influence, window: Window, abnormal: Floats, symptom: Node, fusion: Fusion
) -> Floats:
    """Return, for each node of the graph, the log-odds that it holds the fault, at full trust."""
    baseline = columns(window.baseline, acting.nodes)
    recent = columns(window.recent, acting.nodes)
    own = (baseline.copy(), recent.copy())
    for node, mechanism in enumerate(acting.mechanisms(baseline)):
        if mechanism.rows and mechanism.parents:
            middle = np.nanmedian(
                baseline[:, node]
            )  # the rest keeps the level: scales depend on it
            for whole, rest in zip((baseline, recent), own, strict=True):
                told = mechanism.expected(whole) - middle
                rest[:, node] -= np.where(np.isfinite(told), told, 0.0)
    whole = _deviation(acting.nodes, baseline, recent, window)
    unexplained = _deviation(acting.nodes, own[0], own[1], window) - whole
    reach = reached(fusion.hop * acting.carried) @ abnormal / max(abnormal.sum(), 1.0)
    evidence = fusion.explained * np.minimum(unexplained, 0.0)
    evidence += fusion.downstream * (reach - reach.mean())
    if fusion.second_opinion > 0 and symptom in acting.nodes:
        opinion = _second_opinion(acting, baseline, recent, acting.nodes.index(symptom), fusion)
        evidence += fusion.second_opinion * opinion
    return np.asarray(evidence)


def _deviation(nodes: Sequence[Node], baseline: Floats, recent: Floats, window: Window) -> Floats:
    """Return how far each node left its baseline, on the scale log(1 + deviation) + surprise."""

    def frame(part: pl.DataFrame, values: Floats) -> pl.DataFrame:
        seen = np.where(np.isfinite(values), values, np.nan)
        shown = [pl.Series(str(n), seen[:, i]).fill_nan(None) for i, n in enumerate(nodes)]
        return pl.DataFrame([part["time"], *shown])

    found = measure(
        replace(
            window,
            signals=tuple(Signal(node) for node in nodes),
            baseline=frame(window.baseline, baseline),
            recent=frame(window.recent, recent),
        )
    )
    return np.asarray(np.log1p(found.largest) + found.surprise)


def _paths(acting: Influence, abnormal: Floats, symptom: Node) -> dict[Node, tuple[Node, ...]]:
    """Return each node's most plausible path to the symptom, through what is abnormal if it can."""
    if symptom not in acting.nodes:
        return {}
    plausible = acting.carried * (UNSEEN + (1 - UNSEEN) * abnormal)
    found = acting.paths(acting.nodes.index(symptom), plausible)
    return {
        acting.nodes[node]: tuple(acting.nodes[step] for step in path)
        for node, path in found.items()
    }


def _second_opinion(
    acting: Influence, baseline: Floats, recent: Floats, symptom: int, fusion: Fusion
) -> Floats:
    """Return the share of the symptom's worst instant that DoWhy attributes to each node."""
    import networkx as nx
    import pandas as pd
    from dowhy import gcm
    from dowhy.gcm.ml import create_linear_regressor
    from dowhy.gcm.shapley import ShapleyApproximationMethods, ShapleyConfig

    share = np.zeros(len(acting.nodes))
    normal, now = acting.aligned(baseline, symptom), acting.aligned(recent, symptom)
    frame, worst = pd.DataFrame(normal).dropna(), pd.DataFrame(now).dropna()
    if len(frame) < FEWEST_ROWS or worst.empty:
        return share
    worst = worst.loc[[(worst[symptom] - frame[symptom].median()).abs().idxmax()]]
    network = nx.DiGraph()
    network.add_nodes_from(normal)
    network.add_edges_from((p, node) for node in normal for p in acting.parents[node])
    model = gcm.InvertibleStructuralCausalModel(network)
    for node in normal:
        model.set_causal_mechanism(
            node,
            gcm.AdditiveNoiseModel(create_linear_regressor())
            if acting.parents[node]
            else gcm.EmpiricalDistribution(),
        )
    config = ShapleyConfig(
        approximation_method=ShapleyApproximationMethods.PERMUTATION,
        num_permutations=fusion.permutations,
        n_jobs=1,
    )
    with own_randomness(SEED), one_quiet_process(gcm.config):
        gcm.fit(model, frame)
        found = gcm.attribute_anomalies(
            model,
            symptom,
            worst,
            num_distribution_samples=fusion.samples,
            shapley_config=config,
        )
    for node, part in found.items():
        share[node] = max(float(part[0]), 0.0)
    return np.asarray(share / max(share.sum(), 1e-9))
