"""Temperatures, fans, voltages and power that Linux's hardware monitoring drivers show.

Reads:     /sys/class/hwmon/hwmon*/{temp,fan,in,curr,power,energy,humidity}*_input; the average
           of a power meter that shows no momentary power
Emits:     readings: hw.temperature (Cel), hw.fan.speed (rpm), hw.voltage (V), hw.current (A),
           hw.power (W), hw.energy (J, counting up), hw.humidity (%); a disk's own of that disk
Platforms: Linux; no root needed
See:       https://docs.kernel.org/hwmon/sysfs-interface.html
"""

import errno
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.entities import disk
from collectors.rows import Reading, readings_at

# Kernel prefix -> signal, and the kernel's units per one of ours.
QUANTITIES: Final = {
    "temp": ("hw.temperature", 1000),
    "fan": ("hw.fan.speed", 1),
    "in": ("hw.voltage", 1000),
    "curr": ("hw.current", 1000),
    "power": ("hw.power", 1_000_000),
    "energy": ("hw.energy", 1_000_000),
    "humidity": ("hw.humidity", 1000),
}
# A sensor that is wired to nothing, or whose device sleeps, answers with one of these.
NO_VALUE: Final = (errno.ENODATA, errno.EAGAIN, errno.ENXIO, errno.ENODEV)


class Hwmon:
    """Read every sensor of this host once.

    Args:
        host: Entity under which readings are filed; None for this machine's name.
        root: Where sysfs shows the hwmon class; tests pass a recorded tree.
    """

    def __init__(self, host: str | None = None, root: Path = Path("/sys/class/hwmon")) -> None:
        self.host = host or platform.node()
        self.root = root

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the present values of each chip; sensors keep no past, so ``since`` is unused.

        A chip that cannot be read is said after the others had their say.
        """
        chips = sorted(self.root.glob("hwmon*"))
        if not chips:
            raise NotApplicable("no sensors: no driver of this machine's kernel shows any")
        failed: list[OSError] = []
        for chip in chips:
            try:
                yield readings_at(datetime.now(UTC), _sensors(chip, self.host))
            except OSError as error:
                failed.append(error)
        if failed:
            raise failed[0]


def _sensors(chip: Path, host: str) -> Iterator[Reading]:
    """Yield the readings of a chip, e.g. ``("db1", "hw.temperature/coretemp/Core 0", 41.0)``."""
    name = (chip / "name").read_text().strip()
    entity = _owner(chip, host)
    files = {file.name.partition("_")[0]: file for file in chip.glob("power*_average")}
    files |= {file.name.partition("_")[0]: file for file in chip.glob("*_input")}
    for sensor, file in sorted(files.items()):
        prefix = sensor.rstrip("0123456789")
        if prefix in QUANTITIES:
            signal, scale = QUANTITIES[prefix]
            value = _value(file)
            if value is not None:
                yield entity, f"{signal}/{name}/{_label(chip, sensor)}", value / scale


def _owner(chip: Path, host: str) -> str:
    """Return the disk that a chip is a part of, else the host."""
    device = chip / "device"
    for block in sorted(device.glob("block/*")):  # SATA and SAS: drivetemp
        return disk(host, block.name)
    for block in sorted(device.glob("nvme*n*")):
        return disk(host, block.name)
    return host


def _value(file: Path) -> int | None:
    """Return what a sensor shows; None where it is wired to nothing."""
    try:
        return int(file.read_text())
    except OSError as error:
        if error.errno in NO_VALUE:
            return None
        raise


def _label(chip: Path, sensor: str) -> str:
    """Return the maker's label of a sensor, else its own name, e.g. ``temp1``."""
    label = chip / f"{sensor}_label"
    return label.read_text().strip() if label.exists() else sensor
