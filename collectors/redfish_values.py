"""Numbers and states in Redfish resources, under our names and in base units.

See: https://www.dmtf.org/dsp/DSP2046 (resource and schema guide)
"""

from collections.abc import Iterator
from typing import Final

from collectors.endpoint import Json

LARGEST: Final = 1e100  # numbers beyond are a mistake, and their multiples overflow
HEALTH: Final = {"OK": 0.0, "Warning": 1.0, "Critical": 2.0}
# UCUM units of a Sensor -> our signal, and by what a value is multiplied.
UNITS: Final = {
    "Cel": ("hw.temperature", 1.0),
    "RPM": ("hw.fan.speed", 1.0),
    "{rev}/min": ("hw.fan.speed", 1.0),
    "V": ("hw.voltage", 1.0),
    "A": ("hw.current", 1.0),
    "W": ("hw.power", 1.0),
    "kW.h": ("hw.energy", 3.6e6),
    "J": ("hw.energy", 1.0),
    "Hz": ("hw.frequency", 1.0),
    "%": ("hw.utilization", 0.01),
    "Percent": ("hw.utilization", 0.01),
}
# Fields that hold a number, or an excerpt of a sensor with its "Reading", or a list of such.
FIELDS: Final = {
    "ReadingCelsius": ("hw.temperature", 1.0),
    "ReadingVolts": ("hw.voltage", 1.0),
    "PowerConsumedWatts": ("hw.power", 1.0),
    "LineInputVoltage": ("hw.voltage", 1.0),
    "LastPowerOutputWatts": ("hw.power", 1.0),
    "PowerOutputWatts": ("hw.power", 1.0),
    "PowerInputWatts": ("hw.power", 1.0),
    "TemperatureCelsius": ("hw.temperature", 1.0),
    "InputVoltage": ("hw.voltage", 1.0),
    "InputCurrentAmps": ("hw.current", 1.0),
    "InputPowerWatts": ("hw.power", 1.0),
    "OutputPowerWatts": ("hw.power", 1.0),
    "RailVoltage": ("hw.voltage", 1.0),
    "RailCurrentAmps": ("hw.current", 1.0),
    "RailPowerWatts": ("hw.power", 1.0),
    "EnergykWh": ("hw.energy", 3.6e6),
    "FrequencyHz": ("hw.frequency", 1.0),
    "FanSpeedPercent": ("hw.fan.utilization", 0.01),
}
# A supply or a fan has several of one quantity: the field then tells them apart.
PARTED: Final = {name for name in FIELDS if name.startswith(("Input", "Output", "Rail", "Line"))}
PARTED_ALSO: Final = {"LastPowerOutputWatts", "PowerOutputWatts", "PowerInputWatts"}

Value = tuple[str, float]


def sensor_values(sensor: Json) -> Iterator[Value]:
    """Yield the reading of a ``Sensor``, and its health.

    Example:
        >>> list(sensor_values({"Name": "CPU1", "Reading": 37, "ReadingUnits": "Cel"}))
        [('hw.temperature/CPU1', 37.0)]
    """
    signal, factor = UNITS.get(str(sensor.get("ReadingUnits")), ("", 0.0))
    reading = _number(sensor.get("Reading"))
    if signal and reading is not None:
        yield f"{signal}/{_name(sensor)}", reading * factor
    yield from health(sensor)


def values(resource: Json, owner: str = "") -> Iterator[Value]:
    """Yield the numbers in a resource of Thermal, Power or Metrics, and its health.

    Args:
        resource: A fan, a temperature, a voltage, a supply, or the metrics of one.
        owner: Whose metrics they are, in place of the resource's own name.
    """
    name = owner or _name(resource)
    speed = _number(resource.get("Reading"))
    if speed is not None:  # of a fan
        signal, factor = UNITS.get(str(resource.get("ReadingUnits") or "RPM"), ("hw.fan.speed", 1))
        yield f"{signal}/{name}", speed * factor
    for field, (signal, factor) in FIELDS.items():
        shown = resource.get(field)
        several = shown if isinstance(shown, list) else [shown]
        for place, one in enumerate(several):
            value = _number(one.get("Reading") if isinstance(one, dict) else one)
            if value is not None:
                part = f" {field}" if field in PARTED | PARTED_ALSO else ""
                number = f" {place}" if isinstance(shown, list) else ""
                yield f"{signal}/{name}{part}{number}", value * factor
    yield from health(resource, owner)


def temperatures(metrics: Json) -> Iterator[Value]:
    """Yield the temperatures in a ``ThermalMetrics`` resource."""
    for one in objects(metrics.get("TemperatureReadingsCelsius")):
        value = _number(one.get("Reading"))
        if value is not None:
            yield f"hw.temperature/{one.get('DeviceName') or _tail(one)}", value


def objects(value: Json) -> list[Json]:
    """Return the objects in a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def health(resource: Json, owner: str = "") -> Iterator[Value]:
    """Yield how well a resource says it is: 0 well, 1 warning, 2 critical; nothing if absent."""
    status = resource.get("Status")
    if isinstance(status, dict) and status.get("State") != "Absent":
        badness = HEALTH.get(str(status.get("Health")))
        if badness is not None:
            yield f"hw.status/{owner or _name(resource)}", badness


def _name(resource: Json) -> str:
    return str(resource.get("Name") or resource.get("MemberId") or resource.get("Id") or "?")


def _tail(excerpt: Json) -> str:
    """Return the last part of the link to a sensor."""
    return str(excerpt.get("DataSourceUri") or "?").rpartition("/")[2]


def _number(value: Json) -> float | None:
    """Return a finite number; None for all else, a truth value included."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= LARGEST else None
