"""``aitia predict disks`` as people call it, on fleets that these tests make up."""

import sys
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from diagnose.cli import main
from models.disks.forests import RECIPES
from models.disks.history import SMART
from models.disks.stored import TREES

FIRST = date(2020, 1, 1)
LEAKING = ("n_fails", "max_date", "max_hours", "tstop", "fails")


@pytest.fixture
def aitia(monkeypatch, capsys):
    """Call the command line; return its status and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["aitia", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.fixture(scope="module")
def fleet():
    """300 disks over 400 days; each row holds until the next one, as a site would keep it."""
    rng = np.random.default_rng(3)
    rows = []
    for number in range(300):
        later = rng.choice(np.arange(1, 9600), rng.integers(0, 12), replace=False)
        begins = [0, *sorted(map(int, later))]
        values = np.cumsum(rng.integers(0, 3, (len(begins), len(SMART))), axis=0).astype(float)
        for i, begin in enumerate(begins):
            last = i == len(begins) - 1
            rows.append(
                {
                    "serial_number": f"S{number:03}",
                    "model": "ST4000DM000" if number % 2 else None,
                    "manufacturer": "ST",
                    "n_fails": number % 3 == 0,
                    "size_tb": 4.0,
                    "min_date": FIRST,
                    "max_date": FIRST + timedelta(days=400),
                    "min_hours": 50,
                    "max_hours": 9650,
                    "tstart": 50 + begin,
                    "tstop": 9650 if last else 50 + begins[i + 1],
                    "fails": float(last and number % 3 == 0),
                    **dict(zip(SMART, map(float, values[i]), strict=True)),
                }
            )
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def cases(fleet):
    serials = fleet["serial_number"].unique().sort()
    moments = [datetime(2020, 3, 1), datetime(2020, 8, 9, 13)]  # noqa: DTZ001 - naive is UTC
    return pl.DataFrame({"serial_number": serials}).join(pl.DataFrame({"at": moments}), how="cross")


@pytest.fixture
def predicted(aitia, tmp_path):
    """Predict; return the table that was written."""

    def predict(history, cases):
        history.write_parquet(tmp_path / "history.parquet")
        cases.write_parquet(tmp_path / "cases.parquet")
        files = [tmp_path / f"{name}.parquet" for name in ("history", "cases", "out")]
        assert aitia("predict", "disks", *files)[0] == 0
        return pl.read_parquet(files[-1])

    return predict


def test_every_case_gets_probabilities_that_grow_with_the_horizon(predicted, fleet, cases):
    marked = cases.with_columns(ticket=pl.int_range(pl.len())).reverse()
    found = predicted(fleet, marked)
    assert found.drop("p_24h", "p_7d", "p_30d", "basis").equals(marked)
    day, week, month = (found[name].to_numpy() for name in ("p_24h", "p_7d", "p_30d"))
    assert (day > 0).all()
    assert (day <= week).all()
    assert (week <= month).all()
    assert (month < 1).all()
    assert found["basis"].unique().to_list() == ["history"]


def test_nothing_later_and_nothing_that_leaks_is_seen(predicted, fleet, cases):
    moment = cases["at"].max()
    cases = cases.filter(pl.col("at") == moment)
    plain = predicted(fleet, cases)
    began = pl.col("min_date").cast(pl.Datetime("us")) + pl.duration(
        hours=pl.col("tstart") - pl.col("min_hours")
    )
    later = began > moment
    poisoned = fleet.with_columns(
        *(pl.when(later).then(9999.0).otherwise(pl.col(name)).alias(name) for name in SMART),
        pl.when(later).then(pl.lit("POISON")).otherwise("model").alias("model"),
        n_fails=pl.lit(1),
        max_date=date(1999, 1, 1),
        max_hours=-1,
        tstop=0,
        fails=1.0,
    )
    assert predicted(poisoned, cases).equals(plain)
    assert predicted(fleet.filter(~later).drop(LEAKING), cases).equals(plain)


def test_who_has_no_history_gets_the_rate_of_the_fleet_and_is_marked(predicted, fleet, cases):
    unknown = cases.head(3).with_columns(
        serial_number=pl.Series(["NOBODY", "S000", "S000"]),
        at=pl.Series([datetime(2020, 3, 1), datetime(2019, 3, 1), datetime(2020, 3, 1)]),  # noqa: DTZ001
    )
    found = predicted(fleet, unknown)
    assert found["basis"].to_list() == ["base rate", "base rate", "history"]
    assert found["p_30d"][0] == found["p_30d"][1]
    assert 0 < found["p_24h"][0] < found["p_7d"][0] < found["p_30d"][0] < 0.05
    alone = predicted(fleet.clear(), unknown)
    assert alone["p_30d"].to_list() == [found["p_30d"][0]] * 3


def test_a_moment_counts_in_utc_whatever_zone_it_is_in(predicted, fleet, cases):
    zone = timezone(timedelta(hours=2))
    assert datetime(2020, 3, 1, 2, tzinfo=zone) == datetime(2020, 3, 1, tzinfo=UTC)
    there = cases.with_columns(
        pl.col("at").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Athens")
    )
    assert predicted(fleet, there)["p_7d"].equals(predicted(fleet, cases)["p_7d"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop("smart_187"), "no column smart_187"),
        (lambda t: t.with_columns(tstart=pl.lit("soon")), "column tstart is String"),
        (lambda t: t.with_columns(smart_5=pl.lit(-1.0)), "smart_5 is no count in row 1"),
        (lambda t: _at(t, "smart_197", 4, float("inf")), "smart_197 is no count in row 5"),
        (lambda t: _at(t, "min_date", 2, None), "min_date is empty in row 3 (1 such rows)"),
        (lambda t: _at(t, "serial_number", 0, None), "serial_number is empty in row 1"),
    ],
)
def test_a_history_that_cannot_be_read_is_refused(aitia, tmp_path, fleet, cases, change, told):
    change(fleet).write_parquet(tmp_path / "h")
    cases.write_parquet(tmp_path / "c")
    out = tmp_path / "out"
    out.write_text("the old answer")
    status, said = aitia("predict", "disks", tmp_path / "h", tmp_path / "c", out)
    assert status == 2
    assert told in said
    assert said.startswith("aitia: error:")
    assert out.read_text() == "the old answer"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop("at"), "no column at"),
        (lambda t: t.with_columns(at=pl.lit("2020-03-01")), "column at is String"),
        (lambda t: t.with_columns(serial_number=pl.lit(7)), "column serial_number is Int32"),
        (lambda t: _at(t, "at", 6, None), "at is empty in row 7"),
        (lambda t: t.with_columns(p_7d=pl.lit(0.5)), "has a column p_7d already"),
    ],
)
def test_cases_that_cannot_be_read_are_refused(aitia, tmp_path, fleet, cases, change, told):
    fleet.write_parquet(tmp_path / "h")
    change(cases).write_parquet(tmp_path / "c")
    status, said = aitia("predict", "disks", tmp_path / "h", tmp_path / "c", tmp_path / "out")
    assert status == 2
    assert told in said
    assert not (tmp_path / "out").exists()


def test_what_is_no_parquet_and_what_cannot_be_written_are_said(aitia, tmp_path, fleet, cases):
    cases.write_parquet(tmp_path / "c")
    fleet.write_parquet(tmp_path / "h")
    (tmp_path / "text").write_text("serial_number,at")
    away = tmp_path / "nowhere" / "out"
    told = [
        aitia("predict", "disks", tmp_path / first, tmp_path / "c", out)
        for first, out in (("gone", "out"), ("text", "out"), ("h", away))
    ]
    assert [status for status, _ in told] == [2, 2, 2]
    assert "no file" in told[0][1]
    assert "no Parquet file" in told[1][1]
    assert "cannot be written" in told[2][1]


def test_a_model_that_is_none_is_said(aitia, tmp_path, fleet, cases):
    fleet.write_parquet(tmp_path / "h")
    cases.write_parquet(tmp_path / "c")
    arguments = [tmp_path / "h", tmp_path / "c", tmp_path / "out", "--model", tmp_path]
    assert "no disk model" in aitia("predict", "disks", *arguments)[1]
    (tmp_path / "card.json").write_text("{}")
    for recipe in RECIPES:
        (tmp_path / TREES.format(recipe.name)).write_text("")
    assert "is damaged" in aitia("predict", "disks", *arguments)[1]


def _at(table, column, row, value):
    """Return ``table`` with one cell replaced."""
    return table.with_columns(
        pl.when(pl.int_range(pl.len()) == row)
        .then(pl.lit(value, table.schema[column]))
        .otherwise(pl.col(column))
        .alias(column)
    )
