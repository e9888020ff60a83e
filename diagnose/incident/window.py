"""Bundle -> Window: what an incident's entities showed, aligned, from both tables.

Nothing after ``as_of`` is read; what could not be read or was left out is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.incident.bundle import Bundle
from diagnose.incident.extent import extent_of
from diagnose.incident.log_counts import count_logs
from diagnose.incident.readings import Array, Span, align, counters, rates
from diagnose.incident.resolutions import resolutions
from diagnose.schema import Failure, Node, Signal, Window
from diagnose.topology import NO_SITE, SiteTopology, Topology
from diagnose.wording import counted, duration, some
from models.kinds import kind_of_absence, kind_of_metric
from models.templates import TemplateParser

REGULAR: Final = 0.9  # share of the baseline's steps in which a steady sender is seen
SILENT_STEPS: Final = 2  # steps in a row without a reading before silence means something
FEW: Final = 3  # signals of an entity that must be gone before it counts as absent in part ...
PART: Final = 0.15  # ... unless they are this share of them
SPARSE: Final = 0.6  # share of instants with a reading below which the step is called too short
SAMPLE: Final = 200  # instants that decide which signals are kept when there are too many


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How much of a bundle becomes a window.

    Attributes:
        lead: Least time before the alert that belongs to the recent part: faults precede alerts.
        lead_steps: The same in steps; the longer holds.
        max_instants: Length of either part; older instants of the baseline are left out.
        max_signals: Signals to keep; those that deviate least are left out.
        max_templates: Log templates to remember.
        max_lines: Distinct masked log lines to parse.
    """

    lead: timedelta = timedelta(minutes=2)
    lead_steps: int = 2
    max_instants: int = 5000
    max_signals: int = 2000
    max_templates: int = 1000
    max_lines: int = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Signals with their values on the baseline and on the recent part."""

    signals: tuple[Signal, ...]
    baseline: Array
    recent: Array

    def __add__(self, other: "_Columns") -> "_Columns":
        return _Columns(
            self.signals + other.signals,
            np.hstack([self.baseline, other.baseline]),
            np.hstack([self.recent, other.recent]),
        )

    def __getitem__(self, chosen: NDArray[np.intp]) -> "_Columns":
        signals = tuple(self.signals[i] for i in chosen)
        return _Columns(signals, self.baseline[:, chosen], self.recent[:, chosen])


def make_window(
    bundle: Bundle, limits: WindowLimits = WindowLimits(), site: SiteTopology = NO_SITE
) -> Window:
    """Return the window of ``bundle``: a baseline, and what came around the alert.

    The recent part begins two steps or two minutes before the alert, since a fault precedes the
    alert that it raises. The baseline is ``bundle.baseline_window``, else all that was read before
    the recent part.

    Args:
        bundle: The incident.
        limits: How much of it becomes a window.
        site: What the people of the site say of the topology, beside the bundle's own.

    Raises:
        Failure: there are no readings before ``as_of``, or a table is damaged.
    """
    step = timedelta(seconds=bundle.step_seconds)
    extent = extent_of(bundle, max(limits.lead, limits.lead_steps * step), limits.max_instants)
    spans, said = (extent.baseline, extent.recent), [*bundle.missing, *extent.missing]
    columns = _metrics(bundle.readings, *spans)
    said += _pace(columns, bundle.step_seconds)
    advice = bundle.advice
    columns += _absences(columns)
    if bundle.logs is not None:
        parser = TemplateParser(limits.max_templates)
        counts = count_logs(bundle.logs, spans, parser, limits.max_lines)
        columns += _Columns(counts.signals, *counts.values)
        said += counts.missing
        advice += resolutions(bundle.logs, spans[1].first)
    if not columns.signals:
        way_out = "record the minutes before the alert, or move alert_time"
        raise Failure(f"{bundle.id}: no finite reading lies between baseline and as_of", way_out)
    columns, told = _chosen(columns, bundle.symptom, limits.max_signals)
    own = Topology(bundle.topology, bundle.contains)
    topology = own + site.among({signal.node.entity for signal in columns.signals})
    return Window(
        columns.signals,
        _frame(columns.signals, columns.baseline, spans[0]),
        _frame(columns.signals, columns.recent, spans[1]),
        bundle.step_seconds,
        bundle.alert_time,
        bundle.as_of,
        tuple(pair for pair in topology.calls if pair[0] != pair[1]),
        tuple(pair for pair in topology.contains if pair[0] != pair[1]),
        (*said, *told, *_unknown(columns, bundle)),
        advice,
    )


def _metrics(readings: pl.LazyFrame, baseline: Span, recent: Span) -> _Columns:
    """Return all metrics on both spans, counters as rates per second.

    The two spans are aligned with one step before each, from which a counter's rate can start.
    """
    nodes, before = align(readings, baseline.lead_in())
    later_nodes, after = align(readings, recent.lead_in())
    union = sorted({*nodes, *later_nodes})
    before, after = _on(union, nodes, before), _on(union, later_nodes, after)
    counting = counters(union, before)
    step_seconds = baseline.step / timedelta(seconds=1)
    parts = [
        np.where(counting, rates(values, step_seconds), values[1:]) for values in (before, after)
    ]
    signals = tuple(
        Signal(node, kind_of_metric(node.signal), "counter" if counts else "metric")
        for node, counts in zip(union, counting, strict=True)
    )
    return _Columns(signals, *parts)


def _on(union: list[Node], nodes: list[Node], values: Array) -> Array:
    """Return ``values`` with one column for each of ``union``; NaN where it has none."""
    place = {node: i for i, node in enumerate(union)}
    wide = np.full((len(values), len(union)), np.nan)
    wide[:, [place[node] for node in nodes]] = values
    return wide


def _absences(metrics: _Columns) -> _Columns:
    """Return, for each steady entity, the share of its signals that were not seen.

    A server that no longer speaks must not look healthy. An entity with several signals tells at
    once which share is gone. Single steps without a reading are jitter, and a signal or two of many
    may have nothing to tell (the latency of requests that did not come): both are smoothed away.
    """
    seen = [~np.isnan(part) for part in (metrics.baseline, metrics.recent)]
    steady = seen[0].mean(axis=0) >= REGULAR if len(metrics.baseline) else np.zeros(0, bool)
    entities = np.array([signal.node.entity for signal in metrics.signals], dtype=object)
    if not steady.any():
        return metrics[np.array([], dtype=np.intp)]
    names, group = np.unique(entities[steady], return_inverse=True)
    size = np.bincount(group)
    shares = []
    for part in seen:
        gone = ~part[:, steady]
        lasting = gone.copy()
        for shift in range(1, SILENT_STEPS):
            lasting[shift:] &= gone[:-shift]
            lasting[:shift] = False
        share = np.zeros((len(part), len(names)))
        np.add.at(share.T, group, lasting.T.astype(float))
        share[(share < FEW) & (share < PART * size)] = 0
        shares.append(share / size)
    changed = np.flatnonzero(shares[1].max(axis=0, initial=0.0) > 0)
    signals = tuple(
        Signal(Node(names[i], "telemetry.absent"), kind_of_absence(), "absence") for i in changed
    )
    return _Columns(signals, shares[0][:, changed], shares[1][:, changed])


def _pace(metrics: _Columns, step_seconds: float) -> Iterator[str]:
    """Yield a sentence where readings come less often than the step says."""
    order = np.arange(len(metrics.baseline))[:, None]
    seen = ~np.isnan(metrics.baseline)
    number = seen.sum(axis=0)
    often = number >= 2
    if often.any():
        last, first = (
            np.where(seen, order, -1).max(axis=0),
            np.where(seen, order, len(order)).min(axis=0),
        )
        share = np.median(((number - 1) / np.maximum(last - first, 1))[often])
        if share < SPARSE:
            yield (
                f"Signals are read about every {duration(step_seconds / share)}, and the step is "
                f"{duration(step_seconds)}: most instants are empty."
            )


def _chosen(columns: _Columns, symptom: Node | None, most: int) -> tuple[_Columns, list[str]]:
    """Return the columns that a window holds, and what it leaves out."""
    said = []
    place: dict[str, int] = {}
    for i, signal in enumerate(columns.signals):
        place.setdefault(str(signal.node), i)
    twice = len(columns.signals) - len(place)
    if twice:
        said.append(f"{counted(twice, 'signal')} with the name of another one left out.")
        columns = columns[np.array(list(place.values()), dtype=np.intp)]
    number = len(columns.signals)
    if number > most:
        said.append(f"{number - most} of {number} signals that deviate least were left out.")
        columns = columns[_most_deviating(columns, symptom, most)]
    return columns, said


def _most_deviating(columns: _Columns, symptom: Node | None, most: int) -> NDArray[np.intp]:
    """Return which columns to keep, in order: the symptom, then whatever deviates most."""
    score = np.zeros(len(columns.signals))
    if len(columns.baseline):
        rows = np.linspace(0, len(columns.baseline) - 1, min(SAMPLE, len(columns.baseline)))
        past = columns.baseline[rows.astype(np.intp)]
        counts = (~np.isnan(past)).sum(axis=0)
        ordered = np.sort(past, axis=0)  # NaN last
        low, middle, high = (
            np.nan_to_num(
                np.take_along_axis(ordered, (counts * q // 4).clip(0, len(past) - 1)[None], axis=0)
            )[0]
            for q in (1, 2, 3)
        )
        scale = np.maximum(high - low, 0.01 * np.abs(middle))
        distance = np.nan_to_num(np.abs(columns.recent - middle)).max(axis=0, initial=0.0)
        score = np.where(distance > 0, distance / np.where(scale > 0, scale, 1e-9), 0.0)
    score[[i for i, signal in enumerate(columns.signals) if signal.node == symptom]] = np.inf
    return np.sort(np.argsort(-score, kind="stable")[:most])


def _unknown(columns: _Columns, bundle: Bundle) -> Iterator[str]:
    """Yield what the reader must know about what was asked for and is not there."""
    nodes = {signal.node for signal in columns.signals}
    entities = {node.entity for node in nodes}
    joined = (*bundle.topology, *bundle.contains)
    unseen = sorted({end for pair in joined for end in pair} - entities)
    if unseen:
        yield f"The topology names {len(unseen)} entities without any signal: {some(unseen)}."
    if bundle.symptom and bundle.symptom not in nodes:
        yield f"The symptom {bundle.symptom} was never read."
    if bundle.logs is None:
        yield "No log was given."


def _frame(signals: tuple[Signal, ...], values: Array, span: Span) -> pl.DataFrame:
    """Return one part of a window."""
    names = [str(signal.node) for signal in signals]
    schema = pl.Schema({name: pl.Float64() for name in names})
    table = pl.from_numpy(values, schema, orient="row")  # else a square one may be turned
    return table.fill_nan(None).insert_column(0, span.times())
