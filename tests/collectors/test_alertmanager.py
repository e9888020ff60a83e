"""Answers that a real Alertmanager gave."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.alertmanager import Alertmanager, Matcher, fingerprint
from collectors.endpoint import Endpoint
from tests.static_server import served, tree

FIXTURES = Path(__file__).parents[1] / "fixtures" / "alertmanager"


@pytest.fixture
def alertmanager():
    names = {"alerts": "get_alerts", "silences": "silences"}
    resources = {
        f"/api/v2/{path}": json.loads((FIXTURES / f"alertmanager_v2_{name}.json").read_text())
        for path, name in names.items()
    }
    with served(tree(resources)) as url, Endpoint(url).opened() as connection:
        yield Alertmanager(connection)


def test_alerts_tell_when_they_fired(alertmanager):
    alerts = {alert.labels["alertname"]: alert for alert in alertmanager.alerts()}
    probe = alerts["ProbeFailed"]
    assert probe.fired == datetime(2026, 11, 22, 9, 18, 0, 526000, tzinfo=UTC)
    assert probe.annotations["summary"] == "Probe of http://127.0.0.1:1/ fails"
    assert probe.silenced_by == ()


def test_the_fingerprint_is_alertmanagers_own(alertmanager):
    for alert in alertmanager.alerts():
        assert fingerprint(alert.labels) == alert.fingerprint


def test_a_silence_covers_what_its_matchers_say(alertmanager):
    (silence,) = alertmanager.silences()
    labels = {"instance": "host42", "alertname": "NodeTempHigh"}
    assert silence.covers(labels, silence.starts)
    assert not silence.covers(labels, silence.ends)
    assert not silence.covers({"instance": "host43"}, silence.starts)
    assert (silence.author, silence.comment) == ("ops", "diagnosis under way")


@pytest.mark.parametrize(
    ("matcher", "holds"),
    [
        (Matcher("a", "x.*", regex=True, equal=True), True),
        (Matcher("a", "x", regex=True, equal=True), False),  # all of the value must match
        (Matcher("a", "xyz", regex=False, equal=False), False),
        (Matcher("b", "", regex=False, equal=True), True),  # a label that is not there is empty
        (Matcher("a", "(", regex=True, equal=True), False),
    ],
)
def test_a_matcher_means_what_alertmanager_means(matcher, holds):
    assert matcher.holds({"a": "xyz"}) is holds


@pytest.mark.parametrize(
    "answer", [{}, [{}], [{"labels": {}, "fingerprint": "x", "startsAt": "?"}]]
)
def test_an_answer_that_breaks_the_api_is_refused(answer):
    with served(lambda *_: (200, answer)) as url, Endpoint(url).opened() as connection:
        with pytest.raises(ValueError, match="alert"):
            Alertmanager(connection).alerts()
        with pytest.raises(ValueError, match="silence"):
            Alertmanager(connection).silences()


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=4)))
def test_a_fingerprint_does_not_depend_on_the_order(labels):
    assert fingerprint(labels) == fingerprint(dict(reversed(labels.items())))
    assert len(fingerprint(labels)) == 16
