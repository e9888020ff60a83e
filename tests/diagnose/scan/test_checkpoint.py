"""How far a scan is, across the death of the process that carries it out."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from diagnose.scan import checkpoint as module
from diagnose.scan.checkpoint import Checkpoint
from diagnose.scan.shards import Expected, Finding, Screened, Shard
from diagnose.schema import Node, Prediction
from diagnose.settings.sections import StoreSection
from diagnose.tables import FINDINGS, PREDICTIONS, SCANS
from tests.diagnose.foretold import foretold
from tests.programs import wait_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHARDS = [Shard(number, (f"web{number}a", f"web{number}b"), (1, 9)) for number in range(4)]


def finding(host, symptom=None, moment=NOON, incident=None):
    foreseen = Prediction(host, "disk-full", 0.5, 60.0, moment)
    return Finding(host, moment, (Expected(foreseen),), symptom=symptom, incident=incident)


@pytest.fixture
def section(tmp_path):
    return StoreSection(url=f"sqlite:///{tmp_path / 'state.db'}")


@pytest.fixture
def checkpoint(section):
    with Checkpoint.opened(section) as checkpoint:
        yield checkpoint


def test_a_scan_is_carried_on_with_the_shards_that_are_missing(checkpoint):
    first = checkpoint.begin("all", NOON, SHARDS, "kept")
    assert (first.pending, first.shards, first.resumed) == (tuple(SHARDS), 4, False)
    checkpoint.done(first, Screened(1, (finding("web1a"),), ("web1b",)))
    again = checkpoint.begin("all", NOON + timedelta(minutes=10), SHARDS, "kept")
    assert (again.id, again.moment, again.resumed) == (first.id, NOON, True)
    assert [shard.number for shard in again.pending] == [0, 2, 3]
    (done,) = checkpoint.screened(again)
    assert (done.shard, done.findings, done.unseen) == (1, (), ("web1b",))
    assert checkpoint.findings(again) == (finding("web1a"),)


@pytest.mark.parametrize(
    ("group", "minutes", "shards", "source"),
    [
        ("other", 1, SHARDS, "kept"),
        ("all", 31, SHARDS, "kept"),
        ("all", 1, SHARDS[1:], "kept"),
        ("all", 1, SHARDS, "prometheus"),
    ],
)
def test_another_group_a_later_day_other_hosts_or_another_source_are_another_scan(
    checkpoint, group, minutes, shards, source
):
    first = checkpoint.begin("all", NOON, SHARDS, "kept")
    other = checkpoint.begin(group, NOON + timedelta(minutes=minutes), shards, source)
    assert (other.id == first.id, other.resumed) == (False, False)


def test_what_another_version_wrote_in_another_form_is_begun_anew(checkpoint, monkeypatch):
    monkeypatch.setattr(module, "_FORM", "of an earlier version")
    first = checkpoint.begin("all", NOON, SHARDS, "kept")
    monkeypatch.undo()
    again = checkpoint.begin("all", NOON + timedelta(minutes=1), SHARDS, "kept")
    assert (again.id == first.id, again.resumed, again.pending) == (False, False, tuple(SHARDS))


def test_a_scan_that_is_finished_is_not_carried_on(checkpoint):
    first = checkpoint.begin("all", NOON, SHARDS, "kept")
    checkpoint.finish(first)
    later = checkpoint.begin("all", NOON + timedelta(minutes=5), SHARDS, "kept")
    assert not later.resumed


def test_what_is_done_twice_is_there_once(checkpoint, section):
    for _ in range(2):
        scan = checkpoint.begin("all", NOON, SHARDS, "kept")
        for _ in range(2):
            checkpoint.done(scan, Screened(0, (finding("web0a"),)))
            checkpoint.add(scan, finding("gone"))
        checkpoint.finish(scan)
    assert [one.host for one in checkpoint.findings(scan)] == ["gone", "web0a"]
    assert sorted(one.entity for one in foretold(section.url)) == ["gone", "web0a"]


def test_predictions_of_a_host_in_trouble_wait_for_its_explanation(checkpoint, section):
    scan = checkpoint.begin("all", NOON, SHARDS, "kept")
    ill = finding("web0a", Node("web0a", "cpu"))
    checkpoint.done(scan, Screened(0, (ill,)))
    assert foretold(section.url) == ()
    checkpoint.explained(scan, ill)
    assert [one.entity for one in foretold(section.url)] == ["web0a"]


def test_trouble_that_lasts_is_one_incident(checkpoint):
    scan = checkpoint.begin("all", NOON, SHARDS, "kept")
    checkpoint.done(scan, Screened(0, (finding("web0a", incident="inc-1"),)))
    assert checkpoint.incident_of("web0a", NOON + timedelta(minutes=59)) == "inc-1"
    assert checkpoint.incident_of("web0a", NOON + timedelta(minutes=61)) is None
    assert checkpoint.incident_of("web0b", NOON) is None


SLOW = """
import sys, time
from datetime import datetime
from diagnose.config import Settings
from diagnose.fleet import Fleet, Group
from diagnose.scan import flow
from diagnose.scan.kept import Kept, KeptCensus

class Slow:
    def run(self, work, shards):
        for shard in shards:
            yield work(shard)
            print(shard.number, flush=True)
            if len(sys.argv) > 2:
                time.sleep(600)

KeptCensus.shards.__defaults__ = (3,)  # hosts of a shard
settings = Settings.model_validate_json(sys.argv[1])
calm = Group(name="some", hosts=("db*", "web[0-4]", "web9"))
at = datetime.fromisoformat("2026-03-01T13:20Z")
source = Kept(settings.telemetry.root)
report = flow.scan(settings, Fleet(groups=(calm,)), calm, Slow(), source, None, at)
print("resumed", report.resumed)
"""


def rows(section):
    """Return all findings and predictions, without what tells when they were stored."""
    engine = sa.create_engine(section.url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(FINDINGS.c.host, FINDINGS.c.document)).all()
        told = connection.execute(sa.select(PREDICTIONS.c.entity, PREDICTIONS.c.document)).all()
        scans = connection.execute(sa.select(SCANS.c.id)).all()
    engine.dispose()
    return sorted(map(tuple, found)), sorted(map(tuple, told)), len(scans)


def test_a_scan_that_was_killed_ends_as_one_that_was_not(settings, tmp_path):
    def command(name, *more):
        other = settings.model_copy(
            update={"store": StoreSection(url=f"sqlite:///{tmp_path / name}.db")}
        )
        return [sys.executable, "-c", SLOW, other.model_dump_json(), *more]

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    assert whole.stdout.split() == ["0", "1", "2", "resumed", "False"]
    log = tmp_path / "killed.log"
    with log.open("w") as out, subprocess.Popen(command("killed", "slow"), stdout=out) as killed:
        try:
            wait_until(lambda: "0" in log.read_text(), 300, "the first shard is done")
        finally:
            killed.send_signal(signal.SIGKILL)
    resumed = subprocess.run(command("killed"), capture_output=True, text=True, check=True)
    assert resumed.stdout.split() == ["1", "2", "resumed", "True"]
    one, other = (
        rows(StoreSection(url=f"sqlite:///{tmp_path / name}.db")) for name in ("whole", "killed")
    )
    assert one == other
    assert {host for host, _ in one[0]} == {"db1", "db2", "web9"}
