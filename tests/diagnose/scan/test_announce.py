"""What a scan found is told, and is over when a later scan no longer finds it."""

from contextlib import closing
from dataclasses import replace

from prometheus_client import CollectorRegistry

from diagnose import database
from diagnose.notify.notifier import Notifier
from diagnose.scan.announce import announce
from diagnose.scan.flow import Report
from diagnose.scan.shards import Expected, Finding
from diagnose.settings.notify import NotifySection
from diagnose.store import Store
from tests.diagnose.notify.made import GUIDANCE, NOW, diagnosis, prediction


def test_predictions_and_diagnoses_of_a_report_are_told(tmp_path):
    url = f"sqlite:///{tmp_path / 'state.db'}"
    notifier = Notifier(database.connect(url), NotifySection(), CollectorRegistry())
    with closing(Store.open(url)) as store:
        incident = store.incident_for("scan", "shop", NOW, NOW)
        store.save(diagnosis(incident))
        findings = (
            Finding("db1", NOW, (Expected(prediction("db1/sda"), (GUIDANCE,)),)),
            Finding("shop", NOW, incident=incident),
        )
        report = Report("all", NOW, 3, findings, frozenset({"db1", "shop", "web"}), ())
        announce(report, notifier, store, "dba")
        told = {one.notice.kind: one for one in notifier.ledger.standing()}
        assert (told["prediction"].notice.entity, told["prediction"].route) == ("db1/sda", "page")
        assert told["prediction"].notice.addressee == "dba"
        assert told["diagnosis"].notice.group == "all"
        for _ in range(2):
            announce(replace(report, findings=()), notifier, store)
        assert [one.notice.kind for one in notifier.ledger.standing()] == ["diagnosis"]
    notifier.stop()
