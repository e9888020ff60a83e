"""Measure one set of bundles: Aitia on time and moved in time, its peers on the same rows."""

import resource
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from diagnose.compose import compose, limits
from diagnose.config import load
from diagnose.evaluation.accuracy import Name, TrueCause, chance, hits, places
from diagnose.evaluation.backtest import read_truth
from diagnose.incident.bundle import TRUTH, read_bundle
from diagnose.incident.window import WindowLimits, make_window
from diagnose.pipeline import Roles, explain
from diagnose.schema import Diagnosis, Failure, RootCause, Window
from models.detector import RobustDetector
from tests.bench.peers.detectors import DETECTORS
from tests.bench.peers.packages import METHODS, METHODS_ON_CALLS, Packages
from tests.bench.peers.rankers import PEERS, PEERS_ON_CALLS, Rows, in_order, ranking, rows_of
from tests.bench.records import (
    AITIA,
    WITHOUT_GRAPH,
    WITHOUT_MODEL,
    Measured,
    MeasuredSet,
    Said,
    Scores,
    Trusted,
)
from tests.bench.shape import shape_of
from tests.bench.variants import ON_TIME, TRUE, graphs_of, in_time

ANY: Final = 1e300  # level of significance at which everything is an anomaly
HISTORY: Final = 2  # instants of the past that every peer needs
EVERY: Final = 10  # bundles after which progress is told


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure.

    Attributes:
        name: Of the set.
        paths: Its bundles.
        proposer: Who proposes edges, as in the settings.
        cache: Folder for the answers of published packages; None leaves the packages out.
    """

    name: str
    paths: tuple[Path, ...]
    proposer: str
    cache: Path | None


def measure_set(job: Job) -> MeasuredSet:
    """Return what was measured on one set; in a process of its own, whose memory is told."""
    settings = load(None, {"model": {"proposer": job.proposer}})
    bench = Bench(compose(settings), limits(settings))
    bundles, failed = [], []
    for path in job.paths:
        try:
            bundles.append((path, bench.on_time(path)))
        except Failure as failure:
            failed.append((path.name, str(failure)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with ExitStack() as stack:
        packages = stack.enter_context(Packages(job.cache)) if job.cache else None
        for done, (path, measured) in enumerate(bundles, start=1):
            bench.detect(path, measured)
            if measured.incident:
                bench.rank(path, measured, packages)
                bench.reverse(path, measured)
            if done % EVERY == 0 or done == len(bundles):
                sys.stderr.write(f"{job.name}: {done} of {len(bundles)} bundles\n")
    return MeasuredSet(job.name, tuple(measured for _, measured in bundles), tuple(failed), peak)


class Bench:
    """Who explains, and how much of a bundle becomes a window."""

    def __init__(self, roles: Roles, bounds: WindowLimits) -> None:
        self._roles, self._bounds = roles, bounds

    def on_time(self, path: Path) -> Measured:
        """Return what Aitia says of the bundle in ``path``, and how long it takes.

        Raises:
            Failure: the bundle cannot be explained.
        """
        begin = perf_counter()
        bundle = read_bundle(path)
        window = make_window(bundle, self._bounds)
        read = perf_counter() - begin
        diagnosis = explain(bundle.id, window, self._roles, bundle.symptom)
        seconds = {"read": read, **diagnosis.duration_seconds, "all": perf_counter() - begin}
        truth = read_truth(path / TRUTH)
        pairs = one_entity(window)
        names = [cause.names(pairs) for cause in truth]
        candidates = len({s.node if pairs else s.node.entity for s in window.signals})
        measured = Measured(
            bundle.id,
            bundle.alert_time.isoformat(),
            bool(truth),
            pairs,
            chance(candidates, names) if names else None,
            bool(diagnosis.root_causes),
            said(diagnosis.root_causes, truth),
            seconds,
            shape_of(bundle, window),
        )
        if names:
            measured.found[ON_TIME] = ours(diagnosis, pairs, names)
            if bundle.topology:
                first = measured.found[ON_TIME][AITIA]
                measured.graphs[TRUE] = [trusted(diagnosis, first)]
        return measured

    def detect(self, path: Path, measured: Measured) -> None:
        """Add to ``measured`` how abnormal the window is to each detector."""
        bundle = read_bundle(path)
        window = make_window(bundle, self._bounds)
        measured.abnormal[AITIA] = RobustDetector().score(window, bundle.symptom)
        rows = rows_of(window, bundle.symptom)
        for name, detector in DETECTORS.items():
            score = detector(rows) if len(rows.past) >= HISTORY else 0.0
            if score is not None:
                measured.abnormal[name] = score

    def rank(self, path: Path, measured: Measured, packages: Packages | None) -> None:
        """Add the rankings of all methods, on time and moved in time."""
        names = [cause.names(measured.pairs) for cause in read_truth(path / TRUTH)]
        for variant, bundle in in_time(path):
            try:
                window = make_window(bundle, self._bounds)
            except Failure as failure:  # moved before the first reading
                measured.failures[variant] = str(failure)
                continue
            rows = rows_of(window, bundle.symptom)
            found = measured.found.setdefault(variant, {})
            if variant != ON_TIME:
                diagnosis = explain(bundle.id, window, self._roles, bundle.symptom)
                found |= ours(diagnosis, measured.pairs, names)
            if len(rows.past) < HISTORY:
                continue
            for peer, scorer in PEERS.items():
                if rows.calls or peer not in PEERS_ON_CALLS:
                    ranked = ranking(scorer, rows)
                    found[peer] = hits(places(ranked, measured.pairs), names)
            if variant == ON_TIME and packages:
                _ask(packages, rows, measured, names)

    def reverse(self, path: Path, measured: Measured) -> None:
        """Add how Aitia fares with other call graphs than the given one, where one is given."""
        bundle = read_bundle(path)
        if not bundle.topology:
            return
        names = [cause.names(measured.pairs) for cause in read_truth(path / TRUTH)]
        for kind, other in graphs_of(bundle):
            diagnosis = explain(
                bundle.id, make_window(other, self._bounds), self._roles, bundle.symptom
            )
            first = ours(diagnosis, measured.pairs, names)[AITIA]
            measured.graphs.setdefault(kind, []).append(trusted(diagnosis, first))


def ours(diagnosis: Diagnosis, pairs: bool, names: Sequence[frozenset[Name]]) -> dict[str, Scores]:
    """Return AC@1 .. AC@5 of the answer and of its ablations.

    Where it abstains, its ranking without graph counts, as for whoever asks on.
    """
    plain = diagnosis.ranking_without_graph
    rankings = {
        AITIA: diagnosis.root_causes or plain,
        WITHOUT_MODEL: diagnosis.ranking_without_model or plain,
        WITHOUT_GRAPH: plain,
    }
    return {name: hits(places(ranked, pairs), names) for name, ranked in rankings.items()}


def said(causes: Sequence[RootCause], truth: Sequence[TrueCause]) -> tuple[Said, ...]:
    """Return what an answer says of entities, likeliest first."""
    total: dict[str, float] = {}
    for cause in causes:
        total[cause.entity] = total.get(cause.entity, 0.0) + cause.probability
    right = {cause.entity for cause in truth}
    ordered = sorted(total.items(), key=lambda item: -item[1])
    return tuple(
        Said(min(probability, 1.0), entity in right, place == 0)
        for place, (entity, probability) in enumerate(ordered)
    )


def trusted(diagnosis: Diagnosis, found: Scores) -> Trusted:
    """Return how the graph of ``diagnosis`` fared."""
    graph = diagnosis.graph
    shares = (graph.violation_share, graph.null_violation_share)
    return Trusted(graph.trust, float(found[0]), *shares)


def one_entity(window: Window) -> bool:
    """Return whether naming the entity would say nothing."""
    return len({signal.node.entity for signal in window.signals}) == 1


def _ask(
    packages: Packages, rows: Rows, measured: Measured, names: Sequence[frozenset[Name]]
) -> None:
    """Add what published packages make of ``rows``; a failure is no ranking."""
    for name, method in METHODS.items():
        if method in METHODS_ON_CALLS and not rows.calls:
            continue
        answer = packages.ask(method, rows)
        measured.took[name] = answer.seconds
        if answer.ranking is None:
            measured.failures[name] = answer.failure
        else:
            ranked = in_order(rows.signals, list(answer.ranking))
            measured.found[ON_TIME][name] = hits(places(ranked, measured.pairs), names)
