"""Every recorded bundle is complete, small, honest about time, and names a truth that it shows."""

import json
import statistics
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FOLDER = Path(__file__).parent
BUNDLES = sorted(path.parent for path in FOLDER.glob("*/incident.json"))
TIME = pl.Datetime("us", "UTC")
READINGS = {"time": TIME, "entity": pl.String, "signal": pl.String, "value": pl.Float64}
LOGS = {
    "time": TIME,
    "entity": pl.String,
    "severity": pl.String,
    "body": pl.String,
    "attributes": pl.String,
}


def times(table: pl.DataFrame) -> list[datetime]:
    found: list[datetime] = table["time"].to_list()
    return found


def content(bundle: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / f"{name}.json").read_text())
    return found


@pytest.fixture(params=BUNDLES, ids=lambda path: path.name)
def bundle(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_tables_have_their_schema_and_nothing_later_than_as_of(bundle: Path) -> None:
    incident = content(bundle, "incident")
    as_of = datetime.fromisoformat(incident["as_of"])
    alert_time = datetime.fromisoformat(incident["alert_time"])
    assert timedelta(minutes=1) <= as_of - alert_time <= timedelta(minutes=2)
    for name, schema in (("metrics", READINGS), ("logs", LOGS)):
        table = pl.read_parquet(bundle / f"{name}.parquet")
        assert dict(table.schema) == schema
        assert max(times(table)) <= as_of
        assert min(times(table)) <= alert_time - timedelta(minutes=4, seconds=50)


def test_readings_are_sorted_finite_and_unique(bundle: Path) -> None:
    table = pl.read_parquet(bundle / "metrics.parquet")
    keys = ["entity", "signal", "time"]
    assert table.select(keys).equals(table.select(keys).sort(keys))
    assert not table.select(keys).is_duplicated().any()
    assert table["value"].is_finite().all()
    assert 80 <= table.select("entity", "signal").n_unique() <= 200


def test_attributes_are_json_and_bodies_free_of_temporary_paths(bundle: Path) -> None:
    table = pl.read_parquet(bundle / "logs.parquet")
    for text in table["attributes"].unique():
        assert isinstance(json.loads(text), dict)
    assert not table["body"].str.contains(r"/tmp/|aitia|\bfault").any()


def test_truth_and_symptom_are_in_the_telemetry(bundle: Path) -> None:
    incident, truth = content(bundle, "incident"), content(bundle, "truth")
    table = pl.read_parquet(bundle / "metrics.parquet", columns=["entity", "signal"]).unique()
    seen = set(table.rows())
    named = [incident["symptom"]] if incident["symptom"] else []
    for cause in truth["root_causes"]:
        assert cause["entity"] in table["entity"].to_list()
        signals = [cause["signal"], *cause.get("also", [])]
        named += [{"entity": cause["entity"], "signal": one} for one in signals if one]
    assert {(one["entity"], one["signal"]) for one in named} <= seen


def test_the_symptom_of_an_incident_stands_out_after_the_fault(bundle: Path) -> None:
    incident, truth = content(bundle, "incident"), content(bundle, "truth")
    if not truth["root_causes"]:
        pytest.skip("healthy")
    symptom = incident["symptom"]
    table = pl.read_parquet(bundle / "metrics.parquet").filter(
        entity=symptom["entity"], signal=symptom["signal"]
    )
    fault_time = datetime.fromisoformat(truth["fault_time"])
    fired = datetime.fromisoformat(incident["alert_time"]) - timedelta(seconds=5)
    usual = table.filter(pl.col("time") < fault_time)["value"].to_list()
    then = table.filter(pl.col("time") >= fired)["value"].to_list()
    assert statistics.median(then) > 2 * statistics.quantiles(usual, n=20)[-1]


def test_a_bundle_is_small(bundle: Path) -> None:
    assert sum(file.stat().st_size for file in bundle.iterdir()) < 1_000_000
