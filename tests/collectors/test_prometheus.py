"""Answers that a real Prometheus gave, a few lines of its API, and a real VictoriaMetrics."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.endpoint import Endpoint
from collectors.prometheus import POINTS, Prometheus, moment, selector
from diagnose.schema import READINGS
from tests.programs import LOCAL, free_port, needed, started, wait_until
from tests.static_server import served, tree

FIXTURES = Path(__file__).parents[1] / "fixtures" / "prometheus"
START = datetime(2026, 3, 1, tzinfo=UTC)


def recorded(name):
    return json.loads((FIXTURES / f"prom_{name}.json").read_text())


@pytest.fixture
def prometheus():
    """A Prometheus that answers what a real one did."""
    names = ("rules", "targets", "query_range", "series")
    resources = {f"/api/v1/{name}": recorded(name) for name in names}
    with served(tree(resources)) as url, Endpoint(url).opened() as connection:
        yield Prometheus(connection)


def test_rules_tell_their_alerts_and_since_when_they_hold(prometheus):
    rules = {rule.name: rule for rule in prometheus.rules()}
    probe = rules["ProbeFailed"]
    assert (probe.expression, probe.hold) == ("probe_success == 0", timedelta(seconds=2))
    assert probe.labels == {"severity": "critical"}
    (alert,) = probe.alerts
    assert alert.since == datetime(2026, 11, 22, 9, 17, 58, 526517, tzinfo=UTC)
    assert (alert.state, alert.labels["job"]) == ("firing", "blackbox")
    assert "instance:node_load1_per_cpu:ratio" not in rules  # a recording rule


def test_targets_tell_how_often_they_are_scraped(prometheus):
    targets = prometheus.targets()
    assert {target.interval_seconds for target in targets} == {1.0}
    assert {target.health for target in targets} == {"up"}
    assert {target.labels["job"] for target in targets} >= {"node", "prometheus"}


def test_series_become_readings(prometheus):
    (frame,) = prometheus.readings("node_load1", START, START, 1.0)
    assert frame.schema == READINGS
    assert set(frame["entity"]) == {"127.0.0.1"}
    assert set(frame["signal"]) == {"node_load1/rack=r1"}
    assert frame["value"][0] == 1.3
    assert frame["time"][0] == datetime.fromtimestamp(1795339100, UTC)


def counting(asked):
    """Answer query_range with one series that has a value at every instant."""

    def answer(path, headers, body):
        form = {name: texts[0] for name, texts in parse_qs(body).items()}
        asked.append(form)
        start, end, step = (float(form[name]) for name in ("start", "end", "step"))
        assert (end - start) / step <= 11_000
        number = int((end - start) / step + 1e-6) + 1
        points = [[start + i * step, str(i)] for i in range(number)]
        series = {"metric": {"__name__": "m", "job": "j"}, "values": points}
        return 200, {"status": "success", "data": {"resultType": "matrix", "result": [series]}}

    return answer


@settings(max_examples=20)
@given(st.integers(0, 3 * POINTS), st.sampled_from([1.0, 2.5, 15.0]))
def test_however_long_the_span_each_instant_comes_once(instants, step):
    asked: list[dict[str, str]] = []
    with served(counting(asked)) as url, Endpoint(url).opened() as connection:
        end = START + timedelta(seconds=instants * step)
        found = list(Prometheus(connection).evaluate("m", START, end, step))
    times = [time for series in found for time in series.times]
    assert times == [START.timestamp() + i * step for i in range(instants + 1)]
    assert len(asked) == math.ceil((instants + 1) / POINTS)


def test_what_is_no_number_is_kept_as_the_source_said_it():
    values = [[1, "NaN"], [2, "+Inf"], [3, "-Inf"], [4, "1e3"]]
    result = [{"metric": {"__name__": "m", "job": "j"}, "values": values}]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    with served(lambda *_: (200, answer)) as url, Endpoint(url).opened() as connection:
        (frame,) = Prometheus(connection).readings("m", START, START, 1.0)
    assert [str(value) for value in frame["value"]] == ["nan", "inf", "-inf", "1000.0"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error", "error": "no"},
        {"status": "success", "data": {}},
        {"status": "success", "data": {"result": [{"metric": {"a": 1}, "values": []}]}},
        {"status": "success", "data": {"result": [{"metric": {}, "values": [[1, "x"]]}]}},
        {"status": "success", "data": {"result": [{"metric": {}, "values": [1]}]}},
        "text",
    ],
)
def test_an_answer_that_breaks_the_api_is_refused(answer):
    with (
        served(lambda *_: (200, answer)) as url,
        Endpoint(url).opened() as connection,
        pytest.raises(ValueError, match="answer"),
    ):
        list(Prometheus(connection).evaluate("m", START, START, 1.0))


def test_an_error_of_the_query_is_told_in_the_servers_words():
    with (
        served(lambda *_: (400, recorded("query_error"))) as url,
        Endpoint(url).opened() as connection,
        pytest.raises(OSError, match="unclosed left"),
    ):
        list(Prometheus(connection).evaluate("m(", START, START, 1.0))


@pytest.mark.parametrize(
    "text", ["2026-11-22T09:17:58.526517839Z", "2026-11-22T10:17:58.526517+01:00"]
)
def test_times_are_read_as_they_are_written(text):
    assert moment(text) == datetime(2026, 11, 22, 9, 17, 58, 526517, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-22T09:17:58", "0001-01-01T00:00:00+14:00", "soon"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"no zone|no time|Invalid isoformat"):
        moment(text)


def test_a_label_is_quoted_whatever_it_holds():
    assert selector({"a": 'q"\\\n'}) == '{a="q\\"\\\\\\n"}'


def test_a_victoriametrics_answers_alike(tmp_path):
    program = needed("victoria-metrics", "victoria-metrics")
    port = free_port()
    url = f"http://{LOCAL}:{port}"
    command = [program, f"-storageDataPath={tmp_path / 'vm'}", f"-httpListenAddr={LOCAL}:{port}"]
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    start = end - timedelta(minutes=2)
    times = [int(start.timestamp() + i * 10) * 1000 for i in range(13)]
    labels = {"__name__": "node_load1", "job": "node", "instance": "db1:9100"}
    line = {"metric": labels, "values": list(range(13)), "timestamps": times}

    def answers():
        try:
            return httpx.get(f"{url}/health").is_success
        except httpx.HTTPError:
            return False

    with started(command, tmp_path / "vm.log"):
        wait_until(answers)
        httpx.post(f"{url}/api/v1/import", content=json.dumps(line)).raise_for_status()
        httpx.get(f"{url}/internal/force_flush").raise_for_status()
        with Endpoint(url).opened() as connection:
            asked = Prometheus(connection)
            wait_until(lambda: asked.series(["node_load1"], start, end))
            found = pl.concat(asked.readings("node_load1", start, end, 10.0))
            assert not asked.rules()
            assert not asked.targets()
    assert found["value"].to_list() == [float(i) for i in range(13)]
    assert set(found["entity"]) == {"db1"}
    assert found["time"][0] == start
