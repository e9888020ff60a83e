"""Telemetry in a folder of its own, written step by step instead of by threads."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from diagnose.schema import LOGS, READINGS
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.flush import Flusher
from diagnose.telemetry.group_commit import GroupCommit
from diagnose.telemetry.journal import Journal
from diagnose.telemetry.reader import Reader
from diagnose.telemetry.settle import settle
from diagnose.telemetry.tables import Tables
from diagnose.telemetry.upkeep import Upkeep
from diagnose.telemetry.writer import Writer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def readings(*rows):
    """Return rows of (seconds after noon, entity, signal, value) as readings."""
    return pl.DataFrame([(at(row[0]), *row[1:]) for row in rows], READINGS, orient="row")


def logs(*rows):
    """Return rows of (seconds after noon, entity, body) as log records."""
    table = [(at(seconds), entity, "INFO", body, "{}") for seconds, entity, body in rows]
    return pl.DataFrame(table, LOGS, orient="row")


class Still:
    """Stands in a mover's place, and lets everything stay in the journal."""

    failure: str | None = None
    flushed_at = 0.0
    queue_age_seconds = 0.0

    def expect(self, records):
        pass


@contextmanager
def journal_writer(folder):
    """Open a writer whose records stay in the journal, which costs no process."""
    with (
        Journal(folder / "journal.db", writing=True) as journal,
        GroupCommit(journal, lambda took: None) as group,
    ):
        yield Writer(journal, group, Still())


def mover_of(process):
    """Return the process that moves records for another one; None where none does."""
    threads = Path(f"/proc/{process}/task").iterdir()
    for child in " ".join((thread / "children").read_text() for thread in threads).split():
        if b"diagnose.telemetry.mover" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return None


class Kept:
    """A writer's parts, and a reader."""

    def __init__(self, folder):
        self.folder = folder
        self.journal = Journal(folder / "journal.db", writing=True)
        settle(folder / "tables", self.journal.synced())
        self.tables = Tables(str(folder / "tables"))
        self.flusher = Flusher(self.journal, self.tables)
        self.upkeep = Upkeep(self.tables, timedelta(days=365))

    def append(self, *frames, key=None):
        return self.journal.commit([batch_of(*frames, key=key)])[0]

    def reader(self):
        return Reader(str(self.folder / "tables"), self.folder / "journal.db")

    def read(self, table="readings", entities=None):
        with self.reader() as reader:
            return getattr(reader, table)(at(-1e6), at(1e6), entities).rows()

    def close(self):
        self.journal.close()


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    yield kept
    kept.close()
