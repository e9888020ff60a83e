"""Sensors, power, health and event logs of BMCs that speak Redfish.

Reads:     Chassis/*/{Sensors,Thermal,Power,ThermalSubsystem,PowerSubsystem}, and LogServices of
           Systems, Managers and Chassis, below /redfish/v1 (the BMC's user, read only)
Emits:     readings: hw.{temperature,fan.speed,voltage,current,power,energy,frequency,utilization},
           hw.status (0 well, 1 warning, 2 critical); logs: one record an entry, with the
           resolution that the BMC's own message registries give
Platforms: any, over the network
See:       https://www.dmtf.org/standards/redfish
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, Self

import polars as pl

from collectors.endpoint import Connection, Endpoint, Json, StatusError
from collectors.redfish_registry import Registries
from collectors.redfish_values import (
    Value,
    health,
    objects,
    sensor_values,
    temperatures,
    values,
)
from diagnose.config import Settings
from diagnose.schema import LOGS, READINGS

ROOT: Final = "/redfish/v1/"
EVERY_SECONDS: Final = 60.0  # a BMC is slow, and busy with its server
REQUESTS: Final = 2000  # of one round: a BMC that links for ever is broken
SEVERITY: Final = {"OK": "INFO", "Warning": "WARN", "Critical": "ERROR"}
# Parts of a chassis that are members of a list within one resource, as older BMCs have them.
LISTED: Final = {
    "Thermal": ("Temperatures", "Fans"),
    "Power": ("PowerControl", "Voltages", "PowerSupplies"),
}


class Redfish:
    """Read one BMC.

    What a BMC does not have (404, 405, 501) or fails at (5xx) is skipped; ``skipped`` then says
    what and why. A BMC whose root does not answer raises.

    Args:
        host: Entity of the server to which the BMC belongs.
        endpoint: Where the BMC is.
        cursor: See ``collectors.Resumable``.
    """

    every_seconds = EVERY_SECONDS

    def __init__(self, host: str, endpoint: Endpoint, cursor: str = "") -> None:
        self.host = host
        self.endpoint = endpoint
        self.cursor = cursor
        self.skipped: tuple[str, ...] = ()

    @classmethod
    def configured(cls, settings: Settings) -> Mapping[str, Self]:
        """Return one instance a BMC in ``collect.redfish``."""
        return {host: cls(host, Endpoint.of(bmc)) for host, bmc in settings.collect.redfish.items()}

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the present values, then the log entries after ``since`` or the cursor.

        Raises:
            OSError: the BMC cannot be asked.
            ValueError: it answers what Redfish does not allow, or links to another host.
        """
        with self.endpoint.opened() as connection:
            walk = _Walk(connection)
            root = connection.get(ROOT)
            if not isinstance(root, dict):
                raise ValueError(f"{connection.url}: the service root is no object")
            now = datetime.now(UTC)
            shown = dict(reversed(list(_values(walk, root))))  # of two of a name the first counts
            rows = [(now, self.host, signal, value) for signal, value in shown.items()]
            if rows:
                yield pl.DataFrame(rows, READINGS, orient="row")
            registries = Registries(walk.get, root)
            records = [
                _record(entry, registries, self.host, now)
                for log in _logs(walk, root)
                for entry in self._fresh(walk, log, since)
            ]
            self.skipped = tuple(walk.skipped)
            if records:
                yield pl.DataFrame(records, LOGS, orient="row").sort("time", maintain_order=True)

    def _fresh(self, walk: "_Walk", log: str, since: datetime) -> list[Json]:
        """Return the entries of a log that were not read before, and remember them all.

        Neither their order nor their clock can be trusted: makers list the newest first or last,
        and a BMC's clock is set back. So those that were read are remembered by their content.
        """
        known: dict[str, list[str]] = json.loads(self.cursor or "{}")
        read = known.get(log)
        failures = len(walk.skipped)
        entries = {_key(entry): entry for entry in walk.members(log)}
        if len(walk.skipped) == failures:
            known[log] = list(entries)
        else:  # what a page that failed holds was perhaps read before
            known[log] = list(dict.fromkeys([*(read or ()), *entries]))
        self.cursor = json.dumps(known)
        if read is None:
            return [e for e in entries.values() if (_time(e) or datetime.now(UTC)) > since]
        return [entry for key, entry in entries.items() if key not in set(read)]


class _Walk:
    """Follows links on one BMC, none of them twice and never to elsewhere."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.skipped: list[str] = []
        self.requests = 0

    def get(self, link: str) -> Json:
        """Return the resource behind a link; {} where the BMC has none, which is noted."""
        self.requests += 1
        if self.requests > REQUESTS:
            raise ValueError(f"{self.connection.url}: links never end")
        path = self.connection.inside(link).partition("#")[0]
        try:
            found = self.connection.get(path)
        except StatusError as error:
            if error.status in (401, 403, 429, 503):  # all else would answer the same
                raise
            self.skipped.append(f"{path}: {error.status}")
            return {}
        return found if isinstance(found, dict) else {}

    def part(self, resource: Json, name: str) -> Json:
        """Return the resource that ``resource`` links to under ``name``; {} where there is none."""
        link = _link(resource.get(name))
        return self.get(link) if link else {}

    def members(self, link: str) -> Iterator[Json]:
        """Yield the members of a collection, page by page; those that are links are followed."""
        seen = set[str]()
        while link and link not in seen:
            seen.add(link)
            page = self.get(link)
            for member in objects(page.get("Members")):
                only_link = member.keys() <= {"@odata.id"}
                yield self.get(_link(member)) if only_link else member
            following = page.get("Members@odata.nextLink") or page.get("@odata.nextLink")
            link = following if isinstance(following, str) else ""


def _values(walk: _Walk, root: Json) -> Iterator[Value]:
    """Yield every number and state of every chassis."""
    for chassis in walk.members(_link(root.get("Chassis"))):
        yield from health(chassis)
        for sensor in walk.members(_link(chassis.get("Sensors"))):
            yield from sensor_values(sensor)
        thermal = walk.part(chassis, "ThermalSubsystem")
        power = walk.part(chassis, "PowerSubsystem")
        yield from temperatures(walk.part(thermal, "ThermalMetrics"))
        for supply in walk.members(_link(power.get("PowerSupplies"))):
            yield from health(supply)
            yield from values(walk.part(supply, "Metrics"), str(supply.get("Name") or "supply"))
        for part, lists in LISTED.items():
            resource = walk.part(chassis, part)
            for one in (one for name in lists for one in objects(resource.get(name))):
                yield from values(one)


def _logs(walk: _Walk, root: Json) -> Iterator[str]:
    """Yield the links to the entries of every log."""
    for owners in ("Systems", "Managers", "Chassis"):
        for owner in walk.members(_link(root.get(owners))):
            for log in walk.members(_link(owner.get("LogServices"))):
                link = _link(log.get("Entries"))
                if link:
                    yield link


def _record(
    entry: Json, registries: Registries, host: str, now: datetime
) -> tuple[datetime, str, str, str, str]:
    """Return a log entry as a row of LOGS."""
    text, resolution = registries.told(entry)
    links = entry.get("Links")
    origin = _link(links.get("OriginOfCondition")) if isinstance(links, dict) else ""
    attributes = {
        "source": "redfish",
        "entry.id": entry.get("Id"),
        "message_id": entry.get("MessageId"),
        "code": entry.get("EntryCode"),
        "sensor": entry.get("SensorType"),
        "origin": origin,
        "resolution": resolution,
    }
    severity = SEVERITY.get(str(entry.get("Severity") or entry.get("MessageSeverity")), "INFO")
    shown = {name: value for name, value in attributes.items() if value}
    return _time(entry) or now, host, severity, text, json.dumps(shown)


def _key(entry: Json) -> str:
    """Return what tells an entry from all others, also after its log was cleared."""
    said = [str(entry.get(name)) for name in ("Id", "Created", "MessageId", "Message")]
    return blake2b("\0".join(said).encode(), digest_size=6).hexdigest()


def _time(entry: Json) -> datetime | None:
    """Return when an entry was made; None where the BMC does not say."""
    try:
        time = datetime.fromisoformat(str(entry.get("Created")))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _link(reference: Json) -> str:
    """Return the address that a reference holds; "" where it holds none."""
    link = reference.get("@odata.id") if isinstance(reference, dict) else None
    return link if isinstance(link, str) else ""
