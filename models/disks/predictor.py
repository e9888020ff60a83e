"""The disk model on the telemetry of a running site."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import Node, Prediction, Window
from models.disks.features import names
from models.disks.history import COLUMNS, ERRORS, SMART, Array, History
from models.disks.outcomes import EDGES
from models.disks.survival import INTERVALS, DiskSurvival, with_interval

PREFIX: Final = "hw.physical_disk."
# What the site's signals are in the vocabulary of SMART; what is not asked for stays unknown.
SIGNALS: Final = {
    "smart_5": "hw.physical_disk.reallocated_sectors",
    "smart_12": "hw.physical_disk.power_cycles",
    "smart_187": "hw.physical_disk.reported_uncorrectable_errors",
    "smart_188": "hw.physical_disk.command_timeouts",
    "smart_196": "hw.physical_disk.reallocated_sectors/events",
    "smart_197": "hw.physical_disk.current_pending_sectors",
    "smart_198": "hw.physical_disk.offline_uncorrectable_sectors",
}
POWER_ON: Final = "hw.physical_disk.power_on_hours"
HORIZON_SECONDS: Final = 30 * 86_400.0
LEAST: Final = 0.01  # probability below which nothing is said
EARLY: Final = 0.1  # share of the failing whose lead is shorter than the interval says
MOST: Final = 3  # signals named as evidence


class DiskPredictor:
    """Say which disks of a window fail within a month.

    Its probabilities are those of another fleet, and a window names no models of disks;
    so they are said to be uncalibrated.

    Args:
        model: A fitted model.
        card: What it was fitted on, and how well it foretells, in a sentence.
    """

    def __init__(self, model: DiskSurvival, card: str = "") -> None:
        self.model = model
        self.card = card

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return one prediction for each disk that is likely enough to fail, likeliest first."""
        rows = [_rows(window, disk) for disk in _disks(window)]
        if not rows:
            return ()
        history = History.of(pl.concat(rows))
        disk = np.arange(len(history.serials), dtype=np.int64)
        at = np.full(len(disk), int(window.as_of.timestamp() // 3600), np.int64)
        within = self.model.predict(history, disk, at)
        risk = within[:, -1]
        likely = [int(one) for one in np.argsort(-risk, kind="stable") if risk[one] >= LEAST]
        return tuple(self._told(window, history, at, one, within[one]) for one in likely)

    def _told(
        self, window: Window, history: History, at: NDArray[np.int64], disk: int, within: Array
    ) -> Prediction:
        entity = str(history.serials[disk])
        row = history.known(np.array([disk]), at[:1])
        told = self.model.told(history, row, at[:1])
        gains = self.model.trees.contributions(with_interval(told, INTERVALS - 1))[0]
        weight: dict[str, float] = {}
        for name, gain in zip(names(), gains, strict=False):
            weight[name.partition(".")[0]] = weight.get(name.partition(".")[0], 0.0) + float(gain)
        for place in np.intersect1d(ERRORS, np.flatnonzero(history.smart[row[0]] > 0)):
            weight[SMART[place]] += max(weight["errors"], 0.0)  # what all errors say together
        speak = sorted((one for one in SIGNALS if weight[one] > 0), key=lambda one: -weight[one])
        evidence = tuple(Node(entity, SIGNALS[one]) for one in speak)
        present = window.index()
        risen = [int(hour) for hour in history.risen[row[0]] if hour >= 0]
        return Prediction(
            entity,
            "disk-failure",
            float(within[-1]),
            HORIZON_SECONDS,
            window.as_of,
            tuple(node for node in evidence if node in present)[:MOST],
            calibration="uncalibrated",
            lead_time_interval=(earliest(within), HORIZON_SECONDS),
            since=datetime.fromtimestamp(min(risen) * 3600, UTC) if risen else None,
            source="disks",
            card=self.card,
        )


def earliest(within: Array) -> float:
    """Return the seconds after which one in ten has failed of those that fail within the month.

    Args:
        within: Probability of failing within each horizon.
    """
    reached = np.concatenate([[0.0], within])
    hours = np.interp(EARLY * within[-1], reached, np.array(EDGES, dtype=np.float64))
    return float(hours) * 3600


def _disks(window: Window) -> list[str]:
    """Return the entities that tell SMART values, in order."""
    wanted = set(SIGNALS.values())
    return sorted({s.node.entity for s in window.signals if s.node.signal in wanted})


def _rows(window: Window, disk: str) -> pl.DataFrame:
    """Return the history of a disk: a row for each instant at which one of its values changed."""
    both = pl.concat([window.baseline, window.recent])
    values = {name: str(Node(disk, signal)) for name, signal in SIGNALS.items()}
    age = str(Node(disk, POWER_ON))
    told = both.select(
        "time",
        pl.col(age).forward_fill().backward_fill().alias("age")
        if age in both.columns
        else pl.lit(0.0).alias("age"),
        *(
            (pl.col(values[name]) if values.get(name) in both.columns else pl.lit(None, pl.Float64))
            .forward_fill()
            .alias(name)
            for name in SMART
        ),
    ).filter(pl.any_horizontal(pl.col(SMART).is_not_null()))
    changed = pl.any_horizontal(pl.col(SMART).ne_missing(pl.col(SMART).shift(1)))
    told = told.filter(changed | (pl.int_range(pl.len()) == 0))
    first = pl.col("time").first()
    hours = (pl.col("time") - first.dt.truncate("1d")).dt.total_hours()
    return told.select(
        pl.lit(disk).alias("serial_number"),
        pl.lit(None, pl.String).alias("model"),
        pl.lit(None, pl.Float64).alias("size_tb"),
        first.dt.date().alias("min_date"),
        # Power-on hours at the beginning of the first day, so that hours of the clock add up.
        (pl.col("age").first().fill_null(0) - hours.first()).cast(pl.Int64).alias("min_hours"),
        (pl.col("age").first().fill_null(0) - hours.first() + hours).cast(pl.Int64).alias("tstart"),
        *SMART,
    ).match_to_schema(COLUMNS)
