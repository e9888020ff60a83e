"""Telemetry that was kept here -> an incident: one entity at one moment, or all of a span.

``reach.py`` says how far around the entity is read.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from collectors.prometheus_labels import host_of
from diagnose.failure import Failure
from diagnose.incident.bundle import GRACE, GRACE_STEPS, Bundle, write_bundle
from diagnose.incident.reach import HISTORY, HISTORY_STEPS, HOPS, MOST, median_step
from diagnose.settings.sections import TelemetrySection
from diagnose.telemetry.reader import Reader
from diagnose.topology import SiteTopology, Topology, nearness, resolved
from diagnose.wording import counted, some

SEEN: Final = timedelta(days=1)  # for which an edge is believed after it was seen
PACED: Final = timedelta(minutes=15)  # before the moment, in which readings tell their step


def opened(settings: TelemetrySection) -> Reader:
    """Return a reader of what is kept on this machine, or where the settings say.

    Raises:
        Failure: nothing was ever kept there.
    """
    return Reader(settings.root, settings.journal)


def incident_at(
    reader: Reader, entity: str, at: datetime, site: SiteTopology, as_of: datetime
) -> Bundle:
    """Return what an entity and those around it showed before and after a moment.

    Args:
        reader: Of what was kept.
        entity: Whose symptom is to be explained.
        at: When it was noticed.
        site: What the people of the site say of the topology.
        as_of: The moment of asking; nothing later is read.

    Raises:
        Failure: the entity is not known, or the moment is still to come.
    """
    if as_of < at:
        raise Failure(f"{at:%Y-%m-%d %H:%M:%S} UTC lies after the moment of asking", "ask later")
    known = sorted({*reader.series()["entity"], *reader.speakers(at - HISTORY, as_of)})
    if entity not in known:
        close = get_close_matches(entity, known, 1)
        way_out = f"did you mean {close[0]}?" if close else "name one whose telemetry is sent here"
        raise Failure(f"nothing was ever kept of {entity}", way_out)
    step_seconds = _step_seconds(reader.readings(at - PACED, at, {entity}))
    step = timedelta(seconds=step_seconds)
    end = min(as_of, at + max(GRACE, GRACE_STEPS * step))
    start = at - max(HISTORY, HISTORY_STEPS * step)
    seen = seen_topology(reader, at, end)
    topology = Topology(resolved(seen.calls, known), seen.contains) + site.among(known)
    near = _by_distance(known, entity, topology)
    if not topology.calls:
        near += sorted(set(known) - set(near))
    readings = reader.readings(start, end, near)
    if readings.is_empty():
        raise Failure(
            f"of {entity} and those near it only log lines were kept around {at:%H:%M:%S} UTC",
            "send its metrics, too, or name an entity whose metrics are sent here",
        )
    readings, left_out = _fitting(readings, near)
    logs = reader.logs(start, end, near)
    said = []
    if not topology.calls:
        said.append("No calls between entities are known: all were read as equally far.")
    if far := sorted(set(known) - set(near)):
        said.append(f"Further away than {HOPS} calls and not read: {some(far)}.")
    if left_out:
        said.append(f"{left_out} series beyond {MOST} were not read.")
    return Bundle(
        id=f"{entity} at {at:%Y-%m-%dT%H:%M:%SZ}",
        source="telemetry",
        alert_time=at,
        as_of=end,
        step_seconds=step_seconds,
        readings=readings.lazy(),
        logs=logs.lazy() if logs.height else None,
        topology=_among(topology.calls, near),
        contains=_among(topology.contains, near),
        missing=tuple(said),
    )


def record(reader: Reader, out: Path, since: datetime, until: datetime) -> str:
    """Write all that was kept of a span as a bundle whose alert is at the span's end.

    Args:
        reader: Of what was kept.
        out: The bundle's folder, which is made.
        since: Start of the span.
        until: End of the span.

    Returns:
        What was written, in a few words.

    Raises:
        Failure: nothing was kept of the span, or ``out`` cannot be written.
    """
    readings, logs = reader.readings(since, until), reader.logs(since, until)
    if readings.is_empty():
        kept = "only log lines were" if logs.height else "nothing was"
        raise Failure(
            f"{kept} kept from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC",
            "ask for a longer span",
        )
    edges = reader.edges(since, until).select("caller", "callee").unique().sort("caller", "callee")
    write_bundle(
        out,
        {
            "id": out.name,
            "source": "telemetry",
            "alert_time": until.isoformat(),
            "as_of": until.isoformat(),
            "symptom": None,
            "step_seconds": _step_seconds(readings),
            "topology": [list(pair) for pair in edges.iter_rows()] or None,
        },
        readings,
        logs if logs.height else None,
    )
    return f"{counted(readings.height, 'reading')}, {counted(logs.height, 'log record')}"


def _step_seconds(readings: pl.DataFrame) -> float:
    """Return how far apart the readings of a series are, in the median."""
    apart = readings.sort("entity", "signal", "time").select(
        pl.col("time").diff().over("entity", "signal").dt.total_microseconds().alias("apart")
    )
    return median_step(apart["apart"].drop_nulls().to_numpy())


def seen_topology(reader: Reader, at: datetime, end: datetime) -> Topology:
    """Return who was seen to call whom, and what to be part of what, by the names then seen.

    Args:
        reader: Of what was kept.
        at: The moment that is asked about; an edge is believed for a day.
        end: Edges that were seen later are not read.
    """
    edges = (
        reader.edges(at - SEEN, end).select("caller", "callee").unique().sort("caller", "callee")
    )
    pairs = [(str(caller), str(callee)) for caller, callee in edges.iter_rows()]
    part = [(one, other) for one, other in pairs if one == host_of(other)]
    return Topology(tuple(pair for pair in pairs if pair not in set(part)), tuple(part))


def _by_distance(known: Sequence[str], entity: str, topology: Topology) -> list[str]:
    """Return the entities near ``entity``, the nearest first."""
    near = nearness(known, entity, topology, HOPS)
    return sorted(near, key=lambda one: (near[one], one))


def _fitting(readings: pl.DataFrame, near: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Return the readings of the series that are looked at, and how many series are not."""
    series = readings.select("entity", "signal").unique()
    place = pl.col("entity").replace_strict(near, range(len(near)), return_dtype=pl.Int32)
    kept = series.sort(place, "signal").head(MOST)
    if kept.height == series.height:
        return readings, 0
    inside = readings.join(kept, on=["entity", "signal"], how="semi", maintain_order="left")
    return inside, series.height - kept.height


def _among(
    pairs: Sequence[tuple[str, str]], entities: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    known = set(entities)
    return tuple(pair for pair in pairs if known.issuperset(pair))
