"""A scan whose telemetry a Prometheus keeps: a real one, and answers that were written down."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import parse_qs

import numpy as np
import pytest

from collectors.endpoint import Endpoint
from collectors.prometheus import Prometheus
from diagnose.scan import scraped_panel
from diagnose.scan.scraped import Scraped
from diagnose.scan.scraped_panel import read_scraped
from diagnose.scan.shards import Targets
from diagnose.schema import Failure
from diagnose.settings.sections import EndpointSection
from tests.diagnose.scan.prometheus_site import (
    CALM,
    DEAD,
    FULL,
    GONE,
    HOSTS,
    ILL,
    MOMENT,
    STEP,
    prometheus,
    victoria,
)
from tests.static_server import served, tree

HOUR = (MOMENT - timedelta(hours=1), MOMENT)
RECENT = timedelta(minutes=7)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("prometheus")) as url:
        yield url


def panel_of(url, hosts=HOSTS):
    source = Scraped.of(EndpointSection(url=url))
    (shard,) = source.census(MOMENT).shards(hosts)
    return source.panel(shard, HOUR, RECENT)


def test_a_scan_asks_a_prometheus_and_nothing_needs_to_be_kept(url, tmp_path):
    environment = os.environ | {
        "AITIA_SOURCES__PROMETHEUS__URL": url,
        "AITIA_TELEMETRY__DIR": str(tmp_path / "nothing"),
        "AITIA_STORE__URL": f"sqlite:///{tmp_path / 'state.db'}",
        "AITIA_MODEL__PROPOSER": "none",
    }
    command = [sys.executable, "-m", "diagnose", "scan", "--source", "prometheus", "-o", "json"]
    done = subprocess.run(
        [*command, "--workers", "1", "--at", MOMENT.isoformat()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (report,) = json.loads(done.stdout)
    found = {finding["host"]: finding for finding in report["findings"]}
    assert (report["hosts"], report["unseen"], set(found)) == (5, [GONE], {FULL, ILL, DEAD})
    (full,) = found[FULL]["expected"]
    assert full["prediction"]["failure"] == "disk-full"
    assert full["prediction"]["lead_time_seconds"] == pytest.approx(3735, rel=0.1)
    (dead,) = found[DEAD]["expected"]
    assert (dead["prediction"]["failure"], dead["prediction"]["source"]) == ("outage", "silence")
    assert found[ILL]["symptom"]["entity"] == f"{ILL}/shop"
    assert found[ILL]["causes"][0]["entity"].startswith(ILL)
    assert found[ILL]["incident"]


def test_a_panel_has_names_steps_and_rates_as_the_tables_would(url):
    panel = panel_of(url, [CALM])
    assert (panel.hosts, panel.step_seconds, panel.span.instants) == ((CALM,), STEP, 240)
    names = [str(signal.node) for signal in panel.signals]
    assert names == sorted(names)
    assert f"{CALM} · node_cpu_seconds_total/cpu=0,mode=user" in names
    assert f"{CALM}/shop · shop_request_duration_seconds/quantile=0.95" in names
    assert not any("bucket" in name for name in names)
    counters = {s.node.signal for s in panel.signals if s.source == "counter"}
    assert counters == {"node_cpu_seconds_total/cpu=0,mode=user", "shop_requests_total"}
    place = [s.node.signal for s in panel.signals].index("shop_requests_total")
    assert np.nanmedian(panel.values[:, place]) == pytest.approx(50 / STEP, rel=0.1)


def test_a_target_that_is_no_longer_one_is_not_there_and_one_that_is_silent_is(url):
    assert panel_of(url).hosts == (FULL, CALM, ILL, DEAD)
    assert panel_of(url, [GONE]) is None


def test_a_few_queries_of_bounded_size_ask_for_all(url, monkeypatch):
    whole = panel_of(url)
    monkeypatch.setattr(scraped_panel, "ASKED", 10)  # series of an answer: each host alone
    parts = panel_of(url)
    assert parts.signals == whole.signals
    np.testing.assert_array_equal(parts.values, whole.values)
    monkeypatch.setattr(scraped_panel, "MOST", 4)
    cut = panel_of(url)
    assert cut.cut == cut.hosts == whole.hosts
    assert [len(cut.columns_of(place)) for place in range(4)] == [4, 4, 4, 4]


def test_a_target_with_more_series_than_can_be_named_is_left_out_and_its_host_is_told(
    url, monkeypatch
):
    monkeypatch.setattr(scraped_panel, "HUGE", 4)  # node has five, shop has four
    panel = panel_of(url, [CALM, FULL])
    assert panel.cut == panel.hosts == (FULL, CALM)
    assert {signal.node.entity for signal in panel.signals} == {f"{FULL}/shop", f"{CALM}/shop"}
    monkeypatch.setattr(scraped_panel, "HUGE", 3)
    assert panel_of(url, [CALM, FULL]) is None


def test_a_victoriametrics_tells_the_same(url, tmp_path):
    hosts = [CALM, FULL, ILL]  # a Prometheus before 3.0 shows the last value of one that dies twice
    with victoria(tmp_path) as other:
        theirs = panel_of(other, hosts)
    ours = panel_of(url, hosts)
    assert theirs.signals == ours.signals
    np.testing.assert_allclose(theirs.values, ours.values, rtol=1e-9)


def test_before_anything_was_scraped_that_is_told(url):
    with pytest.raises(Failure, match="has scraped nothing in the minutes before 2026-02-28"):
        Scraped.of(EndpointSection(url=url)).census(MOMENT - timedelta(days=1))


def up(**labels):
    return {"__name__": "up", **labels}


def answers(up, targets=()):
    """Answer as a Prometheus with these series of ``up`` and these targets, scraped at MOMENT."""
    point = [MOMENT.timestamp(), str(MOMENT.timestamp())]
    data = {
        "series": list(up),
        "targets": {"activeTargets": list(targets)},
        "query_range": {"resultType": "matrix", "result": [{"metric": {}, "values": [point]}]},
    }
    return tree({f"/api/v1/{name}": {"status": "success", "data": d} for name, d in data.items()})


def target(interval, **labels):
    return {"labels": labels, "health": "up", "scrapeInterval": interval}


def census(answer):
    with served(answer) as url:
        return Scraped.of(EndpointSection(url=url)).census(MOMENT)


def test_a_host_is_known_once_by_all_that_is_scraped_on_it():
    found = census(
        answers(
            [
                up(job="node", instance="db1:9100"),
                up(job="postgres", instance="db1:9187"),
                up(job="shop", instance="http://web1:8080/metrics"),
                up(),
            ]
        )
    )
    assert set(found.hosts) == {"db1", "web1"}
    assert found.targets["db1"] == (("node", "db1:9100"), ("postgres", "db1:9187"))
    assert found.newest == MOMENT


def test_hosts_that_are_scraped_equally_often_share_shards():
    names = [f"web{i}" for i in range(5)]
    series = [up(job="node", instance=f"{name}:9100") for name in names]
    told = [target("1m" if n < "web2" else "15s", job="node", instance=f"{n}:9100") for n in names]
    found = census(answers(series, told))
    shards = list(found.shards([*names, "db9"], 2))
    assert [(s.number, s.hosts, s.where.step_seconds) for s in shards] == [
        (0, ("web2", "web3"), 15.0),
        (1, ("web4",), 15.0),
        (2, ("web0", "web1"), 60.0),
    ]
    assert shards[1].where.named == (("web4", "node", "web4:9100"),)


@pytest.mark.parametrize(("scrapes", "seconds"), [(241, 15), (61, 60), (12, 300), (5, 900)])
def test_where_nobody_tells_how_often_is_scraped_the_scrapes_do(scrapes, seconds):
    point = [MOMENT.timestamp(), str(MOMENT.timestamp())]
    counted = [MOMENT.timestamp(), str(scrapes)]

    def answer(path, headers, body):
        if "query_range" in path:
            value = counted if "count_over_time" in body else point
            data = {"resultType": "matrix", "result": [{"metric": {}, "values": [value]}]}
            return 200, {"status": "success", "data": data}
        return answers([up(job="node", instance="web1:9100")])(path, headers, body)

    (shard,) = census(answer).shards(["web1"])
    assert shard.where.step_seconds == seconds


def test_names_with_meaning_in_a_query_are_asked_for_as_they_are():
    asked = []
    hostile = 'a.b"} or {x=~".*'

    def answer(path, headers, body):
        asked.append({name: texts[0] for name, texts in parse_qs(body).items()})
        return 200, {"status": "success", "data": [] if "series" in path else {"result": []}}

    with served(answer) as url, Endpoint(url).opened() as connection:
        where = Targets((("a", hostile, "a|b:9100"),), 15.0)
        assert read_scraped(Prometheus(connection), where, HOUR, RECENT) is None
    counted, named = asked
    assert counted["query"] == f"count by (job, instance) ({named['match[]']})"
    assert named["match[]"].startswith(
        r'{job=~"a\\.b\"\\}\\ or\\ \\{x=\\~\"\\.\\*",instance=~"a\\|b:9100",__name__!~'
    )


def test_that_nobody_can_be_asked_is_told():
    with pytest.raises(Failure, match=r"set sources\.prometheus\.url"):
        Scraped.of(EndpointSection())
    with pytest.raises(Failure, match=r"see sources\.prometheus in the settings"):
        census(tree({"/api/v1/series": {"status": "error"}}))
