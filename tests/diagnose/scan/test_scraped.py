"""Hosts that the targets of a Prometheus name."""

import json
from pathlib import Path

import pytest

from diagnose.scan.scraped import scraped_hosts
from diagnose.schema import Failure
from diagnose.sections import EndpointSection
from tests.static_server import served, tree

RECORDED = Path(__file__).parents[2] / "fixtures" / "prometheus" / "prom_targets.json"


def target(**labels):
    return {"labels": labels, "health": "up", "scrapeInterval": "15s"}


def hosts(answer):
    with served(tree({"/api/v1/targets": answer})) as url:
        return scraped_hosts(EndpointSection(url=url))


def test_a_host_is_named_once_by_all_that_is_scraped_on_it():
    targets = [
        target(job="node", instance="db1:9100"),
        target(job="postgres", instance="db1:9187"),
        target(job="shop", instance="http://web1:8080/metrics"),
        target(),
    ]
    answer = {"status": "success", "data": {"activeTargets": targets}}
    assert hosts(answer) == {"db1", "web1"}


def test_a_real_prometheus_names_its_hosts():
    assert "127.0.0.1" in hosts(json.loads(RECORDED.read_text()))


def test_that_nobody_can_be_asked_is_told():
    with pytest.raises(Failure, match=r"set sources\.prometheus\.url"):
        scraped_hosts(EndpointSection())
    with pytest.raises(Failure, match=r"see sources\.prometheus in the settings"):
        hosts({"status": "error"})
