"""Whatever a server answers, it is read or refused: no answer is a defect of ours."""

import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.alertmanager import Alertmanager
from collectors.loki import Loki
from collectors.prometheus import Prometheus
from collectors.redfish import Redfish
from tests.collectors.test_redfish import rack

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
LINES = {
    "status": "success",
    "data": {
        "resultType": "streams",
        "result": [{"stream": {"job": "shop"}, "values": [["1", "a"], ["2", "b", {"level": "x"}]]}],
    },
}


def recorded(name):
    return json.loads((FIXTURES / name).read_text())


ASKED = {
    "rules": (recorded("prometheus/prom_rules.json"), lambda c: Prometheus(c).rules()),
    "targets": (recorded("prometheus/prom_targets.json"), lambda c: Prometheus(c).targets()),
    "series": (
        recorded("prometheus/prom_series.json"),
        lambda c: Prometheus(c).series((), NOW, NOW),
    ),
    "range": (
        recorded("prometheus/prom_query_range.json"),
        lambda c: list(Prometheus(c).readings("m", NOW, NOW, 1.0)),
    ),
    "alerts": (
        recorded("alertmanager/alertmanager_v2_get_alerts.json"),
        lambda c: Alertmanager(c).alerts(),
    ),
    "silences": (
        recorded("alertmanager/alertmanager_v2_silences.json"),
        lambda c: Alertmanager(c).silences(),
    ),
    "lines": (LINES, lambda c: list(Loki(c).records("{}", NOW, NOW, 10))),
}


class Answers:
    """A connection that gives what a test wrote down."""

    url = "http://bmc"

    def __init__(self, answer):
        self.answer = answer

    def get(self, path, parameters=None):
        return deepcopy(self.answer(path) if callable(self.answer) else self.answer)

    def post(self, path, form):
        return self.get(path)

    def inside(self, link):
        return link


def damaged(value, places, junk):
    """Return ``value`` with ``junk`` in one of its places, which a number chooses."""
    spots = []

    def walk(inner):
        for key in inner if isinstance(inner, dict) else range(len(inner)):
            spots.append((inner, key))
            if isinstance(inner[key], dict | list):
                walk(inner[key])

    copy = deepcopy(value)
    walk(copy)
    if spots:
        inner, key = spots[places % len(spots)]
        inner[key] = junk
    return copy


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=30)
@given(st.integers(0, 10**6), JUNK)
def test_an_answer_with_a_damaged_part_is_read_or_refused(name, place, junk):
    answer, ask = ASKED[name]
    ask(Answers(answer))
    with suppress(ValueError):
        ask(Answers(damaged(answer, place, junk)))


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=15)
@given(JUNK)
def test_an_answer_that_is_something_else_is_refused(name, junk):
    with suppress(ValueError):
        ASKED[name][1](Answers(junk))


class Bmc:
    """An endpoint whose resources a test has damaged."""

    def __init__(self, resources):
        self.resources = resources

    def opened(self):
        return self

    def __enter__(self):
        return Answers(lambda path: self.resources.get(path.rstrip("/"), {}))

    def __exit__(self, *_):
        return None


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 10**6), JUNK)
def test_a_bmc_with_a_damaged_resource_is_read_or_refused(which, place, junk):
    resources = rack()
    path = sorted(resources)[which % len(resources)]
    resources[path] = damaged(resources[path], place, junk)
    with suppress(ValueError):
        list(Redfish("db1", Bmc(resources)).collect(NOW))  # type: ignore[arg-type]


@pytest.mark.parametrize("root", [None, 1, "x", []])
def test_a_bmc_whose_root_is_no_object_is_refused(root):
    with pytest.raises(ValueError, match="no object"):
        list(Redfish("db1", Bmc({"/redfish/v1": root})).collect(NOW))  # type: ignore[arg-type]
