"""The same code on object storage: a stand-in for S3, as a process on this machine."""

import sys
import urllib.request
from datetime import timedelta

import pytest

from diagnose.telemetry import upkeep
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.reader import Reader
from diagnose.telemetry.tables import SCHEMAS, Tables, with_hour
from diagnose.telemetry.writer import open_writer
from tests.diagnose.telemetry.conftest import at, logs, readings
from tests.programs import LOCAL, free_port, listens, started, wait_until


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """Yield the address of an empty bucket; keys and endpoint are in the environment."""
    pytest.importorskip("moto", reason="OBJECT STORAGE IS NOT TESTED: moto is not installed")
    port = free_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{LOCAL}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    server = [sys.executable, "-m", "moto.server", "-H", LOCAL, "-p", str(port)]
    with started(server, tmp_path / "moto.log"):
        wait_until(lambda: listens(port), 60)
        make = urllib.request.Request(f"http://{LOCAL}:{port}/telemetry", method="PUT")
        urllib.request.urlopen(make, timeout=20).close()
        yield "s3://telemetry/site"


def test_what_was_acknowledged_is_on_object_storage_once(tmp_path, bucket):
    with open_writer(Keeping(tmp_path, bucket, 0.2), lambda stage, took: None) as writer:
        for second in range(5):
            batch = batch_of(readings((second, "db1", "cpu", 1.0)), logs((second, "db1", "a")))
            assert writer.append(batch).result()
            with Reader(bucket, tmp_path / "journal.db") as reader:
                assert reader.readings(at(0), at(9)).height == second + 1
                assert reader.logs(at(0), at(9)).height == second + 1
    elsewhere = Reader(bucket)  # on a machine that has no journal
    assert elsewhere.readings(at(1), at(3), {"db1"})["time"].to_list() == [at(1), at(2), at(3)]
    assert elsewhere.logs(at(0), at(9)).height == 5


def test_upkeep_works_there_too(bucket, monkeypatch):
    monkeypatch.setattr(upkeep, "FILES", 2)
    tables = Tables(bucket)
    for second in range(3):
        tables.append("logs", with_hour(logs((second, "db1", "a"))).select(list(SCHEMAS["logs"])))
    duties = upkeep.Upkeep(tables, timedelta(hours=1), vacuumed=at(9999))
    duties.run(at(0))
    assert len(tables.table("logs").file_uris()) == 1
    duties.run(at(3 * 3600))
    assert tables.table("logs").file_uris() == []
