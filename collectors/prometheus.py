"""What a Prometheus keeps, queried where it is: series, rules with their alerts, targets.

Reads:     /api/v1/{query_range,series,rules,targets} of Prometheus, VictoriaMetrics and alike
Emits:     readings: whose and which, ``collectors.prometheus_labels`` says
Platforms: any
See:       https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import polars as pl

from collectors.endpoint import Connection, Json, Parameters
from collectors.prometheus_labels import node_of
from diagnose.schema import READINGS, TIME

POINTS: Final = 10_000  # of one series in one answer; Prometheus refuses more than 11,000
LATEST: Final = 1e11  # Unix time in seconds; beyond are milliseconds, or nonsense
FRAME: Final = 200_000  # readings of one frame
_UNITS: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_FRACTION: Final = re.compile(r"(?<=\.\d{6})\d+")  # Prometheus writes nanoseconds

Labels = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Series:
    """One series as it was on a row of instants.

    Attributes:
        labels: All of its labels.
        times: Unix times in seconds, ascending.
        values: One a time, as the source says them: NaN and infinity are possible.
    """

    labels: Labels
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that a rule has raised, or is about to.

    Attributes:
        labels: Those of the series, and those that the rule adds.
        annotations: What the rule tells people.
        state: "pending" while the rule's ``for`` runs, then "firing".
        since: Since when the rule's expression holds, ``for`` included.
    """

    labels: Labels
    annotations: Labels
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule.

    Attributes:
        name: The alerts' name.
        expression: What must hold, in PromQL.
        hold: For how long it must hold before the alert fires.
        labels: What the rule adds to the alert's labels.
        alerts: The alerts that it has raised.
    """

    name: str
    expression: str
    hold: timedelta = timedelta(0)
    labels: Labels = field(default_factory=dict)
    alerts: tuple[Active, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What is scraped.

    Attributes:
        labels: Those that all of its series have.
        health: "up", "down" or "unknown".
        interval_seconds: Between two scrapes; None where the server does not say.
    """

    labels: Labels
    health: str
    interval_seconds: float | None


class Prometheus:
    """A Prometheus that is asked.

    Args:
        connection: To its address, a path before ``/api`` included.

    Each method raises OSError where it cannot be asked, ValueError where its answer is not what
    the API promises.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def evaluate(
        self, query: str, start: datetime, end: datetime, step_seconds: float
    ) -> Iterator[Series]:
        """Yield what ``query`` gives on the instants of a span; a long one comes in parts.

        Args:
            query: PromQL that gives a vector.
            start: First instant.
            end: No instant is later.
            step_seconds: Distance between two instants.
        """
        step = timedelta(seconds=step_seconds)
        while start <= end:
            last = min(end, start + (POINTS - 1) * step)
            form = {
                "query": query,
                "start": _unix(start),
                "end": _unix(last),
                "step": f"{step_seconds:g}",
                "nocache": "1",  # VictoriaMetrics' cache does not know the newest points
            }
            for one in _field(self._posted("query_range", form), "result", list):
                yield _series(one)
            start = last + step

    def readings(
        self, selector: str, start: datetime, end: datetime, step_seconds: float
    ) -> Iterator[pl.DataFrame]:
        """Yield the series that ``selector`` chooses as frames of schema READINGS.

        A value counts for one step: by itself Prometheus shows it for five minutes, so that what
        was not read looks steady, and a counter leaps when it is read again.

        Args:
            selector: PromQL of the series themselves.
            start: First instant.
            end: No instant is later.
            step_seconds: Distance between two instants.
        """
        held: list[pl.DataFrame] = []
        rows = 0
        query = f"last_over_time({selector}[{1000 * step_seconds:.0f}ms])"
        for series in self.evaluate(query, start, end, step_seconds):
            node = node_of(series.labels)
            held.append(readings_of(series, node.entity, node.signal))
            rows += len(series.times)
            if rows > FRAME:
                yield pl.concat(held)
                held, rows = [], 0
        if held:
            yield pl.concat(held)

    def series(self, selectors: Sequence[str], start: datetime, end: datetime) -> list[Labels]:
        """Return the labels of every series in a span that one of ``selectors`` chooses."""
        form: Parameters = {"match[]": list(selectors), "start": _unix(start), "end": _unix(end)}
        found = self._posted("series", form)
        if not isinstance(found, list):
            raise ValueError(f"{self.connection.url}: series are no list")
        return [_labels(one) for one in found]

    def rules(self) -> tuple[Rule, ...]:
        """Return the alerting rules, with the alerts that each has raised."""
        data = _content(self.connection.get("api/v1/rules", {"type": "alert"}), self.connection.url)
        groups = _field(data, "groups", list)
        rules = [rule for group in groups for rule in _field(group, "rules", list)]
        return tuple(_rule(rule) for rule in rules if _field(rule, "type", str) == "alerting")

    def targets(self) -> tuple[Target, ...]:
        """Return what is scraped at present."""
        answer = self.connection.get("api/v1/targets", {"state": "active"})
        found = _field(_content(answer, self.connection.url), "activeTargets", list)
        return tuple(map(_target, found))

    def _posted(self, what: str, form: Parameters) -> Json:
        """Return the data of an answer to a form; queries may be too long for an address."""
        return _content(self.connection.post(f"api/v1/{what}", form), self.connection.url)


def readings_of(series: Series, entity: str, signal: str) -> pl.DataFrame:
    """Return ``series`` as a table of schema READINGS."""
    micros = (pl.Series("time", series.times, pl.Float64) * 1e6).round().cast(pl.Int64)
    return (
        pl.DataFrame([micros.cast(TIME), pl.Series("value", series.values, pl.Float64)])
        .select("time", pl.lit(entity).alias("entity"), pl.lit(signal).alias("signal"), "value")
        .match_to_schema(READINGS)
    )


def selector(labels: Labels, *more: str) -> str:
    """Return a PromQL selector of the series that have all of ``labels``.

    Args:
        labels: Label names and their values.
        more: Further matchers, as PromQL.

    Example:
        >>> selector({"job": "shop"}, '__name__!~"go_.*"')
        '{job="shop",__name__!~"go_.*"}'
    """
    said = [f"{name}={quoted(value)}" for name, value in labels.items()]
    return "{" + ",".join([*said, *more]) + "}"


def quoted(text: str) -> str:
    """Return ``text`` as a string of PromQL or LogQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _content(answer: Json, url: str) -> Json:
    """Return what the envelope holds."""
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise ValueError(f"{url}: the answer is not that of a Prometheus")
    return answer.get("data")


def _field(value: Json, name: str, kind: type[T]) -> T:
    """Return a field of an answer that must be of one kind."""
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, kind):
        raise ValueError(f"Prometheus' answer has no {name}")
    return found


def _series(one: Json) -> Series:
    points = _field(one, "values", list)
    try:
        times = tuple(float(time) for time, _ in points)
        values = tuple(float(value) for _, value in points)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("Prometheus' answer holds a point that is none") from error
    if not all(0 <= time < LATEST for time in times):
        raise ValueError("Prometheus' answer holds a time that is none")
    return Series(_labels(one.get("metric")), times, values)


def _labels(value: Json) -> Labels:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("Prometheus' answer has labels that are none")
    return value


def _rule(rule: Json) -> Rule:
    alerts = rule.get("alerts") or []
    hold = rule.get("duration", 0)
    if not isinstance(alerts, list) or not isinstance(hold, int | float) or not 0 <= hold < LATEST:
        raise ValueError("Prometheus' answer has a rule that is none")
    return Rule(
        _field(rule, "name", str),
        _field(rule, "query", str),
        timedelta(seconds=hold),
        _labels(rule.get("labels") or {}),
        tuple(map(_active, alerts)),
    )


def _active(alert: Json) -> Active:
    return Active(
        _labels(_field(alert, "labels", dict)),
        _labels(alert.get("annotations") or {}),
        _field(alert, "state", str),
        moment(_field(alert, "activeAt", str)),
    )


def _target(target: Json) -> Target:
    return Target(
        _labels(_field(target, "labels", dict)),
        _field(target, "health", str),
        _seconds(target.get("scrapeInterval")),
    )


def moment(text: str) -> datetime:
    """Return a time as Prometheus, Alertmanager and Loki write it, in UTC.

    Raises:
        ValueError: it is none, or has no zone.
    """
    time = datetime.fromisoformat(_FRACTION.sub("", text))
    if time.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is no time") from error


def _unix(time: datetime) -> str:
    return f"{time.timestamp():.3f}"


def _seconds(text: Json) -> float | None:
    """Return a duration as Prometheus writes it, e.g. "1m30s"; None for none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text or ""))
    return sum(float(number) * _UNITS[unit] for number, unit in parts) or None
