"""A real Prometheus, its rules and Alertmanager: ``aitia explain --alert`` names what broke."""

import json
import math
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import polars as pl
import pytest

from diagnose.config import load
from diagnose.incident.live import incident_of
from diagnose.schema import EDGES, READINGS, Failure, Node
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.journal import Journal
from tests.programs import LOCAL, free_port, listens, needed, started, wait_until
from tests.static_server import served

STEP = 2  # seconds between two scrapes
HISTORY = 3600
HOLD = 4  # the rule's "for"

RULES = f"""
groups:
- name: shop
  rules:
  - alert: CheckoutSlow
    expr: shop_request_duration_seconds{{quantile="0.95"}} > 0.5
    for: {HOLD}s
    labels: {{severity: page, team: shop}}
  - alert: ErrorsHigh
    expr: >
      sum by (job) (rate(shop_errors_total[10s]))
      / sum by (job) (rate(shop_requests_total[10s])) > 0.2
    labels: {{severity: page}}
  - alert: NothingTold
    expr: vector(1) > 0
"""


def noise(name, moment):
    """A number in -1..1 that a moment and a name always have in common."""
    return random.Random(f"{name} {int(moment) // STEP}").uniform(-1, 1)


def metrics(job, moment, broken):
    """What an exporter of ``job`` shows; from ``broken`` on the database waits for its locks."""
    waiting = 4 + 3 * noise("locks", moment) + (60 if moment >= broken else 0)
    count = moment - 1_700_000_000
    after = max(0.0, moment - broken)
    shown = {
        "db": {
            "pg_locks_waiting": waiting,
            "pg_stat_activity_count": 12 + 2 * noise("activity", moment),
            "pg_stat_database_xact_commit": 40 * count + noise("commit", moment) - 30 * after,
        },
        "shop": {
            'shop_request_duration_seconds{quantile="0.95"}': 0.05
            + 0.02 * waiting
            + 0.01 * noise("p95", moment),
            "shop_requests_total": 20 * count,
            "shop_errors_total": 0.1 * count + 10 * after,
            "process_cpu_seconds_total": 0.2 * count + 0.01 * noise("cpu", moment),
        },
        "mail": {
            "mail_queue_length": 5 + 2 * noise("mail", moment),
            "mail_sent_total": 3 * count + noise("sent", moment),
        },
        "graph": {
            'traces_service_graph_request_total{client="shop",server="db"}': 30 * count,
        },
    }
    return shown[job]


def history(file, end, addresses):
    """Write an hour of metrics in OpenMetrics, as it was before ``end``."""
    with file.open("w") as lines:
        for job in addresses:
            for name in metrics(job, end, math.inf):
                bare, _, inner = name.removesuffix("}").partition("{")
                labels = ",".join(
                    filter(None, (inner, f'job="{job}"', f'instance="{addresses[job]}"'))
                )
                for moment in range(end - HISTORY, end, STEP):
                    value = metrics(job, moment, math.inf)[name]
                    lines.write(f"{bare}{{{labels}}} {value} {moment}\n")
        lines.write("# EOF\n")


def exporter(job, state):
    """Return a class that serves what ``job`` shows at present."""

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self):
            shown = metrics(job, time.time(), state.broken)
            page = "".join(f"{name} {value}\n" for name, value in shown.items())
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    return Exporter


def serve(job, state, stack):
    server = ThreadingHTTPServer((LOCAL, 0), exporter(job, state))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return f"{LOCAL}:{server.server_port}"


def configuration(folder, addresses, alertmanager):
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [address]}]}
        for job, address in addresses.items()
    ]
    facts = {
        "global": {
            "scrape_interval": f"{STEP}s",
            "evaluation_interval": "1s",
            "external_labels": {"cluster": "lab"},
        },
        "rule_files": ["rules.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"{LOCAL}:{alertmanager}"]}]}]
        },
        "scrape_configs": jobs,
    }
    (folder / "rules.yml").write_text(RULES)
    (folder / "prometheus.yml").write_text(json.dumps(facts))
    (folder / "alertmanager.yml").write_text(
        json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]})
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Yield a site whose alerts fire: where its servers are, and when it broke."""
    programs = {
        "prometheus": needed("prometheus", "prometheus"),
        "promtool": needed("promtool", "prometheus"),
        "node": needed("prometheus-node-exporter", "prometheus-node-exporter"),
        "alertmanager": needed("prometheus-alertmanager", "prometheus-alertmanager"),
    }
    folder = tmp_path_factory.mktemp("site")
    state = SimpleNamespace(broken=math.inf)
    with ExitStack() as stack:
        addresses = {job: serve(job, state, stack) for job in ("db", "shop", "mail", "graph")}
        end = int(time.time() + 9) // STEP * STEP  # by when Prometheus scrapes
        history(folder / "past.txt", end, addresses)
        tsdb = folder / "tsdb"
        command = [programs["promtool"], "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run(
            [*command, folder / "past.txt", tsdb], check=True, capture_output=True, timeout=60
        )
        ports = {name: free_port() for name in ("prometheus", "node", "alertmanager")}
        addresses["node"] = f"{LOCAL}:{ports['node']}"
        configuration(folder, addresses, ports["alertmanager"])
        listen = "--web.listen-address={}:{}".format
        commands = {
            "node": [listen(LOCAL, ports["node"])],
            "alertmanager": [
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alerts'}",
                listen(LOCAL, ports["alertmanager"]),
                "--cluster.listen-address=",
            ],
            "prometheus": [
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={tsdb}",
                listen(LOCAL, ports["prometheus"]),
            ],
        }
        for name, options in commands.items():
            stack.enter_context(started([programs[name], *options], folder / f"{name}.log"))
        wait_until(lambda: all(map(listens, ports.values())))
        urls = {name: f"http://{LOCAL}:{port}" for name, port in ports.items()}
        wait_until(lambda: scraped(urls["prometheus"]) == len(addresses))
        state.broken = time.time()
        urls["loki"] = stack.enter_context(served(loki(addresses["db"], state.broken)))
        wait_until(lambda: "CheckoutSlow" in firing(urls["alertmanager"]), what="it fires")
        time.sleep(2 * STEP)
        yield SimpleNamespace(**urls, broken=datetime.fromtimestamp(state.broken, UTC))


def loki(address, broken):
    """Answer as a Loki that keeps one line of the database."""
    labels = {"job": "db", "instance": address, "level": "error"}
    line = [str(int(broken * 1e9)), "still waiting for ShareLock on transaction 7"]

    def answer(path, headers, body):
        if path.startswith("/loki/api/v1/series"):
            return 200, {"status": "success", "data": [labels]}
        query = parse_qs(urlsplit(path).query)
        inside = int(query["start"][0]) <= int(line[0]) < int(query["end"][0])
        streams = [{"stream": labels, "values": [line]}] if inside else []
        return 200, {"status": "success", "data": {"resultType": "streams", "result": streams}}

    return answer


def scraped(prometheus):
    found = httpx.get(f"{prometheus}/api/v1/query", params={"query": "up == 1"}).json()
    return len(found.get("data", {}).get("result", ()))


def firing(alertmanager):
    answer = httpx.get(f"{alertmanager}/api/v2/alerts")
    return {alert["labels"]["alertname"]: alert for alert in answer.json()}


@pytest.fixture
def settings(site, tmp_path, monkeypatch):
    """Settings that name the site's servers."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    sources = {
        name: {"url": getattr(site, name)} for name in ("prometheus", "alertmanager", "loki")
    }
    file = tmp_path / "aitia.yml"
    file.write_text(json.dumps({"sources": sources, "model": {"proposer": "none"}}))
    return file


def test_the_broken_service_is_named(site, settings):
    command = [sys.executable, "-m", "diagnose", "explain", "--alert", "CheckoutSlow"]
    done = subprocess.run(
        [*command, "--config", settings, "-o", "json"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["symptom"] == {
        "entity": f"{LOCAL}/shop",
        "signal": "shop_request_duration_seconds/quantile=0.95",
    }
    first = answer["root_causes"][0]
    assert (first["entity"], first["signal"]) == (f"{LOCAL}/db", "pg_locks_waiting")
    verdicts = {
        (edge["cause"]["signal"], edge["effect"]["signal"]): edge["verdict"]
        for edge in answer["graph"]["edges"]
    }
    assert verdicts[first["signal"], answer["symptom"]["signal"]] == "supported"


def asked(settings, wanted):
    return incident_of(wanted, load(settings), datetime.now(UTC))


def test_the_onset_is_when_the_condition_began_to_hold_and_not_when_the_alert_fired(site, settings):
    fired = datetime.fromisoformat(firing(site.alertmanager)["CheckoutSlow"]["startsAt"])
    begun = asked(settings, "CheckoutSlow").alert_time
    assert abs(fired - begun - timedelta(seconds=HOLD)) < timedelta(seconds=3)
    assert timedelta(0) < begun - site.broken < timedelta(seconds=5 * STEP)


def test_by_fingerprint_a_ratio_is_drawn_as_the_symptom(site, settings):
    wait_until(lambda: "ErrorsHigh" in firing(site.alertmanager))
    bundle = asked(settings, firing(site.alertmanager)["ErrorsHigh"]["fingerprint"])
    assert bundle.symptom == Node(f"{LOCAL}/shop", "shop_errors/alert=ErrorsHigh")
    drawn = bundle.readings.collect().filter(entity=f"{LOCAL}/shop", signal=bundle.symptom.signal)
    assert drawn["value"].max() > 0.2 > drawn["value"].min()
    assert (bundle.step_seconds, bundle.source) == (STEP, "prometheus")


def test_what_is_near_is_read_and_what_is_far_is_said(site, settings):
    bundle = asked(settings, "CheckoutSlow")
    assert (f"{LOCAL}/shop", f"{LOCAL}/db") in bundle.topology
    entities = set(bundle.readings.collect()["entity"])
    assert {f"{LOCAL}/shop", f"{LOCAL}/db", f"{LOCAL}/mail", LOCAL} <= entities


def test_log_lines_come_along(site, settings):
    logs = asked(settings, "CheckoutSlow").logs
    assert logs is not None
    ((_, entity, severity, body, _),) = logs.collect().rows()
    assert (entity, severity) == (f"{LOCAL}/db", "ERROR")
    assert body.startswith("still waiting")


def test_what_is_kept_here_of_the_same_hosts_comes_along(site, settings, tmp_path):
    now = datetime.now(UTC)
    rows = [(now, LOCAL, "hw.status/FAN1", 2.0), (now, "elsewhere", "hw.status/FAN1", 2.0)]
    (tmp_path / "kept").mkdir()
    with Journal(tmp_path / "kept" / "journal.db", writing=True) as journal:
        edges = pl.DataFrame([(now, "mail", "db", "traces")], EDGES, orient="row")
        journal.commit([batch_of(pl.DataFrame(rows, READINGS, orient="row"), edges)])
    known = json.loads(settings.read_text())
    settings.write_text(json.dumps(known | {"telemetry": {"dir": str(tmp_path / "kept")}}))
    bundle = asked(settings, "CheckoutSlow")
    assert (f"{LOCAL}/mail", f"{LOCAL}/db") in bundle.topology
    read = bundle.readings.collect()
    assert set(read.filter(signal="hw.status/FAN1")["entity"]) == {LOCAL}
    assert f"{LOCAL}/db" in read["entity"]


def test_without_a_prometheus_what_is_kept_has_to_do(site, settings, tmp_path):
    fired = firing(site.alertmanager)["CheckoutSlow"]
    begin = datetime.fromisoformat(fired["startsAt"])
    signal = "shop_request_duration_seconds/quantile=0.95"
    moments = [begin - timedelta(seconds=5 * back) for back in range(-20, 200)]
    rows = [(moment, f"{LOCAL}/shop", signal, 1.0) for moment in moments]
    (tmp_path / "kept").mkdir()
    with Journal(tmp_path / "kept" / "journal.db", writing=True) as journal:
        journal.commit([batch_of(pl.DataFrame(rows, READINGS, orient="row"))])
    sources = {"alertmanager": {"url": site.alertmanager}}
    told = {"sources": sources, "telemetry": {"dir": str(tmp_path / "kept")}}
    settings.write_text(json.dumps(told))
    bundle = asked(settings, fired["fingerprint"])
    assert bundle.symptom == Node(f"{LOCAL}/shop", signal)
    assert bundle.alert_time == begin  # nobody tells for how long the rule had waited


def test_an_alert_that_tells_no_symptom_is_explained_all_the_same(site, settings):
    bundle = asked(settings, "NothingTold")
    assert bundle.symptom is None
    assert any("does not tell its symptom" in said for said in bundle.missing)
    read = set(bundle.readings.collect()["entity"])
    assert {f"{LOCAL}/shop", f"{LOCAL}/db", f"{LOCAL}/mail"} <= read


def test_a_silence_is_told_with_the_incident(site, settings):
    silence = {
        "matchers": [{"name": "alertname", "value": "CheckoutSlow", "isRegex": False}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "alice",
        "comment": "known",
    }
    made = httpx.post(f"{site.alertmanager}/api/v2/silences", json=silence).json()["silenceID"]
    try:
        told = asked(settings, "CheckoutSlow").silenced
    finally:
        assert httpx.delete(f"{site.alertmanager}/api/v2/silence/{made}").is_success
    assert told == "The alert is silenced by alice until 2099-01-01 00:00 UTC: known."


def test_an_alert_that_does_not_fire_is_told_with_those_that_do(site, settings):
    with pytest.raises(Failure, match=r"no alert DiskFull fires \(these do: CheckoutSlow, .*"):
        asked(settings, "DiskFull")


def test_a_prometheus_that_does_not_answer_is_told_with_the_setting(settings):
    settings.write_text(json.dumps({"sources": {"prometheus": {"url": f"http://{LOCAL}:1"}}}))
    with pytest.raises(Failure, match=r"cannot be read: .*\(see sources.prometheus in the"):
        asked(settings, "CheckoutSlow")
    settings.write_text("{}")
    with pytest.raises(Failure, match=r"set sources.prometheus.url or sources.alertmanager.url"):
        asked(settings, "CheckoutSlow")
