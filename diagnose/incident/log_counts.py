"""Log records -> how often each template and each kind of change occurred a step.

A log says something by what it counts: a new template, one more often than usual, one that is no
longer written. Texts go no further than the template's name.

The table is read twice in batches, so that a log of many gigabytes needs no more memory than its
distinct lines: once to find the commonest lines, once to count them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.incident.readings import MICROSECOND, Array, Span, batches, collected
from diagnose.schema import TIME, Node, Signal
from models.kinds import kind_of_change, kind_of_template
from models.templates import UNPARSED, TemplateParser, masked

QUIET: Final = timedelta(minutes=1)  # a log may pause this long and still be watched
ANY: Final = ""  # in place of a template: all records of one severity
SERIES: Final = 4000  # series that are kept; those whose rate changed least are left out
MANY: Final = 3  # entities that usually log within a step; none of them does where logs were lost
CHANGES: Final = 50  # kinds of change that are told apart
ROWS: Final = 2_000_000  # counts that are gathered before they are added up
# Sources spell severities in many ways; a sender that invents new ones makes no new signals.
SEVERITIES: Final = (
    ("FATAL", "FATAL|EMERG|ALERT|CRIT|PANIC"),
    ("ERROR", "ERR|SEVERE|FAIL"),
    ("WARN", "WARN"),
    ("DEBUG", "DEBUG"),
    ("TRACE", "TRACE|FINE"),
)


@dataclass(frozen=True, slots=True, eq=False)
class LogCounts:
    """Counts of log records on several spans.

    Attributes:
        signals: One a column.
        values: One array of shape (instants, signals) a span; NaN where no log was watched.
        missing: What was left out, a sentence each.
    """

    signals: tuple[Signal, ...]
    values: tuple[Array, ...]
    missing: tuple[str, ...] = ()


def count_logs(
    logs: pl.LazyFrame, spans: tuple[Span, ...], parser: TemplateParser, max_lines: int = 30_000
) -> LogCounts:
    """Return the counts of templates, severities and changes in ``logs`` on ``spans``.

    Args:
        logs: Schema LOGS.
        spans: Where to count; they do not overlap.
        parser: Finds the templates.
        max_lines: Distinct masked lines to parse, the commonest; all others count as one template.
    """
    binned = _binned(logs, spans)
    lines, left_out = _commonest(binned, max_lines)
    if lines.is_empty():
        return LogCounts((), tuple(np.empty((span.instants, 0)) for span in spans))
    counted = _named(_counted(binned, lines, parser))
    keys = ["entity", "severity", "change", "template"]
    series = counted.select(keys).unique().sort(keys, nulls_last=True)
    kept = _most_changed(counted, series, spans).with_row_index("id")
    dropped = series.height - kept.height
    counted = counted.join(kept, on=keys, nulls_equal=True)
    watched = collected(logs.select(first=pl.col("time").min(), last=pl.col("time").max())).row(0)
    paused = _paused(counted, spans)
    values = tuple(
        _spread(counted.filter(pl.col("part") == part), span, kept.height, watched, pause)
        for part, (span, pause) in enumerate(zip(spans, paused, strict=True))
    )
    missing = []
    if steps := sum(int(pause.sum()) for pause in paused):
        missing.append(
            f"No entity logged anything during {steps} steps: not collected, not silent."
        )
    if left_out:
        missing.append(f"{left_out} rare log lines beyond {max_lines} distinct ones count as one.")
    if dropped:
        missing.append(f"{dropped} log templates whose rate changed least were left out.")
    signals = tuple(_signal(*row[1:]) for row in kept.iter_rows())
    return LogCounts(signals, values, tuple(missing))


def _binned(logs: pl.LazyFrame, spans: tuple[Span, ...]) -> pl.LazyFrame:
    """Return the records within any of ``spans``, masked, with their span and step."""
    time, part, step = pl.col("time"), pl.lit(None, pl.Int8), pl.lit(None, pl.Int64)
    for number, span in enumerate(spans):
        begin = span.first - span.step / 2
        inside = time.is_between(begin, begin + span.step * span.instants, closed="left")
        elapsed = (time - pl.lit(begin, dtype=TIME)).dt.total_microseconds()
        part = pl.when(inside).then(pl.lit(number, pl.Int8)).otherwise(part)
        step = pl.when(inside).then(elapsed // (span.step // MICROSECOND)).otherwise(step)
    given = pl.col("severity").fill_null("").str.slice(0, 16).str.to_uppercase()
    severity = pl.lit("INFO")
    for name, pattern in reversed(SEVERITIES):
        severity = pl.when(given.str.contains(pattern)).then(pl.lit(name)).otherwise(severity)
    change = pl.col("attributes").str.extract(r'"change"\s*:\s*"([^"\\]{1,80})"')
    return (
        logs.with_columns(part=part, step=step.cast(pl.Int32))
        .filter(pl.col("part").is_not_null())
        .select(
            "entity",
            "part",
            "step",
            severity=severity,
            change=change.str.replace_all(r"[^A-Za-z0-9_. -]", ""),
            line=masked(pl.col("body")),
        )
    )


def _commonest(binned: pl.LazyFrame, most: int) -> tuple[pl.DataFrame, int]:
    """Return the hashes of the commonest lines, and how many lines are not among them.

    Among lines of one frequency the hash decides: a sample in which none of them has an advantage.
    """
    hashes = binned.select(pl.col("line").hash().alias("hash"), count=pl.lit(1, pl.Int64))
    found = _summed(batches(hashes), ["hash"]).sort("count", "hash", descending=[True, False])
    return found.head(most).select("hash").with_row_index("code"), max(found.height - most, 0)


def _counted(binned: pl.LazyFrame, lines: pl.DataFrame, parser: TemplateParser) -> pl.DataFrame:
    """Return how often each template occurred a step, for each entity, severity and change.

    Args:
        binned: Records.
        lines: Hashes of the lines to parse, commonest first.
        parser: Finds the templates.
    """
    texts: dict[int, str] = {}

    def coded() -> Iterator[pl.DataFrame]:
        for batch in batches(binned.with_columns(hash=pl.col("line").hash())):
            known = batch.join(lines, on="hash", how="left")
            fresh = known.select("code", "line").drop_nulls().unique("code")
            texts.update(fresh.filter(~pl.col("code").is_in(list(texts))).iter_rows())
            yield known.with_columns(count=pl.lit(1, pl.Int64))

    table = _summed(coded(), ["entity", "severity", "change", "part", "step", "code"])
    codes = sorted(texts)  # the commonest lines are learned first
    parser.learn([texts[code] for code in codes])
    found = parser.templates()
    names = [found.get(texts[code], UNPARSED) for code in codes]
    template = pl.DataFrame(
        {"code": codes, "template": names}, {"code": pl.UInt32, "template": pl.String}
    )
    named = table.join(template, on="code", how="left")
    return named.with_columns(pl.col("template").fill_null(UNPARSED))


def _summed(tables: Iterable[pl.DataFrame], keys: list[str]) -> pl.DataFrame:
    """Return the sum of ``count`` for each of ``keys`` over many tables."""
    parts: list[pl.DataFrame] = []
    gathered = 0
    for table in tables:
        parts.append(table.group_by(keys).agg(pl.col("count").sum()))
        gathered += parts[-1].height
        if gathered > ROWS:
            parts = [pl.concat(parts).group_by(keys).agg(pl.col("count").sum())]
            gathered = 0
    return pl.concat(parts).group_by(keys).agg(pl.col("count").sum())


def _named(counted: pl.DataFrame) -> pl.DataFrame:
    """Return ``counted`` with totals of each severity, and changes told by their kind alone."""
    messages = counted.filter(pl.col("change").is_null())
    totals = messages.with_columns(template=pl.lit(ANY))
    changes = counted.filter(pl.col("change").is_not_null())
    number = changes.group_by("change").agg(pl.col("count").sum())
    common = number.sort("count", "change", descending=[True, False]).head(CHANGES)["change"]
    kind = pl.col("change").replace_strict(common, common, default="other")
    changes = changes.with_columns(change=kind, template=pl.lit(ANY), severity=pl.lit("INFO"))
    keys = ["entity", "severity", "change", "template", "part", "step"]
    together = pl.concat([table.select(*keys, "count") for table in (messages, totals, changes)])
    return together.group_by(keys).agg(pl.col("count").sum())


def _most_changed(
    counted: pl.DataFrame, series: pl.DataFrame, spans: tuple[Span, ...]
) -> pl.DataFrame:
    """Return the series to keep, in order: those whose rate on the last span is least expected."""
    if series.height <= SERIES:
        return series
    late = pl.col("count").filter(pl.col("part") == len(spans) - 1).sum()
    instants = [span.instants for span in spans]
    share = instants[-1] / max(sum(instants[:-1]), 1)
    expected = (pl.col("count").sum() - late) * share
    odd = ((late - expected).abs() / (expected + 1).sqrt()).alias("odd")
    judged = counted.group_by(series.columns).agg(odd)
    columns = [*series.columns]
    ordered = judged.sort("odd", *columns, descending=[True] + [False] * len(columns))
    return ordered.head(SERIES).select(columns).sort(columns, nulls_last=True)


def _paused(counted: pl.DataFrame, spans: tuple[Span, ...]) -> tuple[NDArray[np.bool_], ...]:
    """Return at which instants nobody logged, though many do at almost any other.

    One that falls silent is news. All of them at once have not been listened to.
    """
    messages = counted.filter(pl.col("template") != ANY)
    talking = messages.group_by("part", "step").agg(pl.col("entity").n_unique())
    usual = talking["entity"].median() if talking.height else 0
    heard = [np.zeros(span.instants, dtype=bool) for span in spans]
    for part, step in talking.select("part", "step").iter_rows():
        heard[part][step] = True
    many = isinstance(usual, float) and usual >= MANY
    return tuple(~known & many for known in heard)


def _spread(
    counted: pl.DataFrame,
    span: Span,
    columns: int,
    watched: tuple[datetime, datetime],
    paused: NDArray[np.bool_],
) -> Array:
    """Return counts on ``span``: zero where the log was watched, NaN outside."""
    values = np.zeros((span.instants, columns))
    values[counted["step"].to_numpy(), counted["id"].to_numpy()] = counted["count"].to_numpy()
    quiet = max(QUIET, 3 * span.step)
    times = span.times()
    outside = (times < watched[0] - span.step / 2) | (times > watched[1] + quiet)
    values[outside.to_numpy() | paused] = np.nan
    return values


def _signal(entity: str, severity: str, change: str | None, template: str) -> Signal:
    """Return the signal that counts these records."""
    if change is not None:
        return Signal(Node(entity, f"change/{change}"), kind_of_change(change), "change")
    name = f"log/{severity}/{template}" if template else f"log/{severity}"
    return Signal(Node(entity, name), kind_of_template(severity, template), "template")
