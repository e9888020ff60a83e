from pathlib import Path

import pytest

from diagnose.schema import Failure
from diagnose.telemetry.damage import check, repair
from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.settle import settle
from diagnose.telemetry.writer import open_writer
from tests.diagnose.telemetry.conftest import Kept, logs, readings


def filled(folder, flushes=3):
    kept = Kept(folder)
    for second in range(flushes):
        kept.append(readings((second, "db1", "cpu", float(second))), logs((second, "db1", "a")))
        kept.flusher.flush()
    kept.append(readings((flushes, "db1", "cpu", 1.0)))
    kept.close()
    return kept


def files(folder, table="readings"):
    return sorted((folder / "tables" / table).rglob("*.parquet"))


def commits(folder, table="readings"):
    return sorted((folder / "tables" / table / "_delta_log").glob("*.json"))


def read(folder):
    kept = Kept(folder)
    rows = kept.read()
    kept.close()
    return rows


def test_sound_telemetry_has_no_damage(tmp_path):
    filled(tmp_path)
    assert check(tmp_path) == ()
    assert repair(tmp_path) == ()


@pytest.mark.parametrize("harm", [lambda f: f.unlink(), lambda f: f.write_bytes(b"PAR1" * 99)])
def test_a_damaged_file_of_a_table_is_named_and_taken_out(tmp_path, harm):
    filled(tmp_path)
    broken = files(tmp_path)[0]
    harm(broken)
    (found,) = check(tmp_path)
    assert Path(found.file) == broken
    assert "aitia ingest repair" in found.way_out
    kept = Kept(tmp_path)
    with kept.reader() as reader, pytest.raises(Failure, match="aitia ingest check"):
        reader.readings(*(row[0] for row in kept.read("logs")[::2]))
    kept.close()
    (told,) = repair(tmp_path)
    assert "1 records are lost" in told
    assert check(tmp_path) == ()
    assert len(read(tmp_path)) == 3


def test_flipped_bits_in_a_file_are_found(tmp_path):
    filled(tmp_path)
    broken = files(tmp_path)[0]
    content = bytearray(broken.read_bytes())
    content[30:60] = bytes(byte ^ 255 for byte in content[30:60])
    broken.write_bytes(content)
    (found,) = check(tmp_path)
    assert Path(found.file) == broken


def test_a_damaged_entry_of_a_tables_log_is_replaced_by_an_empty_one(tmp_path):
    filled(tmp_path)
    commits(tmp_path)[2].write_text('{"add": ')
    (found,) = check(tmp_path)
    assert Path(found.file) == commits(tmp_path)[2]
    repair(tmp_path)
    assert check(tmp_path) == ()
    assert len(read(tmp_path)) == 3


def test_a_damaged_journal_is_put_aside_and_what_it_still_says_is_kept(tmp_path):
    filled(tmp_path)
    journal = tmp_path / "journal.db"
    content = bytearray(journal.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    journal.write_bytes(content)
    found = check(tmp_path)
    assert {Path(one.file) for one in found} == {journal}
    with (
        pytest.raises(Failure, match="aitia ingest repair"),
        open_writer(Keeping(tmp_path, f"{tmp_path}/tables"), lambda stage, took: None),
    ):
        pass
    assert any("was damaged" in sentence for sentence in repair(tmp_path))
    assert check(tmp_path) == ()
    assert len(read(tmp_path)) >= 3


def test_a_damaged_entry_of_the_journal_stops_the_writer_until_it_is_set_aside(tmp_path):
    kept = filled(tmp_path)
    broken = Kept(tmp_path)
    broken.journal._db.execute("UPDATE entries SET checksum = 1")
    broken.close()
    keeping = Keeping(tmp_path, f"{tmp_path}/tables")
    with (
        pytest.raises(Failure, match=r"position \d+ is damaged .*repair"),
        open_writer(keeping, lambda stage, took: None),
    ):
        pass
    (told,) = repair(kept.folder)
    assert "1 entries (1 records) were set aside" in told
    with open_writer(keeping, lambda stage, took: None):
        pass
    assert len(read(tmp_path)) == 3


def test_a_running_writer_is_not_repaired(tmp_path):
    with (
        open_writer(Keeping(tmp_path, f"{tmp_path}/tables"), lambda stage, took: None),
        pytest.raises(Failure, match="writes this telemetry already"),
    ):
        repair(tmp_path)


def test_a_torn_commit_that_was_not_synced_is_taken_back(tmp_path):
    filled(tmp_path)
    commits(tmp_path)[-1].write_bytes(b"")
    synced = {"readings": 2}
    (told,) = settle(tmp_path / "tables", synced)
    assert "taken back" in told
    assert len(commits(tmp_path)) == 3


def test_a_torn_checkpoint_is_forgotten(tmp_path):
    filled(tmp_path)
    kept = Kept(tmp_path)
    kept.tables.table("readings").create_checkpoint()
    kept.close()
    log = tmp_path / "tables" / "readings" / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    checkpoint.write_bytes(b"")
    assert len(settle(tmp_path / "tables", {})) == 1
    assert len(read(tmp_path)) == 4
