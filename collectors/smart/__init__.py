"""What disks say about their own health: SMART of ATA, the health log of NVMe, SCSI's log pages.

Reads:     smartctl --json of every disk that smartctl --scan finds; a disk that sleeps is left so
Emits:     readings of each disk (host/sda): hw.physical_disk.* (health status, reallocated,
           pending and uncorrectable sectors, media and interface errors, wear, age, temperature)
Platforms: Linux, macOS, BSD with smartmontools 7 or later, as root
See:       https://www.smartmontools.org/wiki/TocDoc
"""

import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.entities import disk
from collectors.rows import Reading, Value, readings_at
from collectors.smart.answer import Answer, Attribute, Device, Scan

EVERY_SECONDS: Final = 300.0  # health changes slowly, and asking costs a process a disk
TIMEOUT_SECONDS: Final = 60.0  # of one disk
NOT_OPENED: Final = 0b11  # bits of the exit status: wrong usage, or the device was not opened
ASLEEP: Final = re.compile(r"Device is in \w*(?:STANDBY|SLEEP)")
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
TIMEOUTS: Final = 188
# Ids whose normalised value tells the life that is left of a solid-state disk, in percent.
ATA_LIFE_LEFT: Final = (177, 202, 231, 233)


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
        devices = Scan.model_validate_json(self.ask(["--scan"])).devices
        if not devices:
            raise NotApplicable("smartctl finds no disk")
        wrong: list[str] = []
        for device in devices:
            try:
                rows = list(self._values(device))
            except ValueError as error:
                rows = []
                wrong.append(f"{device.name}: {str(error).partition(chr(10))[0]}")
            yield readings_at(datetime.now(UTC), rows)
        if wrong:
            raise OSError("; ".join(wrong))

    def _values(self, device: Device) -> Iterator[Reading]:
        """Yield the readings of a disk; none where it sleeps.

        Raises:
            ValueError: it has no SMART, was not opened, or the answer has another form.
        """
        # A sleeping disk is not woken: smartctl says that it sleeps, and nothing else.
        arguments = ["--all", "--nocheck=standby", f"--device={device.type}", device.name]
        answer = Answer.model_validate_json(self.ask(arguments))
        if ASLEEP.search(answer.smartctl.told):
            return
        found = list(values(answer))
        if not found:
            raise ValueError(answer.smartctl.told or "it has no SMART")
        for signal, value in found:
            yield disk(self.host, device.name), signal, value


def values(answer: Answer) -> Iterator[Value]:
    """Yield the signals in one disk's answer; none where it has no SMART or was not opened.

    No signal is made up: what the disk does not say is not yielded, and least of all as healthy.
    """
    if answer.smartctl.exit_status & NOT_OPENED:
        return
    passed = answer.smart_status.passed
    nvme, scsi = answer.nvme_smart_health_information_log, answer.scsi_error_counter_log
    told = {
        "smart_status/failed": None if passed is None else not passed,
        "temperature": answer.temperature.current or None,
        "power_on_hours": answer.power_on_time.hours,
        "power_cycles": answer.power_cycle_count,
        "ata_errors": answer.ata_smart_error_log.summary.count,
        "media_errors": nvme.media_errors,
        "nvme_errors": nvme.num_err_log_entries,
        "wear": _share(nvme.percentage_used),
        "available_spare": _share(nvme.available_spare),
        "smart_health/unsafe_shutdowns": nvme.unsafe_shutdowns,
        "smart_health/critical_warning": nvme.critical_warning,
        "grown_defects": answer.scsi_grown_defect_list,
        "media_errors/read": scsi.read.total_uncorrected_errors,
        "media_errors/write": scsi.write.total_uncorrected_errors,
        "media_errors/verify": scsi.verify.total_uncorrected_errors,
    }
    for signal, value in told.items():
        if value is not None:
            yield f"hw.physical_disk.{signal}", float(value)
    for attribute in answer.ata_smart_attributes.table:
        yield from _ata(attribute)


def _ata(attribute: Attribute) -> Iterator[Value]:
    number = attribute.id
    if number in ATA:
        # Timeouts are three counters of 16 bits, the lowest of which counts them all.
        raw = attribute.raw.value & 0xFFFF if number == TIMEOUTS else attribute.raw.value
        yield ATA[number], float(raw)
    elif number in ATA_LIFE_LEFT and 0 <= attribute.value <= 100:
        yield f"hw.physical_disk.wear/{number}", 1 - attribute.value / 100


def _share(percent: int | None) -> float | None:
    return None if percent is None else percent / 100
