"""A scan of a small fleet as a whole."""

import pytest

from diagnose.compose import compose
from diagnose.fleet import WHOLE
from diagnose.scan.flow import scan
from diagnose.store import opened
from tests.diagnose.scan.conftest import FULL, HOSTS, ILL, MOMENT, SILENT, WORN, Here


def scanned(settings, fleet=WHOLE, engine=None, roles=None):
    group = fleet.groups[0]
    return scan(settings, fleet, group, engine or Here(), roles or (lambda: compose(settings)))


def by_host(report):
    return {finding.host: finding for finding in report.findings}


def test_a_scan_tells_who_fails_next_who_is_ill_and_what_to_do(settings):
    report = scanned(settings)
    found = by_host(report)
    assert (report.moment, report.hosts, report.unseen) == (MOMENT, len(HOSTS), ())
    assert set(found) == {FULL, ILL, SILENT, WORN}
    (full,) = found[FULL].expected
    assert (full.prediction.failure, full.prediction.source) == ("disk-full", "trend")
    assert full.prediction.lead_time_seconds == pytest.approx(3730, rel=0.1)
    assert full.guidance
    (silent,) = found[SILENT].expected
    assert (silent.prediction.failure, silent.prediction.source) == ("outage", "silence")
    worn = found[WORN].expected[0].prediction
    assert (worn.entity, worn.failure) == (f"{WORN}/sda", "disk-failure")
    ill = found[ILL]
    assert ill.symptom is not None
    assert ill.incident is not None
    assert ill.causes[0].entity == ILL
    with opened(settings.store) as store:
        diagnosis = store.diagnosis(ill.incident)
        assert diagnosis is not None
        assert diagnosis.root_causes == ill.causes
        stored = {(one.entity, one.failure) for one in store.predictions()}
    assert stored == {
        (one.prediction.entity, one.prediction.failure)
        for finding in report.findings
        for one in finding.expected
    }
