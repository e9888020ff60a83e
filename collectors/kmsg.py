"""The kernel's own messages, and what they say about hardware: GPU, disk, memory, network.

Reads:     /dev/kmsg, where no journal reads it already
Emits:     logs: entity is the host, or the disk (host/sda) or GPU (host/gpu-...) that is spoken of;
           attributes.error names what went wrong where the message is a known one
Platforms: Linux; as root or with CAP_SYSLOG, unless kernel.dmesg_restrict is 0
See:       https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg
"""

import errno
import json
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.entities import disk, gpu
from collectors.rows import LogRecord, log_frame

BATCH: Final = 2000  # messages a frame
LARGEST: Final = 8192  # bytes of one message, at most
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# syslog's priority 0..7 -> OpenTelemetry's short name
SEVERITY: Final = ("FATAL", "ERROR3", "ERROR2", "ERROR", "WARN", "INFO2", "INFO", "DEBUG")
ESCAPED: Final = re.compile(rb"\\x([0-9a-f]{2})")

_DISK: Final = r"(?P<disk>(?:sd|vd|xvd|hd)[a-z]+\d*|nvme\d+(?:n\d+)?(?:p\d+)?|dm-\d+|md\d+)"
# What a message is about -> how it is written. The first that matches anywhere wins.
ERRORS: Final = {
    "gpu xid": re.compile(r"NVRM: Xid \(PCI:(?P<gpu>[0-9a-f:.]+)\): (?P<xid>\d+)", re.I),
    "disk io": re.compile(rf"(?:I/O error|critical \w+ error),? (?:on )?(?:dev )?{_DISK}\b"),
    "disk timeout": re.compile(r"(?P<disk>nvme\d+)(?:n\d+)?: I/O .*timeout"),
    "disk lost": re.compile(r"(?P<disk>nvme\d+)(?:n\d+)?: (?:Device not ready|Removing after)"),
    "file system": re.compile(
        rf"(?=.*(?:error|corrupt|shut))(?:EXT4-fs|XFS|BTRFS)[^(]*\((?:device )?{_DISK}\)", re.I
    ),
    "memory uncorrected": re.compile(r"EDAC .*\bUE\b|Uncorrected.*memory|Memory failure:", re.I),
    "memory corrected": re.compile(r"EDAC .*\bCE\b", re.I),
    "machine check": re.compile(
        r"\bmce\b.*(?:hardware error|machine check)|\[Hardware Error\]", re.I
    ),
    "pcie": re.compile(r"PCIe Bus Error|AER: ", re.I),
    "out of memory": re.compile(r"Out of memory: Killed process|oom-kill:|invoked oom-killer"),
    "thermal throttling": re.compile(r"temperature above threshold|cpu clock throttled", re.I),
    "lockup": re.compile(
        r"soft lockup|hard LOCKUP|rcu: .*stall|blocked for more than \d+ sec", re.I
    ),
    "network link": re.compile(r"link is (?:not ready|down)|NIC Link is Down|tx timeout", re.I),
}


def kernel_record(host: str, body: str) -> tuple[str, Mapping[str, str]]:
    """Return the entity that a message of the kernel speaks of, and what it says of it.

    Args:
        host: Of which the entity is a part, or the entity itself.
        body: The message.

    Example:
        >>> kernel_record("db1", "blk_update_request: I/O error, dev sda1, sector 42 op 0x0:(READ)")
        ('db1/sda', {'error': 'disk io'})
        >>> kernel_record("db1", "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.")
        ('db1/gpu-0000:3b:00.0', {'error': 'gpu xid', 'xid': '79'})
    """
    for error, pattern in ERRORS.items():
        found = pattern.search(body)
        if found:
            facts = found.groupdict()
            if "gpu" in facts:
                return gpu(host, facts["gpu"]), {"error": error, "xid": facts["xid"]}
            entity = disk(host, facts["disk"]) if "disk" in facts else host
            return entity, {"error": error}
    return host, {}


class KernelLog:
    """The device that gives the kernel's messages, one a read.

    Args:
        device: Its path.

    Raises:
        OSError: it may not be read.
    """

    def __init__(self, device: Path = Path("/dev/kmsg")) -> None:
        self.file = os.open(device, os.O_RDONLY | os.O_NONBLOCK)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the messages that are there and were not yielded yet, oldest first."""
        while True:
            try:
                yield os.read(self.file, LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EPIPE:  # the oldest were overwritten: go on behind them
                    raise


def kernel_log() -> Iterable[bytes]:
    """Return the kernel's messages.

    Raises:
        NotApplicable: there are none, or the journal has them.
    """
    if Path("/run/systemd/journal/kernel-seqnum").exists():
        raise NotApplicable("the journal has the kernel's messages")
    if not Path("/dev/kmsg").exists():
        raise NotApplicable("no /dev/kmsg: this is no Linux, or a container")
    return KernelLog()


def boot() -> tuple[str, datetime]:
    """Return the boot's identifier, and the moment from which its messages count."""
    uptime = timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip(), datetime.now(UTC) - uptime


class Kmsg:
    """Read the kernel's messages, each once.

    Args:
        host: Entity under which records are filed; None for this machine's name.
        connect: Gives the messages, as /dev/kmsg writes them; tests pass a recording.
        boot: Gives the boot's identifier and moment.
    """

    def __init__(
        self,
        host: str | None = None,
        connect: Callable[[], Iterable[bytes]] = kernel_log,
        boot: Callable[[], tuple[str, datetime]] = boot,
    ) -> None:
        self.host = host or platform.node()
        self.connect, self.boot = connect, boot
        self.cursor = ""  # boot identifier and number of the last message
        self._messages: Iterable[bytes] | None = None

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the messages after the cursor; without one, those after ``since``.

        A message that is none is said after the others had their say.
        """
        if self._messages is None:
            self._messages = self.connect()
        identifier, start = self.boot()
        first = None if self.cursor else since
        broken: list[ValueError] = []
        messages = iter(self._messages)
        while batch := list(islice(messages, BATCH)):
            told: list[tuple[int, LogRecord]] = []
            for message in batch:
                try:
                    told.append(parse(message, self.host, start))
                except ValueError as error:
                    broken.append(error)
            later = [(number, record) for number, record in told if not first or record[0] > first]
            yield log_frame(self._new(later, identifier))
        if broken:
            raise broken[0]

    def _new(self, told: list[tuple[int, LogRecord]], boot_id: str) -> list[LogRecord]:
        """Return the records behind the cursor, and move it behind them."""
        seen, _, number = self.cursor.partition(" ")
        last = int(number) if seen == boot_id else None
        records = []
        for sequence, record in told:
            if last is not None and sequence <= last:
                continue
            if last is not None and sequence > last + 1:
                records.append(_lost(record[0], self.host, sequence - last - 1))
            records.append(record)
            last = sequence
        if last is not None:
            self.cursor = f"{boot_id} {last}"
        return records


def parse(message: bytes, host: str, start: datetime) -> tuple[int, LogRecord]:
    r"""Return the number of a message, and the message as a log record.

    Args:
        message: As read from /dev/kmsg: "priority,number,microseconds,flags;text".
        host: Entity of the kernel.
        start: The moment of the boot.

    Raises:
        ValueError: it has another form.

    Example:
        >>> parse(b"3,7,1500000,-;mce: [Hardware Error]: bank 5\n", "db1", EPOCH)[1][2:]
        ('ERROR', 'mce: [Hardware Error]: bank 5', '{"error": "machine check"}')
    """
    prefix, separator, text = message.partition(b";")
    fields = prefix.split(b",")
    if not separator or len(fields) < 3:
        raise ValueError(f"no kernel message: {message[:80]!r}")
    # Lines after the first that start with a blank are a dictionary about the device.
    line = ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.partition(b"\n")[0])
    body = line.decode(errors="replace")
    entity, facts = kernel_record(host, body)
    try:
        time = start + timedelta(microseconds=int(fields[2]))
    except OverflowError as error:
        raise ValueError(f"no time of a kernel message: {fields[2]!r}") from error
    severity = SEVERITY[int(fields[0]) & 7]
    return int(fields[1]), (time, entity, severity, body, json.dumps(facts))


def _lost(time: datetime, host: str, number: int) -> LogRecord:
    body = f"{number} kernel messages were overwritten before they were read"
    return time, host, "WARN", body, "{}"
