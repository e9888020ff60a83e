"""Journal, tables and reader together: each record once, whatever moves where in between."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.schema import EDGES, Failure
from diagnose.telemetry import upkeep
from diagnose.telemetry.reader import Reader
from tests.diagnose.telemetry.conftest import Kept, at, logs, readings

STEPS = st.lists(
    st.one_of(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1, 3599, 3600, 90_000]),
                st.sampled_from(["db1", "web"]),
                st.sampled_from(["cpu", "mem"]),
                st.integers(0, 9).map(float),
            ),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from(["flush", "upkeep", "reopen"]),
    ),
    max_size=12,
)


@settings(max_examples=12)
@given(STEPS)
def test_a_reading_counts_once_and_the_later_value_wins(steps):
    expected: dict[tuple[object, ...], float] = {}
    lines: Counter[tuple[object, ...]] = Counter()
    with TemporaryDirectory() as folder:
        kept = Kept(Path(folder))
        for step in steps:
            if step == "flush":
                kept.flusher.flush()
            elif step == "upkeep":
                kept.upkeep.run(at(100_000))
            elif step == "reopen":
                kept.close()
                kept = Kept(Path(folder))
            else:
                kept.append(readings(*step), logs(*((s, e, f"{g}") for s, e, g, _ in step)))
                expected |= {(at(s), e, g): value for s, e, g, value in step}
                lines.update((at(s), e, g) for s, e, g, _ in step)
            found = kept.read()
            assert {row[:3]: row[3] for row in found} == expected
            assert len(found) == len(expected)
            told = Counter((row[0], row[1], row[3]) for row in kept.read("logs"))
            assert told == lines
        assert kept.read(entities={"db1"}) == [row for row in kept.read() if row[1] == "db1"]
        kept.close()


def test_two_equal_lines_of_one_moment_are_two_lines(kept):
    twice = logs((0, "db1", "again"), (0, "db1", "again"))
    assert kept.append(twice, key=b"1")
    assert not kept.append(twice, key=b"1")
    kept.flusher.flush()
    assert len(kept.read("logs")) == 2


def test_what_was_acknowledged_a_moment_ago_is_in_an_answer(kept):
    reader = kept.reader()
    kept.append(readings((0, "db1", "cpu", 1.0)))
    assert reader.readings(at(0), at(0)).height == 1
    kept.flusher.flush()
    kept.append(readings((1, "db1", "cpu", 2.0)))
    assert reader.readings(at(0), at(1))["value"].to_list() == [1.0, 2.0]
    assert reader.series().rows() == [("db1", "cpu")]
    reader.close()


def test_an_edge_that_is_seen_often_is_kept_once_an_hour(kept):
    for second in (0, 10, 20, 3600):
        edge = (at(second), "web", "db1", "procfs")
        kept.append(pl.DataFrame([edge], EDGES, orient="row"))
    kept.flusher.flush()
    table = pl.read_parquet(kept.tables.table("edges").file_uris(), hive_partitioning=False)
    assert sorted(table["time"]) == [at(20), at(3600)]
    with kept.reader() as reader:
        assert reader.edges(at(0), at(9999)).rows() == [(at(3600), "web", "db1", "procfs")]


def test_upkeep_makes_one_file_of_an_hour_and_forgets_what_is_old(kept, monkeypatch):
    monkeypatch.setattr(upkeep, "VERSIONS", 5)
    for second in range(upkeep.FILES + 1):
        kept.append(readings((second, "db1", "cpu", float(second))), logs((second, "db1", "a")))
        kept.flusher.flush()
    before = kept.read()
    kept.upkeep.run(at(upkeep.FILES))
    assert len(kept.tables.table("readings").file_uris()) == 1
    assert kept.read() == before
    kept.upkeep.retention = timedelta(hours=1)
    kept.upkeep.run(at(3 * 3600))
    assert kept.read() == kept.read("logs") == []
    log = kept.folder / "tables" / "readings" / "_delta_log"
    assert (log / "_last_checkpoint").exists()


def test_a_reader_goes_on_with_files_that_were_compacted_meanwhile(kept):
    for second in range(upkeep.FILES + 1):
        kept.append(readings((second, "db1", "cpu", float(second))))
        kept.flusher.flush()
    files = kept.tables.table("readings").file_uris()
    kept.upkeep.run(at(0))
    assert pl.read_parquet(files, hive_partitioning=False).height == upkeep.FILES + 1


def test_a_lost_journal_is_replaced_by_one_whose_values_win(kept):
    kept.append(readings((0, "db1", "cpu", 1.0)), readings((1, "db1", "cpu", 1.0)))
    kept.flusher.flush()
    kept.close()
    for file in kept.folder.glob("journal.db*"):
        file.unlink()
    fresh = Kept(kept.folder)
    fresh.append(readings((0, "db1", "cpu", 2.0)))
    assert [row[3] for row in fresh.read()] == [2.0, 1.0]
    fresh.flusher.flush()
    assert [row[3] for row in fresh.read()] == [2.0, 1.0]
    fresh.close()


def test_where_nothing_was_kept_a_reader_says_what_to_do(tmp_path):
    with pytest.raises(Failure, match=r"holds no telemetry \(start 'aitia ingest'"):
        Reader(str(tmp_path), tmp_path / "journal.db")


def test_an_hour_that_does_not_fit_into_memory_is_sorted_in_parts(kept, monkeypatch):
    monkeypatch.setattr(upkeep, "SORTED", 20)
    for second in range(2 * upkeep.FILES):
        kept.append(readings((0, "db1", "cpu", float(second)), (second, "db1", "mem", 1.0)))
        kept.flusher.flush()
    before = kept.read()
    for _ in range(2):
        kept.upkeep.run(at(9999))
        files = kept.tables.table("readings").file_uris()
        parts = [pl.read_parquet(file, hive_partitioning=False) for file in files]
        assert len(parts) < upkeep.FILES
        assert max(part.height for part in parts) <= 20
        assert all(part.equals(part.sort("series", "time")) for part in parts)
        assert kept.read() == before  # the later value still wins
    kept.append(readings((0, "db1", "cpu", -1.0)))
    assert kept.read()[0][3] == -1.0
    kept.flusher.flush()
    assert kept.read()[0][3] == -1.0


@given(st.lists(st.integers(1, 9), min_size=4, max_size=12), st.integers(4, 30))
@settings(max_examples=12)
def test_whatever_is_joined_every_reading_is_there_once(sizes, most):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "SORTED", most)
        patch.setattr(upkeep, "FILES", 3)
        kept, begin = Kept(Path(folder)), 0
        for place, size in enumerate(sizes):
            rows = [(begin + i, f"db{i % 3}", "cpu", float(i)) for i in range(size)]
            kept.append(readings(*rows))
            kept.flusher.flush()
            begin += size
            if place % 4 == 3:
                kept.upkeep.run(at(0))
        found = kept.read()
        assert len(found) == sum(sizes)
        assert len({row[0] for row in found}) == sum(sizes)
        kept.close()
