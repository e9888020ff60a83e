"""What vendors and severities say: a value beyond its limit announces a failure.

The floor that no other predictor may be worse than. How often an alarm of it comes true depends on
the site: of disks, 4 in 100 within a month on a public fleet. So its probabilities are nominal, one
for a warning and one for what is critical, and are said to be uncalibrated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from diagnose.schema import Prediction, Signal, Window
from models.exhaustion import HORIZON_SECONDS, readings
from models.kinds import named

Severity = Literal["warning", "critical"]
NOMINAL: Final[dict[Severity, float]] = {"warning": 0.05, "critical": 0.5}
DAY_HOURS: Final = 24.0
CARD: Final = (
    "What vendors and severities call bad; the probability is nominal and fitted on nothing."
)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a signal must not pass.

    Attributes:
        signal: Its name, or the part of it before "/", or the name of its kind.
        value: The limit itself is still fine.
        failure: What is announced; "" where the part's name says what it is of.
        severity: How bad it is.
        below: Whether a value below the limit is the bad one.
        within_hours: For what is counted: how much may be added in so long; None for a level.
        left: Whether a value within the limit must have been seen before: who always shows such a
            value is not there, or made so.
    """

    signal: str
    value: float
    failure: str
    severity: Severity
    below: bool = False
    within_hours: float | None = None
    left: bool = False


LIMITS: Final = (
    Limit("hw.physical_disk.smart_status/failed", 0, "disk-failure", "critical"),
    Limit("hw.physical_disk.smart_health/critical_warning", 0, "disk-failure", "critical"),
    Limit("hw.physical_disk.reallocated_sectors", 0, "disk-failure", "warning"),
    Limit("hw.physical_disk.reported_uncorrectable_errors", 0, "disk-failure", "warning"),
    Limit("hw.physical_disk.current_pending_sectors", 0, "disk-failure", "warning"),
    Limit("hw.physical_disk.offline_uncorrectable_sectors", 0, "disk-failure", "warning"),
    Limit("hw.physical_disk.media_errors", 0, "disk-failure", "warning"),
    Limit("hw.physical_disk.wear", 0.9, "disk-wear-out", "warning"),
    Limit("hw.physical_disk.available_spare", 0.1, "disk-wear-out", "critical", below=True),
    # Ten corrected errors a day is where Linux' daemons take a page out of use.
    Limit("memory corrected errors", 10, "memory-failure", "warning", within_hours=DAY_HOURS),
    Limit("memory uncorrected errors", 0, "memory-failure", "critical", within_hours=DAY_HOURS),
    Limit("cpu temperature", 95, "overheating", "warning"),
    Limit("memory temperature", 85, "overheating", "warning"),
    Limit("inlet air temperature", 40, "overheating", "warning"),  # ASHRAE's class A3
    Limit("disk temperature", 60, "disk-overheating", "warning"),
    Limit("cpu thermal throttling", 0, "overheating", "warning", within_hours=DAY_HOURS),
    Limit("fan speed", 1, "fan-failure", "critical", below=True, left=True),
    Limit("hw.status", 0, "", "warning"),
    Limit("hw.status", 1, "", "critical"),
    Limit("system.filesystem.utilization", 0.95, "disk-full", "warning"),
    Limit("system.filesystem.inodes.utilization", 0.95, "inodes-full", "warning"),
    Limit("system.filesystem.read_only", 0, "disk-failure", "warning", left=True),
    Limit("hw.gpu.ecc_remapped_rows/failed", 0, "gpu-failure", "critical"),
    Limit("hw.gpu.ecc_remapped_rows/uncorrected", 0, "gpu-failure", "warning"),
    Limit("hw.gpu.ecc_remapped_rows/pending", 0, "gpu-failure", "warning"),
    Limit("hw.gpu.ecc_errors/uncorrected", 0, "gpu-failure", "critical", within_hours=DAY_HOURS),
    Limit("hw.gpu.throttled/thermal_hardware", 0, "gpu-overheating", "warning"),
    Limit("hw.gpu.throttled/power_brake", 0, "power-failure", "warning"),
    Limit("gpu temperature", 90, "gpu-overheating", "warning"),
    Limit("fatal log message about hardware", 0, "hardware-failure", "warning", within_hours=24),
    Limit("error log message about hardware", 0, "hardware-failure", "warning", within_hours=24),
)
# What a part's own name says that it is, the first that matches.
PARTS: Final = (
    (re.compile(r"fan|blower"), "fan-failure"),
    (re.compile(r"psu|power|ps\d|redundan|vrm|volt"), "power-failure"),
    (re.compile(r"dimm|mem|ecc"), "memory-failure"),
    (re.compile(r"disk|drive|hdd|ssd|nvme|raid"), "disk-failure"),
    (re.compile(r"gpu"), "gpu-failure"),
    (re.compile(r"temp|therm"), "overheating"),
)


class ThresholdPredictor:
    """Announce a failure where the newest value of a signal is beyond its limit.

    Args:
        limits: What is looked at.
    """

    def __init__(self, limits: Sequence[Limit] = LIMITS) -> None:
        self.limits = tuple(limits)

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return one prediction for each signal beyond its limit, most probable first."""
        found = [
            prediction
            for signal in window.signals
            for limit in self.limits
            if named(signal, limit.signal)
            if limit.within_hours or signal.source == "metric"
            if (prediction := _beyond(window, signal, limit))
        ]
        return tuple(sorted(found, key=lambda one: (-one.probability, one.entity, one.failure)))


def part_failure(name: str) -> str:
    """Return how the part of that name fails.

    Example:
        >>> part_failure("hw.status/PSU1 Status")
        'power-failure'
    """
    words = name.partition("/")[2].lower()
    return next((failure for part, failure in PARTS if part.search(words)), "hardware-failure")


def _beyond(window: Window, signal: Signal, limit: Limit) -> Prediction | None:
    name = str(signal.node)
    seen = readings(window, signal)
    if limit.within_hours and signal.source == "metric":
        seen = seen.with_columns(pl.col(name).diff().clip(0).fill_null(0.0))
    if limit.within_hours:
        step = window.step_seconds if signal.source == "counter" else 1.0
        span = f"{limit.within_hours * 3600:.0f}s"
        added = (pl.col(name) * step).rolling_sum_by("time", span)
        seen = seen.with_columns(added.round(6))  # rates are not whole, and 10 is not 10.000001
    bad = seen[name] < limit.value if limit.below else seen[name] > limit.value
    if not seen.height or not bad[-1] or (limit.left and bad.all()):
        return None
    fine = (~bad).arg_true()
    first = int(fine[-1]) + 1 if len(fine) else 0
    return Prediction(
        signal.node.entity,
        limit.failure or part_failure(signal.node.signal),
        NOMINAL[limit.severity],
        HORIZON_SECONDS,
        window.as_of,
        (signal.node,),
        calibration="uncalibrated",
        since=seen["time"][first],
        source="threshold",
        card=CARD,
    )
