"""``aitia train predictor`` on a fleet whose disks announce their failures."""

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from diagnose.cli import main
from diagnose.disks import predict
from diagnose.evaluation.accuracy import Estimate
from diagnose.evaluation.disk_scores import (
    calibration_error,
    gained,
    precision_at_recall,
    ranked,
    score,
)
from diagnose.failure import Failure
from diagnose.training import disks as train_disks
from diagnose.training.disks import DiskTraining, Fleet, train
from models.disks import forests
from models.disks.cases import trials
from models.disks.forests import RECIPES
from models.disks.history import COLUMNS, SMART
from models.disks.outcomes import COLUMNS as OUTCOMES
from models.disks.outcomes import EDGES
from models.disks.stored import ENCODER, TREES, load

FIRST = date(2020, 1, 1)
DAYS = 400


def rows():
    """Return 600 disks; a fifth fails, most of them weeks after pending sectors appear."""
    rng = np.random.default_rng(5)
    for number in range(600):
        fails = number % 5 == 0
        end = int(rng.integers(60, DAYS)) * 24 if fails else DAYS * 24
        begins = [0, *([end - 24 * int(rng.integers(2, 40))] if fails and number % 20 else [])]
        if not fails and number % 30 == 1:
            begins.append(end // 2)  # pending sectors that announce nothing
        for i, begin in enumerate(begins):
            last = i == len(begins) - 1
            yield {
                "serial_number": f"S{number}",
                "model": "M",
                "size_tb": 1.0,
                "min_date": FIRST,
                "min_hours": 0,
                "tstart": begin,
                "tstop": end if last else begins[i + 1],
                "fails": float(fails and last),
                **dict.fromkeys(SMART, 0.0),
                "smart_197": 8.0 * i,
            }


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    """Grow as few trees, and read as few weeks, as tell what announces a failure here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.disks.sequences.WEEKS", 4)
        patch.setattr(forests, "RECIPES", tuple(replace(one, trees=150) for one in RECIPES))
        yield


@pytest.fixture(scope="module")
def history():
    return pl.DataFrame(list(rows()), pl.Schema([*COLUMNS.items(), *OUTCOMES.items()]))


@pytest.fixture(scope="module")
def trained(history, tmp_path_factory):
    """A whole run: the folder of its model, and its card."""
    out = tmp_path_factory.mktemp("model")
    card = train(history, out, out / "unfinished", lambda done, of: None)
    return out, card


def test_it_learns_what_announces_a_failure(trained, history):
    out, card = trained
    for split in ("by_disk", "by_time"):
        week = card[split]["scores"]["p_7d"]
        assert week["model"]["average_precision"]["value"] > 0.1
        chance = week["model"]["failures"] / week["model"]["cases"]
        assert week["model"]["average_precision"]["low"] > chance
        assert week["model"]["said"] == pytest.approx(chance, rel=0.6)  # of 15 failures by time
    assert next(iter(card["importance"])).startswith("smart_197")
    model, kept = load(out)
    assert kept == json.loads(json.dumps(card))
    late = FIRST + timedelta(days=DAYS - 1)
    asked = pl.DataFrame({"serial_number": ["S1", "S2"], "at": [late, late]})
    told = predict(model, history, asked)
    assert told["p_30d"][1] < 0.05


def test_the_card_says_on_what_and_with_what(trained, history):
    _, card = trained
    assert (card["rows"], card["disks"], card["failures"]) == (history.height, 600, 120)
    assert set(card["versions"]) == {"aitia", "lightgbm", "numpy", "polars"}
    assert card["by_time"]["learned_before"] > str(FIRST)


def test_the_card_says_whether_the_encoder_joins(trained):
    out, card = trained
    told = card["sequence_encoder"]
    assert told["joins"] == (told["gained"]["low"] > 0)
    assert (load(out)[0].encoder is not None) == told["joins"]
    assert (out / ENCODER).exists() == told["joins"]


def test_an_encoder_that_helps_is_kept_with_the_model(history, tmp_path, monkeypatch):
    monkeypatch.setattr(train_disks, "gained", lambda *_: Estimate(0.1, 0.05, 0.2))
    monkeypatch.setattr(train_disks, "FOLDS", 2)
    card = train(history, tmp_path, tmp_path / "unfinished", lambda done, of: None)
    assert card["sequence_encoder"]["joins"]
    model, _ = load(tmp_path)
    assert model.encoder is not None
    asked = pl.DataFrame({"serial_number": ["S1"], "at": [FIRST + timedelta(days=DAYS - 1)]})
    assert 0 < predict(model, history, asked)["p_30d"][0] < 1
    (tmp_path / ENCODER).write_bytes(b"\x08" + bytes(40))
    with pytest.raises(Failure, match="damaged"):
        load(tmp_path)


def test_a_run_that_was_cut_off_goes_on_and_ends_the_same(trained, history, tmp_path):
    class PowerCut(Exception):  # noqa: N818
        pass

    def cut(done, of):
        if done == 2:
            raise PowerCut

    work = tmp_path / "unfinished"
    with pytest.raises(PowerCut):
        train(history, tmp_path, work, cut)
    kept = {file: file.stat().st_mtime_ns for file in work.rglob("*fold-*.json")}
    assert len(kept) == 2  # of the first fold, with an encoder and without
    after = {}

    def look(done, of):
        after.update({file: file.stat().st_mtime_ns for file in work.rglob("*fold-*.json")})

    train(history, tmp_path, work, look)
    assert kept.items() <= after.items()
    for recipe in RECIPES:
        name = TREES.format(recipe.name)
        assert (tmp_path / name).read_text() == (trained[0] / name).read_text()
    assert not list(work.rglob("*.json"))


def test_a_repaired_disk_is_censored_and_no_negative(history):
    plain = Fleet.of(history)
    warned = history.filter((pl.col("smart_197") > 0) & (pl.col("fails") > 0))
    moments = pl.col("min_date").cast(pl.Datetime("us")) + pl.duration(hours="tstart")
    repairs = warned.select(entity="serial_number", time=moments)[:30]
    late = pl.DataFrame({"entity": ["S0", "no disk"], "time": [datetime(2030, 1, 1)] * 2})  # noqa: DTZ001
    early = late.with_columns(entity=pl.lit("S5"), time=pl.lit(datetime(2000, 1, 1)))  # noqa: DTZ001
    every = [table.cast(repairs.schema) for table in (repairs, late, early)]
    fleet = Fleet.of(history, pl.concat(every))
    assert fleet.repaired == 30
    assert fleet.key != plain.key
    mine = fleet.history.numbers(repairs["entity"].to_numpy().astype(str))
    assert not fleet.outcomes.failed[mine].any()
    assert fleet.outcomes.failed.sum() == plain.outcomes.failed.sum() - 30
    told = trials(fleet.outcomes, fleet.cases)
    disk, at = (array[told.case] for array in (fleet.cases.disk, fleet.cases.at))
    ends = at + np.array(EDGES[1:])[told.interval]
    assert (ends <= fleet.outcomes.end[disk])[np.isin(disk, mine)].all()


def test_too_few_failures_teach_nothing(history, tmp_path):
    few = history.with_columns(fails=pl.lit(0.0))
    with pytest.raises(Failure, match="0 disks failed"):
        train(few, tmp_path, tmp_path, lambda done, of: None)
    with pytest.raises(Failure, match="empty"):
        train(history.clear(), tmp_path, tmp_path, lambda done, of: None)


def test_the_command_says_how_well_it_does(history, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_disks, "FOLDS", 2)
    monkeypatch.setattr(DiskTraining, "try_encoder", lambda _: Estimate(0.0, 0.0, 0.0))
    history.write_parquet(tmp_path / "h")
    repairs = pl.DataFrame(
        {"entity": ["S5", "fan"], "time": [datetime(2020, 2, 1, tzinfo=UTC)] * 2}
    )
    repairs.write_parquet(tmp_path / "r")
    options = ["--split", "2020-09-01", "--repairs", tmp_path / "r"]
    arguments = ["train", "predictor", tmp_path / "h", tmp_path / "m", *options]
    monkeypatch.setattr(sys, "argv", ["aitia", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "disks not seen" in out
    assert "time not seen" in out
    card = load(tmp_path / "m")[1]
    assert card["by_time"]["learned_before"] == "2020-09-01"
    assert card["censored_by_repair"] == 1


def cases(probability, failed, disk=None):
    """Return cases in the order of suspicion."""
    size = len(failed)
    disks = np.arange(size) if disk is None else np.array(disk)
    days = np.where(failed, 3.0, np.inf)
    return ranked(disks, np.array(failed, bool), np.array(probability, float), days)


def test_scores_of_small_rankings_are_those_by_hand():
    found = score(cases([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]), np.random.default_rng(0))
    assert found.average_precision.value == pytest.approx((1 + 2 / 3) / 2)
    assert found.failures == 2
    assert precision_at_recall(cases([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]), 1.0) == 2 / 3


def test_a_gain_is_certain_only_where_many_disks_agree():
    rng = np.random.default_rng(3)
    failed = rng.random(4000) < 0.05
    good, bad = (failed * shift + rng.normal(size=4000) for shift in (2.0, 1.0))
    gain = gained(cases(good, failed), cases(bad, failed), np.random.default_rng(0))
    assert 0 < gain.low < gain.value < gain.high
    none = gained(cases(bad, failed), cases(bad, failed), np.random.default_rng(0))
    assert (none.low, none.value, none.high) == (0, 0, 0)
    few = gained(cases(good[:60], failed[:60]), cases(bad[:60], failed[:60]), rng)
    assert few.low <= 0


def test_equal_probabilities_share_a_threshold():
    """Whatever the order of the rows, a predictor that says one thing to all scores as chance."""
    for failed in ([1, 0, 0, 0], [0, 0, 0, 1]):
        found = score(cases([0.5] * 4, failed), np.random.default_rng(0))
        assert found.average_precision.value == 0.25
        assert found.recall_at_budget.value == pytest.approx(0.01)


def test_the_interval_counts_disks_and_not_cases():
    rng = np.random.default_rng(2)
    risk, failed = rng.random(200), rng.random(200) < 0.2
    once = score(cases(risk, failed), np.random.default_rng(0)).average_precision
    often = score(
        cases(np.repeat(risk, 9), np.repeat(failed, 9), np.repeat(np.arange(200), 9)),
        np.random.default_rng(0),
    ).average_precision
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.3)


def test_what_is_said_and_happens_has_no_error():
    rng = np.random.default_rng(4)
    risk = rng.random(50_000)
    failed = rng.random(50_000) < risk
    ones = np.ones(50_000)
    assert calibration_error(cases(risk, failed), ones) < 0.02
    assert calibration_error(cases(risk / 2, failed), ones) == pytest.approx(0.5, abs=0.02)
