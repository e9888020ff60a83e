"""What happened: the tables of the sources, and the aligned window that is made from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import polars as pl

TIME: Final = pl.Datetime("us", "UTC")

# One number that one signal of one entity showed at one moment. The signal is the source's metric
# name, then "/" and the part, where an entity has several: "hw.temperature/coretemp/Core 0".
READINGS: Final = pl.Schema(
    [("time", TIME), ("entity", pl.String), ("signal", pl.String), ("value", pl.Float64)]
)

# One log record. The severity is OpenTelemetry's short name ("WARN"), the attributes are a JSON
# object, since no two sources have the same; "change" in them makes the record a change event.
LOGS: Final = pl.Schema(
    [
        ("time", TIME),
        ("entity", pl.String),
        ("severity", pl.String),
        ("body", pl.String),
        ("attributes", pl.String),
    ]
)

# That one entity calls another, or is a part of it: what a source saw of the topology. The origin
# is the name of what saw it ("procfs", "traces", "operator").
EDGES: Final = pl.Schema(
    [("time", TIME), ("caller", pl.String), ("callee", pl.String), ("origin", pl.String)]
)

Tier = Literal["environment", "hardware", "os", "platform", "service", "user", "unknown"]
Source = Literal["metric", "counter", "template", "change", "absence"]


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A signal of an entity: what an edge connects and a symptom names."""

    entity: str
    signal: str

    def __str__(self) -> str:
        """Return the name under which a window's frames hold this signal."""
        return f"{self.entity} · {self.signal}"


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What a signal is, in words of a fixed vocabulary and never in a sender's own.

    This is all that a language model is told about a signal.

    Attributes:
        name: For example "cpu utilization" or "error log message about connection".
        unit: For example "ratio", "seconds", "bytes", "1/s"; "" where it is not known.
        tier: How deep below the user it lies.
        load: Whether it measures demand, the common cause that makes everything correlate.
    """

    name: str
    unit: str = ""
    tier: Tier = "unknown"
    load: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """One column of a window.

    Attributes:
        node: Whose signal, and which.
        kind: What it is.
        source: A metric as it was read, the rate of a counter, the count of a log template or of
            changes, or what is not seen.
    """

    node: Node
    kind: Kind = Kind("unknown")
    source: Source = "metric"


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What some entities showed before and around one alert, on one regular step.

    Attributes:
        signals: The columns of both frames, in order.
        baseline: ``time`` and one Float64 column a signal, named ``str(signal.node)``; null means
            that nothing was seen. The part taken for normal, which holds few faults at most.
        recent: The same columns, from a little before the alert to ``as_of``. The two parts need
            not touch, but no instant lies in both.
        step_seconds: Distance between two instants within a part.
        alert_time: When somebody noticed.
        as_of: The moment of asking; nothing later was read.
        topology: (caller, callee) pairs of entities, as far as they are known.
        contains: (whole, part) pairs of entities, likewise: a host and what runs on it.
        missing: What was left out or could not be read, a sentence each.
        advice: (entity, text) pairs: what the hardware or the alert itself says to do, as its
            sender wrote it; of the entity "" where it is about the whole incident. It is quoted to
            people and decides nothing.

    Raises:
        ValueError: the frames have other columns, a gap in time, NaN or infinity.
    """

    signals: tuple[Signal, ...]
    baseline: pl.DataFrame
    recent: pl.DataFrame
    step_seconds: float
    alert_time: datetime
    as_of: datetime
    topology: tuple[tuple[str, str], ...] = ()
    contains: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    advice: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse frames that later stages could misread."""
        columns = [str(signal.node) for signal in self.signals]
        schema = pl.Schema([("time", TIME), *((name, pl.Float64) for name in columns)])
        if len(schema) != len(columns) + 1:
            raise ValueError("a window has one column a signal, and two of its signals are alike")
        for part in (self.baseline, self.recent):
            if part.schema != schema:
                raise ValueError("a window's frames hold time and its signals, in order")
            if (part["time"].diff().drop_nulls() != timedelta(seconds=self.step_seconds)).any():
                raise ValueError(f"two instants of a window are {self.step_seconds} s apart")
            finite = part.select(pl.col(pl.Float64).is_finite().all())
            if finite.width and not all(finite.row(0)):
                raise ValueError("a window holds finite numbers and nulls, not NaN or infinity")
        ends = (*self.baseline["time"][-1:], *self.recent["time"][:1])
        if len(ends) == 2 and ends[0] >= ends[1]:
            raise ValueError("a window's recent part comes after its baseline")

    def index(self) -> dict[Node, int]:
        """Return where each node stands among ``signals``."""
        return {signal.node: i for i, signal in enumerate(self.signals)}

    def since_alert(self) -> int:
        """Return how many instants of the recent part came at or after the alert."""
        return int((self.recent["time"] >= self.alert_time).sum())

    def split_baseline(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the earlier half of the baseline, which may choose a graph, and the later half.

        The rows that chose a graph must not judge it, so the later half is kept for the tests.
        """
        half = self.baseline.height // 2
        return self.baseline[:half], self.baseline[half:]
