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

from diagnose.bundle import Bundle
from diagnose.log_counts import count_logs
from diagnose.readings import (
    Array,
    Span,
    align,
    collected,
    counters,
    phase_of,
    rates,
    span_between,
)
from diagnose.schema import Failure, Node, Signal, Window
from models.kinds import kind_of_absence, kind_of_metric
from models.templates import TemplateParser

REGULAR: Final = 0.9  # share of the baseline's steps in which a steady sender is seen
SILENT_STEPS: Final = 2  # steps in a row without a reading before silence means something
SAMPLE: Final = 200  # instants that decide which signals are kept when there are too many


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How much of a bundle becomes a window.

    Attributes:
        lead: Least time before the alert that belongs to the recent part: faults precede alerts.
        lead_steps: The same in steps; the longer holds.
        max_instants: Length of the baseline; older instants are left out.
        max_signals: Signals to keep; those that deviate least are left out.
        max_templates: Log templates to remember.
        max_lines: Distinct masked log lines to parse.
    """

    lead: timedelta = timedelta(minutes=2)
    lead_steps: int = 2
    max_instants: int = 5000
    max_signals: int = 2000
    max_templates: int = 1000
    max_lines: int = 100_000


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


def make_window(bundle: Bundle, limits: WindowLimits = WindowLimits()) -> Window:
    """Return the window of ``bundle``: a baseline, and what came around the alert.

    The recent part begins two steps or two minutes before the alert, since a fault precedes the
    alert that it raises. The baseline is ``bundle.baseline_window``, else all that was read before
    the recent part.

    Raises:
        Failure: there are no readings before ``as_of``, or a table is damaged.
    """
    baseline_span, recent_span, said = _spans(bundle, limits)
    columns = _metrics(bundle.readings, baseline_span, recent_span)
    columns += _absences(columns)
    if bundle.logs is not None:
        parser = TemplateParser(limits.max_templates, limits.max_lines)
        counts = count_logs(bundle.logs, (baseline_span, recent_span), parser)
        columns += _Columns(counts.signals, *counts.values)
        said += counts.missing
    if not columns.signals:
        way_out = "record the minutes before the alert, or move alert_time"
        raise Failure(f"{bundle.id}: no finite reading lies between baseline and as_of", way_out)
    kept = _most_deviating(columns, bundle.symptom, limits.max_signals)
    left_out = len(columns.signals) - len(kept)
    if left_out:
        said += (f"{left_out} of {len(columns.signals)} signals that deviate least were left out.",)
    columns = columns[kept]
    said += tuple(_silences(columns, bundle, recent_span))
    return Window(
        columns.signals,
        _frame(columns.signals, columns.baseline, baseline_span),
        _frame(columns.signals, columns.recent, recent_span),
        bundle.step_seconds,
        bundle.alert_time,
        bundle.as_of,
        bundle.topology,
        said,
    )


def _spans(bundle: Bundle, limits: WindowLimits) -> tuple[Span, Span, tuple[str, ...]]:
    """Return baseline and recent part, and what the first leaves out."""
    step = timedelta(seconds=bundle.step_seconds)
    ends = collected(
        bundle.readings.filter(pl.col("value").is_finite()).select(
            first=pl.col("time").min(), last=pl.col("time").max()
        )
    ).row(0)
    if ends[0] is None:
        way_out = "give a later as_of, or record the time before the alert"
        raise Failure(f"{bundle.id}: no reading has a finite value before as_of", way_out)
    phase = phase_of(bundle.readings, step)
    lead = max(limits.lead, limits.lead_steps * step)
    begin = bundle.alert_time - lead
    recent = span_between(begin, bundle.as_of, step, phase)
    start, end = bundle.baseline_window or (ends[0], begin)
    end = min(end, recent.first - step)
    longest = end - (limits.max_instants - 1) * step
    said: tuple[str, ...] = ()
    if start < longest:
        said = (f"The baseline was cut to its last {limits.max_instants} steps.",)
    baseline = span_between(max(start, longest), max(start, end), step, phase)
    if baseline.instants < 2 or end <= start:
        said += ("There is no history before the alert: nothing can be called abnormal.",)
    return baseline, recent, said


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
    once which share is gone; single steps without a reading are jitter and are smoothed away.
    """
    seen = [~np.isnan(part) for part in (metrics.baseline, metrics.recent)]
    steady = seen[0].mean(axis=0) >= REGULAR if len(metrics.baseline) else np.zeros(0, bool)
    entities = np.array([signal.node.entity for signal in metrics.signals], dtype=object)
    if not steady.any():
        return metrics[np.array([], dtype=np.intp)]
    names, group = np.unique(entities[steady].astype(str), return_inverse=True)
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
        shares.append(share / size)
    changed = np.flatnonzero(shares[1].max(axis=0, initial=0.0) > 0)
    signals = tuple(
        Signal(Node(str(names[i]), "telemetry.absent"), kind_of_absence(), "absence")
        for i in changed
    )
    return _Columns(signals, shares[0][:, changed], shares[1][:, changed])


def _most_deviating(columns: _Columns, symptom: Node | None, most: int) -> NDArray[np.intp]:
    """Return which columns to keep, in order: the symptom, then whatever deviates most."""
    if len(columns.signals) <= most:
        return np.arange(len(columns.signals))
    rows = np.linspace(0, len(columns.baseline) - 1, min(SAMPLE, len(columns.baseline)))
    past = columns.baseline[rows.astype(np.intp)]
    counts = (~np.isnan(past)).sum(axis=0)
    ordered = np.sort(past, axis=0)  # NaN last
    take = [
        np.take_along_axis(ordered, (counts * q // 4).clip(0, len(past) - 1)[None], axis=0)[0]
        for q in (1, 2, 3)
    ]
    low, middle, high = (np.nan_to_num(quartile) for quartile in take)
    scale = np.maximum(high - low, 0.01 * np.abs(middle)) + 1e-9
    now = np.nan_to_num(np.abs(columns.recent - middle), nan=0.0).max(axis=0, initial=0.0)
    score = now / scale
    score[[i for i, signal in enumerate(columns.signals) if signal.node == symptom]] = np.inf
    return np.sort(np.argsort(-score, kind="stable")[:most])


def _silences(columns: _Columns, bundle: Bundle, recent: Span) -> Iterator[str]:
    """Yield what the reader must know about what is not there."""
    entities = {signal.node.entity for signal in columns.signals}
    spoke = np.flatnonzero((~np.isnan(columns.recent)).any(axis=0))
    silent = sorted(entities - {columns.signals[i].node.entity for i in spoke})
    if silent:
        yield f"Nothing was read around the alert from {_some(silent)}: silent, or a wrong clock."
    unknown = sorted({end for pair in bundle.topology for end in pair} - entities)
    if unknown:
        yield f"The topology names {len(unknown)} entities without any signal: {_some(unknown)}."
    if bundle.symptom and bundle.symptom not in {signal.node for signal in columns.signals}:
        yield f"The symptom {bundle.symptom} was never read."
    if recent.instants and bundle.logs is None:
        yield "No log was given."


def _some(names: list[str], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _frame(signals: tuple[Signal, ...], values: Array, span: Span) -> pl.DataFrame:
    """Return one part of a window."""
    names = [str(signal.node) for signal in signals]
    schema = pl.Schema({name: pl.Float64() for name in names})
    table = pl.from_numpy(values, schema, orient="row")  # else a square one may be turned
    return table.fill_nan(None).insert_column(0, span.times())
