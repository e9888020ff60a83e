import sqlite3

import pytest

from diagnose.schema import Failure
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.journal import DamagedEntry, Journal, Overloaded
from diagnose.telemetry.lock import single_writer
from tests.diagnose.telemetry.conftest import logs, readings

ONE = batch_of(readings((0, "db1", "cpu", 1.0)))


def positions(journal, after=0):
    return [entry.position for entry in journal.entries("readings", after)]


def test_what_was_committed_is_there_for_whoever_opens_it_next(tmp_path):
    with Journal(tmp_path / "j.db", writing=True) as journal:
        journal.commit([ONE, batch_of(logs((0, "db1", "a"), (0, "db1", "a")))])
        identity = journal.identity
    with Journal(tmp_path / "j.db") as journal:
        assert journal.identity == identity
        assert journal.pending() == {"readings": 1, "logs": 2}
        (entry,) = journal.entries("logs", 0)
        assert entry.frame.equals(logs((0, "db1", "a"), (0, "db1", "a")))


def test_a_request_that_comes_again_is_acknowledged_and_kept_once(tmp_path):
    batch = batch_of(logs((0, "db1", "a")), key=b"request")
    with Journal(tmp_path / "j.db", writing=True) as journal:
        assert journal.commit([batch, batch]) == [True, False]
        assert journal.commit([batch]) == [False]
        assert journal.pending() == {"logs": 1}


def test_positions_are_never_used_twice(tmp_path):
    with Journal(tmp_path / "j.db", writing=True) as journal:
        journal.commit([ONE, ONE])
        journal.trim({"readings": 2}, {})
        journal.commit([ONE])
        assert positions(journal) == [3]
        journal.skip_to(10)
        journal.skip_to(5)
        journal.commit([ONE])
        assert positions(journal, after=3) == [11]


def test_a_full_journal_keeps_nothing_and_says_so(tmp_path):
    with Journal(tmp_path / "j.db", writing=True, max_bytes=100_000) as journal:
        while journal.held_bytes < 90_000:
            journal.commit([ONE])
        with pytest.raises(Overloaded, match="full"):
            journal.commit([ONE] * 20)
        held = journal.pending()["readings"]
        journal.trim({"readings": held}, {})
        assert journal.commit([ONE]) == [True]


def test_a_full_disk_keeps_nothing_and_says_so(tmp_path):
    with Journal(tmp_path / "j.db", writing=True) as journal:
        journal.commit([ONE])
        # SQLite answers a limit on its pages as it answers a full disk.
        journal._db.execute("PRAGMA max_page_count = 14")
        with pytest.raises(Overloaded, match="disk is full"):
            journal.commit([ONE] * 100)
        assert positions(journal) == [1]


def test_a_torn_end_of_the_log_takes_no_earlier_commit_with_it(tmp_path):
    path = tmp_path / "j.db"
    journal = Journal(path, writing=True)
    journal.commit([ONE])
    whole = (tmp_path / "j.db-wal").read_bytes()
    journal.commit([ONE])
    torn = (tmp_path / "j.db-wal").read_bytes()
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    for length, left in ((len(torn) - 1000, [1]), (len(torn), [1, 2]), (len(whole), [1])):
        (tmp_path / "copy.db-wal").write_bytes(torn[:length])
        with Journal(copy, writing=True) as survivor:
            assert positions(survivor) == left
        copy.write_bytes(path.read_bytes())
    journal.close()


def test_a_damaged_entry_is_told_by_file_and_place(tmp_path):
    with Journal(tmp_path / "j.db", writing=True) as journal:
        journal.commit([ONE, ONE])
        journal._db.execute("UPDATE entries SET frame = zeroblob(9) WHERE position = 2")
        with pytest.raises(DamagedEntry, match=r"j\.db: the entry at position 2 .*repair"):
            list(journal.entries("readings", 0))
        assert list(journal.damaged_positions()) == [2]
        assert journal.set_aside([2]) == 1
        assert positions(journal) == [1]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_journal_is_refused(tmp_path, content):
    (tmp_path / "j.db").write_bytes(content)
    with pytest.raises(Failure, match=r"j\.db: the journal cannot be opened"):
        Journal(tmp_path / "j.db")


def test_a_reader_sees_one_moment_while_the_writer_goes_on(tmp_path):
    with (
        Journal(tmp_path / "j.db", writing=True) as journal,
        Journal(tmp_path / "j.db") as reader,
    ):
        journal.commit([ONE])
        with reader.snapshot():
            journal.trim({"readings": 1}, {})
            assert positions(reader) == [1]
        assert positions(reader) == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.skip_to(1)


def test_a_second_writer_is_told_who_the_first_one_is(tmp_path):
    with (
        single_writer(tmp_path),
        pytest.raises(Failure, match=r"process \d+ writes"),
        single_writer(tmp_path),
    ):
        pass
    with single_writer(tmp_path):
        pass
