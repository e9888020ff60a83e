"""What disks say about their own health: SMART of ATA, the health log of NVMe, SCSI's log pages.

Reads:     smartctl --json of every disk that smartctl --scan finds; a disk that sleeps is left so
Emits:     readings of each disk (host/sda): hw.physical_disk.* (health status, reallocated,
           pending and uncorrectable sectors, media and interface errors, wear, age, temperature)
Platforms: Linux, macOS, BSD with smartmontools 7 or later, as root
See:       https://www.smartmontools.org/wiki/TocDoc
"""

import json
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from collectors import NotApplicable
from collectors.entities import disk
from collectors.rows import Value, readings_at

Json = dict[str, Any]  # an answer of smartctl

EVERY_SECONDS: Final = 300.0  # health changes slowly, and asking costs a process a disk
TIMEOUT_SECONDS: Final = 60.0  # of one disk
NOT_OPENED: Final = 0b11  # bits of the exit status: wrong usage, or the device was not opened
ASLEEP: Final = ("STANDBY", "SLEEP")
# Id of an ATA attribute -> signal; its raw value counts.
ATA: Final = {
    5: "hw.physical_disk.reallocated_sectors",
    187: "hw.physical_disk.reported_uncorrectable_errors",
    188: "hw.physical_disk.command_timeouts",
    196: "hw.physical_disk.reallocated_sectors/events",
    197: "hw.physical_disk.current_pending_sectors",
    198: "hw.physical_disk.offline_uncorrectable_sectors",
    199: "hw.physical_disk.interface_crc_errors",
}
# Ids whose normalised value tells the life that is left of a solid-state disk, in percent.
ATA_LIFE_LEFT: Final = (177, 202, 231, 233)
# Field of NVMe's health log -> signal, and what one of it is worth.
NVME: Final = {
    "media_errors": ("hw.physical_disk.media_errors", 1),
    "num_err_log_entries": ("hw.physical_disk.nvme_errors", 1),
    "percentage_used": ("hw.physical_disk.wear", 0.01),
    "available_spare": ("hw.physical_disk.available_spare", 0.01),
    "unsafe_shutdowns": ("hw.physical_disk.smart_health/unsafe_shutdowns", 1),
    "critical_warning": ("hw.physical_disk.smart_health/critical_warning", 1),
}
SCSI_UNCORRECTED: Final = ("read", "write", "verify")


def smartctl(arguments: Sequence[str]) -> bytes:
    """Return what ``smartctl --json`` prints.

    Its exit status is not looked at: most of its bits say how the disk is, and the answer holds it.

    Raises:
        NotApplicable: smartctl is not installed.
        OSError: it did not answer in time.
    """
    if not shutil.which("smartctl"):
        raise NotApplicable("smartctl is not installed (package smartmontools)")
    command = ["smartctl", "--json=c", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{' '.join(command)}: no answer in {TIMEOUT_SECONDS:.0f} s") from error
    return done.stdout


class Smart:
    """Ask every disk about its health.

    Args:
        host: Of which the disks are parts; None for this machine's name.
        ask: Gives smartctl's answer to arguments; tests pass recordings.
    """

    def __init__(
        self,
        host: str | None = None,
        ask: Callable[[Sequence[str]], bytes] = smartctl,
    ) -> None:
        self.host = host or platform.node()
        self.ask = ask
        self.every_seconds = EVERY_SECONDS

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the present values of one disk after the other; ``since`` is unused.

        A disk that does not answer is said after the others had their say.
        """
        devices = json.loads(self.ask(["--scan"])).get("devices", [])
        if not devices:
            raise NotApplicable("smartctl finds no disk")
        silent: list[str] = []
        for device in devices:
            name, kind = device["name"], device["type"]
            # A sleeping disk answers "in standby" instead of being woken.
            answer = json.loads(self.ask(["--all", "--nocheck=standby", f"--device={kind}", name]))
            if (answer.get("power_mode") or {}).get("ata_string", "").startswith(ASLEEP):
                continue
            rows = [(disk(self.host, name), *row) for row in values(answer)]
            if not rows:
                silent.append(f"{name}: {_complaint(answer)}")
            yield readings_at(datetime.now(UTC), rows)
        if silent:
            raise OSError("; ".join(silent))


def values(answer: Json) -> Iterator[Value]:
    """Yield the signals in one disk's answer; none where it has no SMART or was not opened.

    No signal is made up: what the disk does not say is not yielded, and least of all as healthy.
    """
    if answer["smartctl"]["exit_status"] & NOT_OPENED:
        return
    passed = answer.get("smart_status", {}).get("passed")
    if passed is not None:
        yield "hw.physical_disk.smart_status/failed", float(not passed)
    temperature = answer.get("temperature", {}).get("current")
    if temperature:  # 0 stands for "not known"
        yield "hw.physical_disk.temperature", temperature
    hours = answer.get("power_on_time", {}).get("hours")
    if hours is not None:
        yield "hw.physical_disk.power_on_hours", hours
    if answer.get("power_cycle_count") is not None:
        yield "hw.physical_disk.power_cycles", answer["power_cycle_count"]
    yield from _ata(answer)
    yield from _nvme(answer)
    yield from _scsi(answer)


def _ata(answer: Json) -> Iterator[Value]:
    for attribute in answer.get("ata_smart_attributes", {}).get("table", ()):
        number = attribute["id"]
        if number in ATA:
            raw = attribute["raw"]["value"]
            if number == 188:  # three counters of 16 bits; the lowest is the number of timeouts
                raw &= 0xFFFF
            yield ATA[number], raw
        elif number in ATA_LIFE_LEFT and 0 <= attribute["value"] <= 100:
            yield f"hw.physical_disk.wear/{number}", 1 - attribute["value"] / 100
    errors = answer.get("ata_smart_error_log", {}).get("summary", {}).get("count")
    if errors is not None:
        yield "hw.physical_disk.ata_errors", errors


def _nvme(answer: Json) -> Iterator[Value]:
    health = answer.get("nvme_smart_health_information_log", {})
    for field, (signal, worth) in NVME.items():
        if field in health:
            yield signal, health[field] * worth


def _scsi(answer: Json) -> Iterator[Value]:
    if "scsi_grown_defect_list" in answer:
        yield "hw.physical_disk.grown_defects", answer["scsi_grown_defect_list"]
    counters = answer.get("scsi_error_counter_log", {})
    for operation in SCSI_UNCORRECTED:
        count = counters.get(operation, {}).get("total_uncorrected_errors")
        if count is not None:
            yield f"hw.physical_disk.media_errors/{operation}", count


def _complaint(answer: Json) -> str:
    """Return why smartctl has nothing to say about a disk."""
    messages = [message["string"] for message in answer["smartctl"].get("messages", ())]
    return " ".join(messages) or "it has no SMART"
