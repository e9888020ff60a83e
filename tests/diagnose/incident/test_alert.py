"""Which alert is meant, since when it holds, and what near it is read: scripted sources."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from collectors.alertmanager import Fired, Silence, fingerprint
from collectors.prometheus import Active, Rule, Series, Target, readings_of
from diagnose.cli.report import show_diagnosis
from diagnose.incident.alert import Alert, find_alert
from diagnose.incident.in_place import Sources, read_around
from diagnose.incident.reach import MOST
from diagnose.schema import Diagnosis, Failure, Node
from diagnose.topology import NO_SITE, SiteTopology, Topology

ONSET = datetime(2026, 3, 1, 3, tzinfo=UTC)
HOLD = timedelta(minutes=10)
LABELS = {"alertname": "Slow", "job": "web", "instance": "h1:80", "severity": "page"}


def raised(labels=LABELS, since=ONSET):
    return Active(labels, {}, "firing", since)


def rule(*alerts, name="Slow", expression='latency{job="web"} > 1'):
    return Rule(name, expression, HOLD, {"severity": "page"}, alerts)


def prometheus(*rules):
    return SimpleNamespace(rules=lambda: rules)


def alertmanager(*labels, generator="", annotations=None):
    fired = tuple(
        Fired(one, annotations or {}, fingerprint(one), ONSET + HOLD, generator) for one in labels
    )
    return SimpleNamespace(alerts=lambda: fired)


def test_the_condition_holds_longer_than_the_alert_fires():
    assert find_alert("Slow", prometheus(rule(raised())), None).since == ONSET
    known = prometheus(rule())
    assert find_alert("Slow", known, alertmanager(LABELS)).since == ONSET
    assert find_alert("Slow", None, alertmanager(LABELS)).since == ONSET + HOLD


def test_labels_that_prometheus_adds_on_the_way_are_the_same_alert():
    outside = LABELS | {"cluster": "lab"}
    found = find_alert(fingerprint(outside), prometheus(rule(raised())), alertmanager(outside))
    assert (found.since, found.expression) == (ONSET, 'latency{job="web"} > 1')
    assert found.says({"job": "web", "instance": "h1:80", "cluster": "other"})
    assert not found.says({"job": "web", "instance": "h2:80"})


def test_without_a_rule_the_page_it_came_from_names_the_expression():
    address = "http://p/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    assert find_alert("Slow", None, alertmanager(LABELS, generator=address)).expression == "up == 0"
    for address in ("", "http://[", "http://p/graph"):
        found = find_alert("Slow", None, alertmanager(LABELS, generator=address))
        assert found.expression is None


def test_of_several_of_one_name_the_oldest_is_taken_and_it_is_said():
    second = LABELS | {"instance": "h2:80"}
    rules = rule(raised(second, ONSET - HOLD), raised())
    found = find_alert("Slow", prometheus(rules), None)
    assert (found.labels, found.since) == (second, ONSET - HOLD)
    assert found.note.startswith("2 alerts Slow fire: the oldest")
    assert find_alert(fingerprint(LABELS), prometheus(rules), None).note == ""


def test_what_does_not_fire_is_told_with_what_does():
    with pytest.raises(Failure, match=r"no alert Fast fires \(these do: Slow\)"):
        find_alert("Fast", prometheus(rule(raised())), None)
    with pytest.raises(Failure, match="no alert fires at all"):
        find_alert("Fast", prometheus(rule()), None)


class Site:
    """A Prometheus over a few targets, each with some series that are always 1."""

    def __init__(self, targets, graph=(), wide=()):
        self.labels = [{"__name__": "up"} | target for target in targets]
        self.labels += [{"__name__": "latency"} | target for target in targets]
        self.labels += [
            {"__name__": "traces_service_graph_request_total", "client": one, "server": other}
            for one, other in graph
        ]
        self.labels += [
            {"__name__": name, "part": str(i)} | targets[0]
            for name, number in wide
            for i in range(number)
        ]
        self.read = []

    def targets(self):
        return (Target({"job": "web", "instance": "h1:80"}, "up", 30.0),)

    def series(self, selectors, start, end):
        names = [text.partition("{")[0] for text in selectors]
        if names != [""]:
            return [one for one in self.labels if one["__name__"] in names]
        wanted = dict(part.split("=") for part in selectors[0].strip("{}").split(",")[:-1])
        return [
            one
            for one in self.labels
            if all(one.get(name) == text.strip('"') for name, text in wanted.items())
        ]

    def evaluate(self, query, start, end, step_seconds):
        yield Series({"job": "web"}, (start.timestamp(),), (1.0,))

    def readings(self, selector, start, end, step_seconds):
        self.read.append(selector)
        yield readings_of(Series({}, (start.timestamp(),), (1.0,)), "h1/web", "latency")


WEB, DB, DISK, OTHER, NODE = (
    {"job": job, "instance": f"{host}:80"}
    for job, host in (("web", "h1"), ("db", "h2"), ("disk", "h3"), ("mail", "h4"), ("node", "h2"))
)
NOTHING_SEEN = Topology()
SLOW = Alert("Slow", LABELS, "f", ONSET, 'latency{job="web"} > 1', frozenset({"severity"}))


def around(site, alert=SLOW, said=NO_SITE, seen=NOTHING_SEEN):
    return read_around(alert, Sources(site, None, said, seen), ONSET + timedelta(minutes=1))


def test_calls_and_hosts_say_what_is_near_and_the_rest_is_named():
    site = Site([OTHER, NODE, DISK, DB, WEB], [("web", "db"), ("db", "disk"), ("disk", "far")])
    bundle = around(site)
    own, *near = (text.partition(",__name__")[0] for text in site.read[1:])
    assert own == '{job="web",instance="h1:80"'
    assert [text.split('"')[1] for text in near] == ["db", "disk", "node"]
    assert "Further away than 2 calls and not read: h4/mail." in bundle.missing
    assert bundle.topology == (("h1/web", "h2/db"), ("h2/db", "h3/disk"), ("h3/disk", "far"))
    assert bundle.symptom == Node("h1/web", "latency")
    assert bundle.step_seconds == 30


def test_without_any_calls_all_targets_are_read_and_it_is_said():
    site = Site([OTHER, WEB])
    assert any("No calls" in said for said in around(site).missing)
    assert len(site.read) == 3


def test_what_the_site_says_counts_as_calls():
    site = Site([OTHER, WEB])
    bundle = around(site, said=SiteTopology(known=(("*/web", "*/mail"),)))
    assert bundle.topology == (("h1/web", "h4/mail"),)


def test_what_was_seen_elsewhere_counts_as_calls():
    bundle = around(Site([OTHER, WEB]), seen=Topology((("web", "mail"),), (("h1", "h1/web"),)))
    assert bundle.topology == (("h1/web", "h4/mail"),)
    assert bundle.contains == (("h1", "h1/web"),)


def test_metrics_with_many_series_are_left_out_first_and_counted():
    site = Site([WEB, DB], [("web", "db")], wide=[("per_user", MOST), ("per_disk", 3)])
    bundle = around(site)
    assert f"{MOST} series beyond {MOST} were not read." in bundle.missing
    assert '__name__=~"latency|per_disk|up"' in site.read[1]


def test_where_nothing_more_fits_the_rest_is_named_and_not_even_asked_for():
    site = Site([WEB, DB], [("web", "db")], wide=[("per_user", MOST - 2)])
    bundle = around(site)
    assert f"Not read, since {MOST} nearer series were: h2/db." in bundle.missing
    assert len(site.read) == 2


def test_a_ratio_of_all_instances_is_a_signal_of_the_service_that_depends_on_each():
    alert = replace(
        SLOW,
        labels={"alertname": "Slow", "job": "web"},
        expression='sum by (job) (latency_sum) / sum by (job) (latency_count{job="web"}) > 1',
    )
    site = Site([WEB, WEB | {"instance": "h5:80"}])
    site.labels += [{"__name__": "latency_sum"} | WEB | {"instance": f"h{i}:80"} for i in (1, 5)]
    bundle = around(site, alert)
    assert bundle.symptom == Node("web", "latency/alert=Slow")
    assert set(bundle.topology) == {("web", "h1/web"), ("web", "h5/web")}
    assert "latency/alert=Slow" in bundle.readings.collect()["signal"].to_list()


def test_an_alert_without_a_readable_expression_is_read_around_all_the_same():
    bundle = around(Site([WEB]), replace(SLOW, expression="latency{"))
    assert bundle.symptom is None
    assert any("does not tell its symptom" in said for said in bundle.missing)


@pytest.mark.parametrize(
    ("expression", "names", "near"),
    [
        # It names no entity: what it watches is nearest, then what that calls.
        ("sum(rate(errors_total[5m])) > 5", {}, ["web", "mail", "db", "node"]),
        # It names none, nor a series that is there: everything counts as equally far.
        ("vector(1) > 0", {}, ["lonely", "disk", "node", "db", "mail", "web"]),
        # It names one that nobody knows.
        ("sum(rate(errors_total[5m])) > 5", {"app": "shop"}, ["web", "mail", "db", "node"]),
        ("vector(1) > 0", {"app": "shop"}, ["lonely", "disk", "node", "db", "mail", "web"]),
    ],
)
def test_an_alert_that_names_no_known_entity_is_read_around_what_it_watches(
    expression, names, near
):
    lonely = {"job": "lonely", "instance": "h9:80"}
    site = Site([lonely, DISK, NODE, DB, OTHER, WEB], [("web", "db")])
    site.labels += [{"__name__": "errors_total"} | one for one in (WEB, OTHER)]
    labels = {"alertname": "Errors", "severity": "page"} | names
    bundle = around(site, replace(SLOW, labels=labels, expression=expression))
    assert [text.split('"')[1] for text in site.read] == near
    assert bundle.readings.collect().height >= len(near)
    far = "Further away than 2 calls and not read: h3/disk, h9/lonely."
    assert (far in bundle.missing) == (len(near) < 6)


def test_the_runbook_that_a_rule_names_comes_along_and_alertmanager_has_the_last_word():
    ours, theirs = {"runbook_url": "https://wiki/slow"}, {"runbook_url": "https://wiki/new"}
    told = rule(replace(raised(), annotations=ours))
    found = find_alert("Slow", prometheus(told), None)
    assert found.runbook == "https://wiki/slow"
    assert around(Site([WEB]), found).advice == (("", "runbook of the alert: https://wiki/slow"),)
    assert around(Site([WEB]), SLOW).advice == ()
    for annotations, expected in ((theirs, "https://wiki/new"), ({}, "https://wiki/slow")):
        known = alertmanager(LABELS, annotations=annotations)
        assert find_alert("Slow", prometheus(told), known).runbook == expected


def test_who_has_silenced_the_alert_is_told_with_it():
    def silence(name, hours, comment=""):
        ends = ONSET + timedelta(hours=hours)
        return Silence(name, (), ONSET, ends, comment, "alice" if comment else "")

    (fired,) = alertmanager(LABELS).alerts()
    known: Any = SimpleNamespace(
        alerts=lambda: (replace(fired, silenced_by=("a", "b")),),
        silences=lambda: (silence("a", 1), silence("b", 2, "new disk"), silence("c", 9)),
    )
    found = find_alert("Slow", prometheus(rule(raised())), known)
    until = f"{ONSET + timedelta(hours=2):%Y-%m-%d %H:%M} UTC"
    assert found.silenced == f"The alert is silenced by alice until {until}: new disk."
    assert around(Site([WEB]), found).silenced == found.silenced
    assert find_alert("Slow", None, alertmanager(LABELS)).silenced == ""


def test_people_read_that_an_alert_is_silenced(capsys):
    sentence = "The alert is silenced by alice until 2099-01-01 00:00 UTC."
    show_diagnosis(Diagnosis("inc-1", silenced=sentence), "table")
    assert sentence in capsys.readouterr().out.splitlines()
