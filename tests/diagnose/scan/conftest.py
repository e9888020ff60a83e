"""A small fleet whose telemetry is kept: one host runs full, one is ill, one is silent."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from diagnose.config import ModelSection, Settings, StoreSection, TelemetrySection
from diagnose.schema import READINGS
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.flush import Flusher
from diagnose.telemetry.journal import Journal
from diagnose.telemetry.tables import Tables

MOMENT = datetime(2026, 3, 1, 13, 20, tzinfo=UTC)
STEP = 15
STEPS = 250
CALM = [f"web{i}" for i in range(8)]
FULL, ILL, SILENT, WORN = "db1", "web8", "web9", "db2"
HOSTS = sorted([*CALM, FULL, ILL, SILENT, WORN])
SIGNALS = ("cpu_utilization", "http_requests_total", "request_latency_seconds", "queue_depth")


def shown(host, seed):
    """Yield (entity, signal, values) of a host, one value a step, the newest last."""
    rng = np.random.default_rng(seed)
    load = 50 + np.cumsum(rng.normal(size=STEPS)) * 0.1 + rng.normal(size=STEPS)
    ill = np.where(np.arange(STEPS) >= STEPS - 24, 8.0, 1.0) if host == ILL else 1.0
    yield host, SIGNALS[0], load / 100 * np.minimum(ill, 1.9)
    yield host, SIGNALS[1], np.cumsum(load)
    yield host, SIGNALS[2], 0.02 * ill * (1 + 0.1 * rng.normal(size=STEPS))
    yield host, SIGNALS[3], np.rint(5 * ill + rng.poisson(2, STEPS))
    use = np.linspace(0.6, 0.8, STEPS) if host == FULL else np.full(STEPS, 0.4)
    yield host, "system.filesystem.utilization", use + 0.001 * rng.normal(size=STEPS)
    if host == WORN:
        pending = np.where(np.arange(STEPS) > STEPS - 60, 8.0, 0.0)
        yield f"{host}/sda", "hw.physical_disk.current_pending_sectors", pending


def fleet_readings(hosts=HOSTS, end=MOMENT):
    """Return the readings of a fleet, each host read at its own moment within a step."""
    frames = []
    for place, host in enumerate(hosts):
        begin = end - timedelta(seconds=STEP * (STEPS - 1) + 0.37 * (place % 30))
        times = [begin + timedelta(seconds=STEP * i) for i in range(STEPS)]
        for entity, signal, values in shown(host, place):
            last = STEPS - 40 if host == SILENT else STEPS
            frames.append(
                pl.DataFrame(
                    {"time": times, "entity": entity, "signal": signal, "value": values},
                    READINGS,
                )[:last]
            )
    return pl.concat(frames)


def keep(folder, readings):
    """Put readings into the tables of ``folder``, as the writer does."""
    folder.mkdir(parents=True, exist_ok=True)
    with Journal(folder / "journal.db", writing=True) as journal:
        flusher = Flusher(journal, Tables(str(folder / "tables")))
        for part in readings.sort("time").iter_slices(5000):
            journal.commit([batch_of(part)])
            flusher.flush()


@pytest.fixture(scope="session")
def telemetry(tmp_path_factory):
    """Return the folder in which a fleet's telemetry is kept; nobody writes it."""
    folder = tmp_path_factory.mktemp("fleet") / "telemetry"
    keep(folder, fleet_readings())
    return folder


@pytest.fixture
def settings(telemetry, tmp_path):
    """Return settings with a state database of their own, and no language model."""
    return Settings(
        store=StoreSection(url=f"sqlite:///{tmp_path / 'state.db'}"),
        telemetry=TelemetrySection(dir=telemetry),
        model=ModelSection(proposer="none"),
    )


class Here:
    """An engine that works in this process."""

    def run(self, work, shards):
        return map(work, shards)
