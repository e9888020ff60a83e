from concurrent.futures import Future
from datetime import timedelta
from threading import Event, Thread

import pytest

from diagnose.telemetry import upkeep
from diagnose.telemetry import writer as module
from diagnose.telemetry.batch import Batch, batch_of
from diagnose.telemetry.flush import Flusher
from diagnose.telemetry.group_commit import WAITING_BYTES, GroupCommit
from diagnose.telemetry.journal import Journal, Overloaded
from diagnose.telemetry.reader import Reader
from diagnose.telemetry.writer import Keeping, open_writer
from tests.diagnose.telemetry.conftest import at, logs, readings
from tests.programs import wait_until


def count(folder):
    with Reader(f"{folder}/tables", folder / "journal.db") as reader:
        return reader.logs(at(0), at(9999)).height


def test_what_the_tables_cannot_take_waits_in_the_journal(tmp_path, monkeypatch):
    failing = Event()
    flush = Flusher.flush

    def sometimes(self):
        if failing.is_set():
            raise OSError("no such bucket")
        return flush(self)

    monkeypatch.setattr(Flusher, "flush", sometimes)
    with open_writer(Keeping(tmp_path, f"{tmp_path}/tables", 0.05), lambda s, t: None) as writer:
        failing.set()
        writer.append(batch_of(logs((0, "db1", "a")))).result()
        wait_until(lambda: writer.failure, 10)
        assert writer.failure == "no such bucket"
        assert count(tmp_path) == 1
        assert writer.queue_age_seconds > 0
        failing.clear()
        wait_until(lambda: writer.failure is None, 10)
        assert writer.queue_age_seconds == 0
    assert count(tmp_path) == 1


def test_a_commit_that_failed_after_it_was_made_is_not_repeated(tmp_path, monkeypatch):
    with open_writer(Keeping(tmp_path, f"{tmp_path}/tables", 60), lambda s, t: None) as writer:
        tables = writer._flusher.tables
        append = type(tables).append

        def lost_answer(self, *arguments):
            stale = self.table("logs").version()
            append(self, *arguments)
            self.table("logs").load_as_version(stale)
            monkeypatch.undo()
            raise OSError("timed out")

        monkeypatch.setattr(type(tables), "append", lost_answer)
        writer.append(batch_of(logs((0, "db1", "a")))).result()
        writer._due.set()
        wait_until(lambda: writer.failure, 10)
        assert count(tmp_path) == 1
    assert count(tmp_path) == 1


def test_all_that_was_acknowledged_is_in_the_tables_when_the_writer_ends(tmp_path):
    with open_writer(Keeping(tmp_path, f"{tmp_path}/tables", 60), lambda s, t: None) as writer:
        for second in range(20):
            writer.append(batch_of(readings((second, "db1", "cpu", 1.0)))).result()
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.pending() == {}
    assert Reader(f"{tmp_path}/tables").readings(at(0), at(99)).height == 20


def test_many_requests_share_a_commit(tmp_path):
    took: list[float] = []
    with Journal(tmp_path / "j.db", writing=True) as journal:
        with GroupCommit(journal, took.append) as group:
            batch = batch_of(readings((0, "db1", "cpu", 1.0)))
            assert all(f.result() for f in [group.append(batch) for _ in range(200)])
        assert journal.pending() == {"readings": 200}
    assert len(took) < 200


def test_whoever_gave_up_waiting_is_not_kept_and_harms_nobody(tmp_path):
    with Journal(tmp_path / "j.db", writing=True) as journal:
        group = GroupCommit(journal, lambda took: None)
        gone = group.append(batch_of(readings((0, "db1", "cpu", 1.0))))
        gone.cancel()
        stays: Future[bool] = group.append(batch_of(readings((1, "db1", "cpu", 1.0))))
        with group:
            assert stays.result()
        assert journal.pending() == {"readings": 1}


def test_what_waits_for_the_disk_is_bounded(tmp_path):
    with Journal(tmp_path / "j.db", writing=True) as journal:
        group = GroupCommit(journal, lambda took: None)
        batch = batch_of(logs((0, "db1", "a")))
        huge = Batch((("logs", 1, bytes(WAITING_BYTES // 2)),))
        group.append(huge)
        group.append(huge)
        with pytest.raises(Overloaded, match="does not keep up"):
            group.append(batch)


def test_reads_beside_a_busy_writer_hold_all_that_was_acknowledged_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "UPKEEP_SECONDS", 0.1)
    monkeypatch.setattr(upkeep, "FILES", 3)
    keeping = Keeping(tmp_path, f"{tmp_path}/tables", 0.02, retention=timedelta(days=36_500))
    reads = 0
    with open_writer(keeping, lambda s, t: None) as writer:
        acknowledged = [-1]

        def append():
            for second in range(400):
                line = (second, "db1", f"line {second}")
                batch = batch_of(readings((second, "db1", "cpu", 1.0)), logs(line, line))
                acknowledged.append(writer.append(batch).result() and second)

        sender = Thread(target=append)
        sender.start()
        with Reader(f"{tmp_path}/tables", tmp_path / "journal.db") as reader:
            while sender.is_alive():
                before = acknowledged[-1] + 1
                lines = reader.logs(at(0), at(9999))
                numbers = reader.readings(at(0), at(9999))
                assert lines.height >= 2 * before
                assert lines.height == 2 * lines["body"].n_unique()
                assert numbers.height >= before
                assert numbers.height == numbers["time"].n_unique()
                reads += 1
        sender.join()
        assert writer.failure is None
    assert reads > 3
    assert count(tmp_path) == 800
