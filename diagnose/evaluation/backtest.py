"""Replay labelled incidents: how often are we right, how sure of it, and whom do we accuse falsely?

``truth.json`` is opened here and nowhere else, after the diagnosis of its bundle is made.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol, runtime_checkable

import numpy as np

from diagnose.evaluation.accuracy import (
    Accuracy,
    Estimate,
    Name,
    TrueCause,
    accuracy,
    chance,
    estimate,
    hits,
    places,
)
from diagnose.incident.bundle import TRUTH, read_bundle
from diagnose.incident.bundle_check import read_facts
from diagnose.incident.window import WindowLimits, make_window
from diagnose.pipeline import Roles, explain
from diagnose.schema import Diagnosis, Failure, Node, RootCause, Window
from diagnose.topology import NO_SITE, SiteTopology

INDEX: Final = "index.json"  # optional: {"bundles": [{"id": ..., "set": ...}]}
BINS: Final = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


@runtime_checkable
class Scores(Protocol):
    """A detector that says how sure it is, the same way of every window."""

    def score(self, window: Window, symptom: Node | None) -> float:
        """Return how sure it is that there is an incident."""


@dataclass(frozen=True, slots=True)
class Case:
    """One replayed bundle.

    Attributes:
        id: Its identifier.
        diagnosis: What was said of it.
        truth: Its causes; empty where it is healthy.
        entities: How many entities could have been named.
        signals: How many signals could have been named.
        seconds: From the folder to the diagnosis.
        score: How sure the detector is that it is an incident; what decides whether one is said.
    """

    id: str
    diagnosis: Diagnosis
    truth: tuple[TrueCause, ...]
    entities: int
    signals: int
    seconds: float
    score: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """Accuracy of one kind of ranking at both levels; None where nothing is labelled so."""

    entity: Accuracy | None
    signal: Accuracy | None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What happens if we speak only above some score of the detector.

    Attributes:
        score: -log10 of the chance that a healthy window shows as much.
        answered: Share of the incidents at or above it.
        accused: Share of the healthy windows at or above it.
    """

    score: float
    answered: float
    accused: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Said and true probability of the first entity, for answers with a similar one."""

    low: float
    high: float
    n: int
    said: float
    right: float


@dataclass(frozen=True, slots=True)
class SetReport:
    """How one set of bundles fared.

    Attributes:
        name: Of the set.
        n: Incidents in it.
        healthy: Healthy windows in it.
        answered: Share of incidents with a root cause; None where there are none.
        accused: Share of healthy windows with a root cause; None where there are none.
        aitia: Accuracy of the answer; where it abstained, of the ranking without graph.
        without_graph: Of the ranking without any causal claim.
        without_model: Of the ranking with the language model's weight at 0.
        operating: Incidents answered against healthy windows accused.
        calibration: Said and true probabilities of the answers.
        seconds: Mean seconds a case.
    """

    name: str
    n: int
    healthy: int
    answered: Estimate | None
    accused: Estimate | None
    aitia: Ranked
    without_graph: Ranked
    without_model: Ranked
    operating: tuple[OperatingPoint, ...]
    calibration: tuple[CalibrationBin, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """How all sets fared, and which bundles could not be explained.

    Attributes:
        sets: One a set, by name.
        failed: Bundle and reason.
    """

    sets: tuple[SetReport, ...]
    failed: tuple[tuple[str, str], ...] = ()


def backtest(
    folder: Path,
    roles: Roles,
    limits: WindowLimits = WindowLimits(),
    progress: Callable[[int, int], None] = lambda done, of: None,
    site: SiteTopology = NO_SITE,
) -> BacktestReport:
    """Return how ``roles`` fare on the labelled bundles in ``folder``.

    Args:
        folder: Folders of bundles; an ``index.json`` may say which set each belongs to, else the
            folder itself is the set.
        roles: Who explains.
        limits: How much of a bundle becomes a window.
        progress: Called with the number of bundles done and of all.
        site: What the people of the site say of the topology.

    Raises:
        Failure: there is no labelled bundle in ``folder``.
    """
    paths = sorted(path.parent for path in folder.glob(f"*/{TRUTH}"))
    if not paths:
        raise Failure(f"{folder}: no bundle with a {TRUTH}", "give a folder of labelled bundles")
    named = sets_in(folder)
    cases: dict[str, list[Case]] = {}
    failed = []
    for done, path in enumerate(paths):
        progress(done, len(paths))
        try:
            case = replay(path, roles, limits, site)
        except Failure as failure:
            failed.append((path.name, str(failure)))
            continue
        cases.setdefault(named.get(case.id, folder.resolve().name), []).append(case)
    progress(len(paths), len(paths))
    reports = tuple(report(name, found) for name, found in sorted(cases.items()))
    return BacktestReport(reports, tuple(failed))


def replay(
    path: Path,
    roles: Roles,
    limits: WindowLimits = WindowLimits(),
    site: SiteTopology = NO_SITE,
) -> Case:
    """Return the diagnosis of the bundle in ``path``, and then its truth."""
    begin = perf_counter()
    bundle = read_bundle(path)
    window = make_window(bundle, limits, site)
    diagnosis = explain(bundle.id, window, roles, bundle.symptom)
    seconds = perf_counter() - begin
    entities = {signal.node.entity for signal in window.signals}
    truth = read_truth(path / TRUTH)
    counts = (len(entities), len(window.signals))
    return Case(
        bundle.id, diagnosis, truth, *counts, seconds, _score(roles, window, bundle.symptom)
    )


def _score(roles: Roles, window: Window, symptom: Node | None) -> float:
    """Return how sure the detector is of an incident; where it does not tell, whether it is."""
    detector = roles.detector
    if isinstance(detector, Scores):
        return detector.score(window, symptom)
    return float(bool(detector.detect(window, symptom)))


def read_truth(file: Path) -> tuple[TrueCause, ...]:
    """Return the causes in a ``truth.json``.

    Raises:
        Failure: the file is no truth.
    """
    try:
        listed = read_facts(file)["root_causes"]
        return tuple(
            TrueCause(cause["entity"], cause.get("signal"), tuple(cause.get("also") or ()))
            for cause in listed
            if _is_cause(cause)
        )
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        way_out = 'write {"root_causes": [{"entity": ..., "signal": ...}]}'
        raise Failure(f"{file}: is no truth ({error})", way_out) from error


def _is_cause(cause: object) -> bool:
    """Return True for what names a cause.

    Raises:
        ValueError: for anything else; left out, it would make its incident look healthy.
    """
    if isinstance(cause, dict):
        signal, also = cause.get("signal"), cause.get("also") or []
        named = [cause.get("entity"), *([] if signal is None else [signal])]
        if isinstance(also, list) and all(isinstance(name, str) for name in [*named, *also]):
            return True
    raise ValueError(f"{cause!r:.100} names no cause")


def report(name: str, cases: Sequence[Case]) -> SetReport:
    """Return how one set of cases fared."""
    incidents = [case for case in cases if case.truth]
    healthy = [case for case in cases if not case.truth]
    return SetReport(
        name,
        len(incidents),
        len(healthy),
        _share_answered(incidents),
        _share_answered(healthy),
        _ranked(incidents, lambda d: d.root_causes or d.ranking_without_graph),
        _ranked(incidents, lambda d: d.ranking_without_graph),
        _ranked(incidents, lambda d: d.ranking_without_model or d.ranking_without_graph),
        _operating(incidents, healthy),
        _calibration(incidents),
        float(np.mean([case.seconds for case in cases])),
    )


def _ranked(cases: Iterable[Case], ranking: Callable[[Diagnosis], Sequence[RootCause]]) -> Ranked:
    """Return the accuracy of one ranking at the level of entities and of signals."""
    levels: list[Accuracy | None] = []
    for pairs in (False, True):
        found, expected = [], []
        for case in cases:
            causes: list[frozenset[Name]] = [cause.names(pairs) for cause in case.truth]
            if all(causes):
                found.append(hits(places(ranking(case.diagnosis), pairs), causes))
                expected.append(chance(case.signals if pairs else case.entities, causes))
        levels.append(accuracy(found, expected))
    return Ranked(*levels)


def _share_answered(cases: Sequence[Case]) -> Estimate | None:
    """Return the share of cases in which a root cause was named."""
    if not cases:
        return None
    return estimate(np.array([float(bool(case.diagnosis.root_causes)) for case in cases]))


def _operating(incidents: Sequence[Case], healthy: Sequence[Case]) -> tuple[OperatingPoint, ...]:
    """Return incidents answered against healthy windows accused, over the detector's score.

    A candidate's score would not do: it compares the candidates of one incident with each other.
    """
    if not incidents or not healthy:
        return ()
    ill, well = (np.array([case.score for case in cases]) for cases in (incidents, healthy))
    bars = np.quantile(np.concatenate([ill, well]), np.linspace(0, 1, 21))
    return tuple(
        OperatingPoint(float(bar), float((ill >= bar).mean()), float((well >= bar).mean()))
        for bar in np.unique(bars)
    )


def _calibration(incidents: Iterable[Case]) -> tuple[CalibrationBin, ...]:
    """Return said and true probability of the first entity, in bins."""
    said, right = [], []
    for case in incidents:
        causes = case.diagnosis.root_causes
        if causes:
            entity = causes[0].entity
            said.append(sum(cause.probability for cause in causes if cause.entity == entity))
            right.append(entity in {cause.entity for cause in case.truth})
    stated, true = np.array(said), np.array(right, dtype=float)
    bins = []
    for low, high in pairwise(BINS):
        inside = (stated >= low) & ((stated < high) | (high == BINS[-1]))
        if inside.any():
            mean = (float(stated[inside].mean()), float(true[inside].mean()))
            bins.append(CalibrationBin(low, high, int(inside.sum()), *mean))
    return tuple(bins)


def sets_in(folder: Path) -> dict[str, str]:
    """Return which set each bundle belongs to, as far as an index says."""
    index = folder / INDEX
    if not index.exists():
        return {}
    try:
        return {str(bundle["id"]): str(bundle["set"]) for bundle in read_facts(index)["bundles"]}
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        way_out = 'write {"bundles": [{"id": ..., "set": ...}]}, or remove it'
        raise Failure(f"{index}: is no index ({error})", way_out) from error
