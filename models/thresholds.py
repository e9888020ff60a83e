"""What vendors and severities say: a value beyond its limit announces a failure.

The floor that no other predictor may be worse than. How often an alarm of it comes true depends on
the site: of disks, 4 in 100 within a month on a public fleet. So its probabilities are nominal, one
for a warning and one for what is critical, and are said to be uncalibrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from diagnose.schema import Prediction, Signal, Window

Severity = Literal["warning", "critical"]
NOMINAL: Final[dict[Severity, float]] = {"warning": 0.05, "critical": 0.5}
HORIZON_SECONDS: Final = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Limit:
    """What a signal must not pass.

    Attributes:
        signal: Its name, or the part of it before "/".
        value: The limit itself is still fine.
        failure: What is announced.
        severity: How bad it is.
        below: Whether a value below the limit is the bad one.
    """

    signal: str
    value: float
    failure: str
    severity: Severity
    below: bool = False


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
    Limit("hw.physical_disk.temperature", 60, "disk-overheating", "warning"),
    Limit("hw.gpu.ecc_remapped_rows/failed", 0, "gpu-failure", "critical"),
    Limit("hw.gpu.ecc_remapped_rows/uncorrected", 0, "gpu-failure", "warning"),
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
            if signal.source == "metric"
            for limit in self.limits
            if limit.signal in (signal.node.signal, signal.node.signal.partition("/")[0])
            if (prediction := _beyond(window, signal, limit))
        ]
        return tuple(sorted(found, key=lambda one: (-one.probability, one.entity, one.failure)))


def _beyond(window: Window, signal: Signal, limit: Limit) -> Prediction | None:
    name = str(signal.node)
    seen = pl.concat([part.select("time", name) for part in (window.baseline, window.recent)])
    seen = seen.drop_nulls(name)
    bad = seen[name] < limit.value if limit.below else seen[name] > limit.value
    if not seen.height or not bad[-1]:
        return None
    fine = (~bad).arg_true()
    first = int(fine[-1]) + 1 if len(fine) else 0
    return Prediction(
        signal.node.entity,
        limit.failure,
        NOMINAL[limit.severity],
        HORIZON_SECONDS,
        window.as_of,
        (signal.node,),
        calibration="uncalibrated",
        since=seen["time"][first],
        source="threshold",
    )
