"""Sensors and the system event log of baseboard management controllers.

Reads:     ipmitool -I lanplus ... sdr elist all, sel info, sel elist   (the BMC's user)
Emits:     readings: hw.{temperature,fan.speed,voltage,current,power,energy,airflow,utilization},
           hw.status (0 ok, 1 non-critical, 2 critical, 3 non-recoverable);
           logs: one record an event; that the log was cleared is a change
Platforms: any with ipmitool, local or over the network
See:       https://www.intel.com/content/www/us/en/products/docs/servers/ipmi/ipmi-home.html
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, Self

import polars as pl

from collectors import NotApplicable
from collectors.ipmi_text import Event, events, sensors
from diagnose.config import Settings
from diagnose.schema import LOGS, READINGS
from diagnose.settings.sections import IpmiSection

EVERY_SECONDS: Final = 60.0  # a BMC is slow, and busy with its server
REMEMBERED: Final = 8  # last events that the cursor names: one of them may be deleted
CLEARED: Final = "event log cleared"

Ask = Callable[[Sequence[str]], str]


class Ipmi:
    """Read one BMC.

    Args:
        host: Entity of the server to which the BMC belongs.
        ask: Gives what ipmitool prints for its arguments; tests pass a recording.
        cursor: See ``collectors.Resumable``.
    """

    every_seconds = EVERY_SECONDS

    def __init__(self, host: str, ask: Ask, cursor: str = "") -> None:
        self.host = host
        self.ask = ask
        self.cursor = cursor

    @classmethod
    def configured(cls, settings: Settings) -> Mapping[str, Self]:
        """Return one instance a BMC in ``collect.ipmi``."""
        return {host: cls(host, Ipmitool(bmc)) for host, bmc in settings.collect.ipmi.items()}

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the sensors' present values, then the events after ``since`` or the cursor.

        An event before the BMC's clock was set has no time of its own: it is filed under the
        moment at which it was first read.
        """
        now = datetime.now(UTC)
        shown = sensors(self._asked("sdr", "elist", "all"))
        rows = [(now, self.host, signal, value) for signal, value in shown]
        if rows:
            yield pl.DataFrame(rows, READINGS, orient="row")
        state = _state(self.ask(("sel", "info")))
        known = _Cursor.read(self.cursor)
        if known and known.state == state:
            return
        listed = list(events(self._asked("sel", "elist")))
        fresh, cleared = _fresh(listed, known, since)
        records = [_cleared(now, self.host)] if cleared else []
        records += [_record(event, now, self.host) for event in fresh]
        self.cursor = _Cursor(state, tuple(map(_key, listed[-REMEMBERED:]))).text()
        if records:
            yield pl.DataFrame(records, LOGS, orient="row").sort("time", maintain_order=True)

    def _asked(self, *arguments: str) -> list[str]:
        """Return the lines of an answer; names may hold what Unicode ends lines with."""
        return self.ask(arguments).split("\n")


class Ipmitool:
    """Runs ipmitool; the password is handed over in its environment, where others cannot read it.

    Args:
        bmc: Where the BMC is, and how to be let in.
    """

    def __init__(self, bmc: IpmiSection) -> None:
        self.bmc = bmc

    def __call__(self, arguments: Sequence[str]) -> str:
        """Return what ipmitool prints.

        Raises:
            NotApplicable: it is not installed.
            OSError: it failed, or the BMC does not answer in time.
        """
        program = shutil.which("ipmitool")
        if program is None:
            raise NotApplicable("ipmitool is not installed")
        bmc = self.bmc
        command = [program, "-I", "lanplus", "-H", bmc.address, "-p", str(bmc.port), "-E"]
        command += ["-U", bmc.user] if bmc.user else []
        command += ["-C", str(bmc.cipher_suite)] if bmc.cipher_suite is not None else []
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
        environment["IPMI_PASSWORD"] = bmc.password.get_secret_value() if bmc.password else ""
        try:
            done = subprocess.run(
                [*command, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=bmc.timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"{bmc.address}: no answer within {bmc.timeout_seconds:g} s") from error
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise OSError(f"{bmc.address}: ipmitool {' '.join(arguments)}: {said:.200}")
        return done.stdout.decode(errors="replace")


class _Cursor:
    """Up to where an event log was read.

    Args:
        state: What ``sel info`` said before it was read.
        last: Keys of the last events, the newest last.
    """

    def __init__(self, state: str, last: tuple[str, ...]) -> None:
        self.state = state
        self.last = last

    @classmethod
    def read(cls, text: str) -> "_Cursor | None":
        """Return the cursor that ``text`` is; None for "nowhere yet"."""
        if not text:
            return None
        state, *last = text.split(" ")
        return cls(state, tuple(last))

    def text(self) -> str:
        """Return it as a text without line breaks."""
        return " ".join((self.state, *self.last))


def _state(shown: str) -> str:
    """Return a digest of how full the log is and when it was last written to and cleared."""
    lines = [line for line in shown.splitlines() if line.startswith(("Entries", "Last"))]
    if not lines:
        raise ValueError(f"not the state of an event log: {shown:.100}")
    return _digest("\n".join(lines))


def _fresh(
    listed: Sequence[Event], known: _Cursor | None, since: datetime
) -> tuple[list[Event], bool]:
    """Return the events that were not read yet, and whether those that were have gone.

    A number means nothing by itself: a log that was cleared, or that overwrites its oldest events,
    numbers anew. So the place is found by number and content.
    """
    if known is None:
        return [event for event in listed if event.time is None or event.time > since], False
    place = {_key(event): i for i, event in enumerate(listed)}
    found = [place[key] for key in known.last if key in place]
    if found:
        return list(listed[max(found) + 1 :]), False
    return list(listed), bool(known.last)


def _key(event: Event) -> str:
    return f"{event.id}:{_digest(event.line)}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _record(event: Event, now: datetime, host: str) -> tuple[datetime, str, str, str, str]:
    """Return an event as a row of LOGS."""
    attributes: dict[str, str | int | bool] = {
        "source": "ipmi",
        "sel.id": event.id,
        "sensor": event.sensor,
        "asserted": event.asserted,
    }
    if event.time is None:
        attributes["clock"] = "not set"
    if event.uptime_seconds is not None:
        attributes["bmc.uptime_seconds"] = event.uptime_seconds
    body = f"{event.sensor}: {event.text}" + ("" if event.asserted else " (recovered)")
    return event.time or now, host, event.severity, body, json.dumps(attributes)


def _cleared(now: datetime, host: str) -> tuple[datetime, str, str, str, str]:
    """Return the record that tells that events are gone."""
    attributes = json.dumps({"source": "ipmi", "change": CLEARED})
    return now, host, "INFO", "The system event log was cleared or has wrapped", attributes
