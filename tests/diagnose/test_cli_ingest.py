import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from diagnose.cli import main
from diagnose.schema import READINGS
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.writer import open_writer

NOW = datetime.now(UTC)


@pytest.fixture
def aitia(tmp_path, monkeypatch, capsys):
    """Return how to run a command: its exit status, and what it wrote."""
    monkeypatch.setenv("AITIA_TELEMETRY__DIR", str(tmp_path / "telemetry"))
    monkeypatch.setenv("AITIA_STORE__URL", f"sqlite:///{tmp_path}/state.db")

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["aitia", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def kept(folder):
    moments = [NOW - timedelta(seconds=15 * step) for step in range(300)]
    rows = [(moment, "db1", "cpu", float(i % 5)) for i, moment in enumerate(moments)]
    with open_writer(Keeping(folder, f"{folder}/tables"), lambda stage, took: None) as writer:
        writer.append(batch_of(pl.DataFrame(rows, READINGS, orient="row"))).result()


def test_a_token_is_shown_once_listed_by_name_and_revoked(aitia, tmp_path):
    status, token, _ = aitia("ingest", "token", "add", "prometheus")
    assert (status, token[:6]) == (0, "aitia_")
    status, listed, _ = aitia("ingest", "token", "list", "-o", "json")
    (row,) = json.loads(listed)
    assert (row["name"], row["scope"]) == ("prometheus", "ingest")
    assert token.strip() not in (tmp_path / "telemetry" / "tokens.json").read_text() + listed
    assert aitia("ingest", "token", "add", "prometheus")[0] == 2
    assert "prometheus" in aitia("ingest", "token", "list")[1]
    assert aitia("ingest", "token", "revoke", "prometheus")[0] == 0
    status, _, told = aitia("ingest", "token", "revoke", "prometheus")
    assert (status, "there is no token prometheus" in told) == (2, True)
    assert "no tokens" in aitia("ingest", "token", "list")[1]


def test_a_file_of_tokens_that_is_damaged_is_told_without_its_content(aitia, tmp_path):
    (tmp_path / "telemetry").mkdir()
    (tmp_path / "telemetry" / "tokens.json").write_text('["aitia_pasted"]')
    status, _, told = aitia("ingest", "token", "list")
    assert status == 2
    assert "holds no list of tokens" in told
    assert "pasted" not in told


def test_damage_is_told_and_repaired(aitia, tmp_path):
    folder = tmp_path / "telemetry"
    kept(folder)
    assert aitia("ingest", "check")[:2] == (0, f"{folder}: fine\n")
    broken = next((folder / "tables" / "readings").rglob("*.parquet"))
    broken.write_bytes(b"")
    status, told, _ = aitia("ingest", "check", "-o", "json")
    assert status == 1
    assert json.loads(told)[0]["file"] == str(broken)
    assert broken.name[:20] in aitia("ingest", "check")[1]
    assert "are lost" in aitia("ingest", "repair")[1]
    assert aitia("ingest", "check")[0] == 0


def test_a_moment_of_an_entity_is_explained_from_what_was_kept(aitia, tmp_path):
    kept(tmp_path / "telemetry")
    at = (NOW - timedelta(minutes=5)).isoformat()
    asked = ("explain", "--at", at, "--entity", "db1", "--proposer", "none", "-o", "json")
    status, told, _ = aitia(*asked)
    assert status == 0
    assert json.loads(told)["root_causes"] == []
    for wrong in (("--at", at), ("--entity", "db1"), (), ("bundle", "--at", at, "--entity", "db1")):
        status, _, told = aitia("explain", *wrong)
        assert status == 2
        assert "--entity" in told


def test_the_last_minutes_are_recorded_as_a_bundle(aitia, tmp_path):
    kept(tmp_path / "telemetry")
    out = tmp_path / "bundle"
    status, told, _ = aitia("record", out, "--since", "30m", "--until", NOW.isoformat())
    assert (status, told) == (0, f"{out}: 121 readings, 0 log records\n")
    assert aitia("bundle", "check", out)[0] == 0
    status, _, told = aitia("record", out, "--since", "30 minutes")
    assert (status, "for example 90m" in told) == (2, True)


def test_where_nothing_was_kept_the_way_out_is_told(aitia, tmp_path):
    status, _, told = aitia("record", tmp_path / "bundle", "--since", "1h")
    assert (status, "start 'aitia ingest'" in told) == (2, True)
