"""Log records -> how often each template and each kind of change occurred a step.

A log says something by what it counts: a new template, one more often than usual, one that is no
longer written. Texts go no further than the template's name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from diagnose.readings import MICROSECOND, Array, Span, collected
from diagnose.schema import TIME, Node, Signal
from models.kinds import kind_of_change, kind_of_template
from models.templates import UNPARSED, TemplateParser, masked

QUIET: Final = timedelta(minutes=1)  # a log may pause this long and still be watched
ANY: Final = ""  # in place of a template: all records of one severity


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


def count_logs(logs: pl.LazyFrame, spans: tuple[Span, ...], parser: TemplateParser) -> LogCounts:
    """Return the counts of templates, severities and changes in ``logs`` on ``spans``."""
    parts = pl.concat([_binned(logs, part, span) for part, span in enumerate(spans)])
    keys = ["entity", "severity", "change", "line", "part", "step"]
    lines = collected(parts.group_by(keys).agg(pl.len().alias("count"), pl.col("time").max()))
    if lines.is_empty():
        return LogCounts((), tuple(np.empty((span.instants, 0)) for span in spans))
    named = lines.join(_templates(lines, parser), on="line", maintain_order="left")
    is_change = pl.col("change").is_not_null()
    messages = named.filter(~is_change)
    totals = messages.with_columns(template=pl.lit(ANY))
    changes = named.filter(is_change).with_columns(template=pl.lit(ANY))
    keys = ["entity", "severity", "change", "template"]
    counted = (
        pl.concat([messages, totals, changes.with_columns(severity=pl.lit("INFO"))])
        .group_by(*keys, "part", "step")
        .agg(pl.col("count").sum())
    )
    series = counted.select(keys).unique().sort(keys, nulls_last=True).with_row_index("id")
    counted = counted.join(series, on=keys, nulls_equal=True)
    watched = collected(logs.select(first=pl.col("time").min(), last=pl.col("time").max())).row(0)
    values = tuple(
        _spread(counted.filter(pl.col("part") == part), span, series.height, watched)
        for part, span in enumerate(spans)
    )
    left_out = parser.left_out
    missing = (f"{left_out} distinct log lines beyond the limit of {parser.max_lines} were not "
               "parsed into templates; they count as one.",) if left_out else ()  # fmt: skip
    return LogCounts(tuple(_signal(*row[1:]) for row in series.iter_rows()), values, missing)


def _binned(logs: pl.LazyFrame, part: int, span: Span) -> pl.LazyFrame:
    """Return the records within ``span``, masked, with their step."""
    begin = span.first - span.step / 2
    end = begin + span.step * span.instants
    elapsed = (pl.col("time") - pl.lit(begin, dtype=TIME)).dt.total_microseconds()
    attributes = pl.col("attributes").fill_null("")
    return logs.filter(pl.col("time").is_between(begin, end, closed="left")).select(
        "entity",
        "time",
        severity=pl.col("severity").fill_null("INFO").str.to_uppercase().str.slice(0, 8),
        change=attributes.str.extract(r'"change"\s*:\s*"([A-Za-z_ -]{1,40})"'),
        line=masked(pl.col("body")),
        part=pl.lit(part),
        step=elapsed // (span.step // MICROSECOND),
    )


def _templates(lines: pl.DataFrame, parser: TemplateParser) -> pl.DataFrame:
    """Return each distinct line and its template; the commonest lines are learned first."""
    order = lines.group_by("line").agg(pl.col("count").sum())
    order = order.sort("count", "line", descending=[True, False])
    parser.learn(order["line"].to_list())
    template = parser.templates()
    named = [template.get(line, UNPARSED) for line in order["line"]]
    return order.select("line", template=pl.Series(named, dtype=pl.String))


def _spread(
    counted: pl.DataFrame, span: Span, columns: int, watched: tuple[datetime, datetime]
) -> Array:
    """Return counts on ``span``: zero where the log was watched, NaN outside."""
    values = np.zeros((span.instants, columns))
    values[counted["step"].to_numpy(), counted["id"].to_numpy()] = counted["count"].to_numpy()
    quiet = max(QUIET, 3 * span.step)
    times = span.times()
    outside = (times < watched[0] - span.step / 2) | (times > watched[1] + quiet)
    values[outside.to_numpy()] = np.nan
    return values


def _signal(entity: str, severity: str, change: str | None, template: str) -> Signal:
    """Return the signal that counts these records."""
    if change is not None:
        return Signal(Node(entity, f"change/{change}"), kind_of_change(change), "change")
    name = f"log/{severity}/{template}" if template else f"log/{severity}"
    return Signal(Node(entity, name), kind_of_template(severity, template), "template")
