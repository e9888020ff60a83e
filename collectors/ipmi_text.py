"""What ipmitool prints, as numbers and records: sensors, and the system event log.

See: https://codeberg.org/IPMITool/ipmitool
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

# ipmitool's unit -> our signal, and how a value becomes one in base units: (value + shift) * factor
QUANTITIES: Final = {
    "degrees C": ("hw.temperature", 0.0, 1.0),
    "degrees F": ("hw.temperature", -32.0, 5 / 9),
    "RPM": ("hw.fan.speed", 0.0, 1.0),
    "percent": ("hw.utilization", 0.0, 0.01),
    "Volts": ("hw.voltage", 0.0, 1.0),
    "Amps": ("hw.current", 0.0, 1.0),
    "Watts": ("hw.power", 0.0, 1.0),
    "Joules": ("hw.energy", 0.0, 1.0),
    "CFM": ("hw.airflow", 0.0, 1.0),
}
# How bad a threshold's state is; "ns" and "na" say nothing.
STATES: Final = {"ok": 0, "nc": 1, "cr": 2, "nr": 3} | {
    f"{side}{state}": badness
    for side in "lu"
    for state, badness in (("nc", 1), ("cr", 2), ("nr", 3))
}
READING: Final = re.compile(r"(-?\d+(?:\.\d+)?) (.+)")
# Words by which a discrete sensor says that something is wrong; it may say several things at once.
FAULTY: Final = re.compile(
    r"(?i)fail|fault|lost|error|critical|non-?red|degraded|predictive|mismatch|removed|absent"
    r"|over|under|trip|throttl|uncorrectable|disabled|inactive|out of range|intrusion|asserted"
)
FINE: Final = re.compile(r"(?i)deasserted|fully redundant|no error|not (?:failed|asserted)")
RECOVERED: Final = "Deasserted"
GRAVE: Final = re.compile(
    r"(?i)uncorrectable|fatal|thermal trip|non-recoverable|lost|failure|fault|machine check|ierr"
)
PRE_INIT: Final = "Pre-Init"


@dataclass(frozen=True, slots=True)
class Event:
    """One record of a system event log.

    Attributes:
        id: Its number there, which may be used again once the log was cleared.
        time: When it happened; None where the BMC's clock was not set.
        uptime_seconds: Of the BMC, where its clock was not set.
        sensor: Type and name of the sensor.
        text: What happened.
        asserted: Whether it began; else it ended.
        line: All that ipmitool prints of it.
    """

    id: str
    time: datetime | None
    uptime_seconds: int | None
    sensor: str
    text: str
    asserted: bool
    line: str

    @property
    def severity(self) -> str:
        """Return OpenTelemetry's short name of how bad it is."""
        if not self.asserted:
            return "INFO"
        return "ERROR" if GRAVE.search(self.text) else "WARN"


def sensors(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Yield (signal, value) of what ``sdr elist all`` or ``sdr list`` prints.

    A sensor that shows nothing yields nothing: that it is silent is seen by whoever compares.

    Raises:
        ValueError: a line is none of a sensor.

    Example:
        >>> list(sensors(["CPU0 Temp        | 01h | ucr |  3.1 | 96 degrees C"]))
        [('hw.temperature/CPU0 Temp', 96.0), ('hw.status/CPU0 Temp', 2.0)]
        >>> list(sensors(["PSU1 Status      | 33h | ok  | 10.1 | Presence detected, Failure"]))
        [('hw.status/PSU1 Status', 2.0)]
    """
    for line in lines:
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) not in (3, 5) or not cells[0]:
            raise ValueError(f"not a line of a sensor: {line:.100}")
        name, shown = cells[0], cells[-1] if len(cells) == 5 else cells[1]
        badness = STATES.get(cells[2])
        if badness is None:
            continue
        read = READING.fullmatch(shown)
        if read and read[2] in QUANTITIES:
            signal, shift, factor = QUANTITIES[read[2]]
            yield f"{signal}/{name}", (float(read[1]) + shift) * factor
        elif shown and not shown.startswith("0x") and not read:
            badness = max(badness, _discrete(shown))
        yield f"hw.status/{name}", float(badness)


def _discrete(shown: str) -> int:
    """Return how bad the states are that a discrete sensor asserts."""
    states = [state for state in shown.split(",") if not FINE.search(state)]
    return STATES["cr"] if any(FAULTY.search(state) for state in states) else STATES["ok"]


def events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the records that ``sel elist`` prints, in UTC, in their order.

    Raises:
        ValueError: a line is none of a record.

    Example:
        >>> line = "   a | 11/22/26 | 09:21:57 UTC | Drive Slot Drive 0 | Drive Fault | Asserted"
        >>> event = next(events([line]))
        >>> event.id, event.sensor, event.text, event.severity
        ('a', 'Drive Slot Drive 0', 'Drive Fault', 'ERROR')
    """
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if not line.strip() or line.startswith("SEL has no entries"):
            continue
        if len(cells) < 4:
            raise ValueError(f"not a line of an event log: {line:.100}")
        number, day, clock, sensor = cells[:4]
        said = [cell for cell in cells[4:] if cell]
        state = [cell for cell in said if cell in ("Asserted", RECOVERED)]
        yield Event(
            number,
            _time(day, clock),
            int(clock) if day == PRE_INIT and clock.isdigit() else None,
            sensor,
            ", ".join(cell for cell in said if cell not in state) or sensor,
            RECOVERED not in state,
            " | ".join(cells),
        )


def _time(day: str, clock: str) -> datetime | None:
    """Return when a record was made; None where the BMC did not know."""
    try:
        text = f"{day} {clock.split()[0]}"
        return datetime.strptime(text, "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return None
