import os
import signal
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from diagnose.schema import Failure
from diagnose.telemetry import upkeep
from diagnose.telemetry.batch import Batch, batch_of
from diagnose.telemetry.flush import Flusher
from diagnose.telemetry.group_commit import WAITING_BYTES, GroupCommit
from diagnose.telemetry.journal import Journal, Overloaded
from diagnose.telemetry.keeping import Keeping, Report
from diagnose.telemetry.mover import open_mover
from diagnose.telemetry.reader import Reader
from diagnose.telemetry.tables import Tables
from diagnose.telemetry.writer import open_writer
from tests.diagnose.telemetry.conftest import at, journal_writer, logs, mover_of, readings
from tests.programs import wait_until


def keeping(folder, flush_seconds=60.0, upkeep_seconds=60.0):
    century = timedelta(days=36_500)
    return Keeping(folder, f"{folder}/tables", flush_seconds, century, 1 << 30, upkeep_seconds)


def count(folder):
    with Reader(f"{folder}/tables", folder / "journal.db") as reader:
        return reader.logs(at(0), at(9999)).height


def ignore(stage, took):
    pass


def test_what_is_agreed_on_and_told_passes_between_the_processes_whole(tmp_path):
    agreed = keeping(tmp_path, 0.25)
    assert Keeping.of_json(agreed.as_json()) == agreed
    told = Report("timed", "über\n", stage="flush", seconds=0.5)
    assert Report.of_line(told.as_line()) == told
    assert told.as_line().count(b"\n") == 1


def test_what_the_tables_cannot_take_waits_in_the_journal(tmp_path):
    tables, aside = tmp_path / "tables", tmp_path / "aside"
    with open_writer(keeping(tmp_path, 0.05), ignore) as writer:
        tables.rename(aside)
        tables.touch()
        writer.append(batch_of(logs((0, "db1", "a")))).result()
        assert "tables" in wait_until(lambda: writer.mover.failure, 10)
        assert writer.mover.queue_age_seconds > 0
        tables.unlink()
        aside.rename(tables)
        wait_until(lambda: writer.mover.failure is None, 10)
        assert writer.mover.queue_age_seconds == 0
        assert count(tmp_path) == 1
    assert count(tmp_path) == 1


def test_a_failure_is_told_and_what_failed_is_tried_again(tmp_path, monkeypatch):
    def fails(self):
        raise OSError("no such bucket")

    told: list[Report] = []
    with (
        journal_writer(tmp_path) as writer,
        open_mover(keeping(tmp_path), told.append) as mover,
    ):
        writer.append(batch_of(logs((0, "db1", "a")))).result()
        monkeypatch.setattr(Flusher, "flush", fails)
        mover.move()
        monkeypatch.undo()
        mover.move()
    assert [report.event for report in told] == ["began", "failed", "began", "timed", "moved"]
    assert told[1].text == "no such bucket"
    assert count(tmp_path) == 1


def test_a_commit_that_failed_after_it_was_made_is_not_repeated(tmp_path, monkeypatch):
    append = Tables.append

    def lost_answer(self, *arguments):
        stale = self.table("logs").version()
        append(self, *arguments)
        self.table("logs").load_as_version(stale)
        raise OSError("timed out")

    told: list[Report] = []
    with (
        journal_writer(tmp_path) as writer,
        open_mover(keeping(tmp_path), told.append) as mover,
    ):
        writer.append(batch_of(logs((0, "db1", "a")))).result()
        monkeypatch.setattr(Tables, "append", lost_answer)
        mover.move()
        monkeypatch.undo()
        assert [report.event for report in told] == ["began", "failed"]
        assert count(tmp_path) == 1
        mover.move()
    assert count(tmp_path) == 1


def test_a_mover_that_dies_is_replaced_and_nothing_is_lost_or_doubled(tmp_path):
    with open_writer(keeping(tmp_path, 0.05), ignore) as writer:
        first = mover_of(os.getpid())
        for second in range(50):
            writer.append(batch_of(logs((second, "db1", "a")))).result()
        os.kill(first, signal.SIGKILL)
        for second in range(50, 100):
            writer.append(batch_of(logs((second, "db1", "a")))).result()
        assert "signal 9" in wait_until(lambda: writer.mover.failure, 10)
        assert count(tmp_path) == 100
        wait_until(lambda: writer.mover.failure is None, 20)
        assert mover_of(os.getpid()) != first
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.pending() == {}
    assert Reader(f"{tmp_path}/tables").logs(at(0), at(999)).height == 100


def test_a_mover_that_cannot_begin_stops_the_writer_with_its_reason(tmp_path):
    Path(tmp_path / "tables").touch()
    with (
        pytest.raises(Failure, match="the table cannot be read"),
        open_writer(keeping(tmp_path), ignore),
    ):
        pass


def test_signals_that_go_to_all_processes_lose_nothing(tmp_path):
    with open_writer(keeping(tmp_path), ignore) as writer:
        writer.append(batch_of(logs((0, "db1", "a")))).result()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(mover_of(os.getpid()), number)
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.pending() == {}


def test_all_that_was_acknowledged_is_in_the_tables_when_the_writer_ends(tmp_path):
    with open_writer(keeping(tmp_path), ignore) as writer:
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
    monkeypatch.setattr(upkeep, "FILES", 3)
    told: list[Report] = []
    done = Event()

    def move():
        with open_mover(keeping(tmp_path, upkeep_seconds=0.1), told.append) as mover:
            while not done.wait(0.02):
                mover.move()
            mover.move()

    reads = 0
    with journal_writer(tmp_path) as writer:
        acknowledged = [-1]

        def append():
            for second in range(400):
                line = (second, "db1", f"line {second}")
                batch = batch_of(readings((second, "db1", "cpu", 1.0)), logs(line, line))
                acknowledged.append(writer.append(batch).result() and second)

        sender, mover = Thread(target=append), Thread(target=move)
        sender.start()
        mover.start()
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
        done.set()
        mover.join()
    assert {report.event for report in told} == {"began", "timed", "moved"}
    assert {report.stage for report in told} == {None, "flush", "upkeep"}
    assert reads > 3
    assert count(tmp_path) == 800
