"""Each way in: how it is answered, and that a repetition changes nothing."""

import gzip
import json
import time
from datetime import UTC, datetime, timedelta

import cramjam
import pytest

from diagnose.ingest.losses import Losses
from diagnose.telemetry.reader import Reader
from tests.bench.ingest import field, sample_of

JSON = {"content-type": "application/json", "content-encoding": ""}


def logs(site):
    now = datetime.now(UTC)
    with Reader(f"{site.folder}/tables", site.folder / "journal.db") as reader:
        return reader.logs(now - timedelta(hours=1), now + timedelta(minutes=1))


def otlp_logs(*bodies):
    records = [
        {"timeUnixNano": str(time.time_ns()), "severityText": "INFO", "body": {"stringValue": body}}
        for body in bodies
    ]
    host = {"key": "host.name", "value": {"stringValue": "db1"}}
    resource = {"attributes": [host]}
    scope = {"resource": resource, "scopeLogs": [{"logRecords": records}]}
    return json.dumps({"resourceLogs": [scope]}).encode()


def loki(*lines):
    values = [[str(time.time_ns()), line] for line in lines]
    return json.dumps({"streams": [{"stream": {"host": "db1"}, "values": values}]}).encode()


BEGAN = datetime.now(UTC).isoformat()


def alerts(*names):
    labels = {"instance": "web1:80", "job": "shop", "severity": "page"}
    firing = [
        {
            "status": "firing",
            "labels": {**labels, "alertname": name},
            "annotations": {},
            "startsAt": BEGAN,
        }
        for name in names
    ]
    return json.dumps({"version": "4", "status": "firing", "alerts": firing}).encode()


@pytest.mark.parametrize(
    ("path", "body", "code", "entity"),
    [
        ("/v1/logs", otlp_logs("hello"), 200, "db1"),
        ("/loki/api/v1/push", loki("hello"), 204, "db1"),
        ("/api/v1/alerts", alerts("Slow"), 204, "web1/shop"),
        ("/api/v1/deploys", b'{"entity": "web1/shop", "version": "2"}', 204, "web1/shop"),
    ],
    ids=["otlp", "loki", "alertmanager", "deploy"],
)
def test_a_log_is_kept_once_however_often_its_request_is_repeated(site, path, body, code, entity):
    packed = {**JSON, "content-encoding": "gzip"}
    assert site.post(body, path, **JSON).status_code == code
    repeatable = path != "/api/v1/deploys"  # a change that tells no time happens when it is told
    if repeatable:
        assert site.post(body, path, **JSON).status_code == code
        assert site.post(gzip.compress(body), path, **packed).status_code == code
    assert logs(site)["entity"].to_list() == [entity]
    assert site.post(b"{", path, **JSON).status_code == 400


def test_an_alert_is_one_event_in_whatever_company_it_is_told_again(site):
    for names in (["Slow"], ["Slow", "Errors"], ["Errors", "Slow"]):
        assert site.post(alerts(*names), "/api/v1/alerts", **JSON).status_code == 204
    told = [json.loads(attributes)["alert"] for attributes in logs(site)["attributes"]]
    assert sorted(told) == ["Errors", "Slow"]


def test_calls_of_a_trace_are_counted_once_however_often_their_request_is_repeated(site):
    now = time.time_ns()
    span = {"traceId": "ab", "spanId": "01", "kind": 2, "startTimeUnixNano": str(now - 10**9)}
    service = {"key": "service.name", "value": {"stringValue": "shop"}}
    scope = {"spans": [{**span, "endTimeUnixNano": str(now)}]}
    resource = {"resource": {"attributes": [service]}, "scopeSpans": [scope]}
    body = json.dumps({"resourceSpans": [resource]}).encode()
    for sent, encoding in ((body, ""), (gzip.compress(body), "gzip"), (body, "")):
        headers = {**JSON, "content-encoding": encoding}
        assert site.post(sent, "/v1/traces", **headers).status_code == 200
    moment = datetime.now(UTC)
    with Reader(f"{site.folder}/tables", site.folder / "journal.db") as reader:
        kept = reader.readings(moment - timedelta(minutes=1), moment)
    values = dict(kept.select("signal", "value").iter_rows())
    assert len(kept) == len(values)
    assert values["trace.requests_total"] == 1


def test_two_equal_lines_of_one_request_are_two(site):
    site.post(otlp_logs("again", "again"), "/v1/logs", **JSON)
    site.post(loki("and again", "and again"), "/loki/api/v1/push", **JSON)
    assert sorted(logs(site)["body"]) == ["again", "again", "and again", "and again"]


def test_otlp_says_how_many_records_were_not_kept(site):
    old = json.loads(otlp_logs("new", "old"))
    records = old["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    records[1]["timeUnixNano"] = "1000"
    answer = site.post(json.dumps(old).encode(), "/v1/logs", **JSON)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert 'reason="too_old"' in site.meters.page().decode()
    assert logs(site)["body"].to_list() == ["new"]


def at(**ago):
    return datetime.now(UTC) - timedelta(**ago)


def loki_at(*times):
    values = [[str(time), f"line of {time}"] for time in times]
    return json.dumps({"streams": [{"stream": {"host": "db1"}, "values": values}]}).encode()


@pytest.mark.parametrize(
    ("moment", "unit", "why"),
    [
        (at(days=-400), 10**9, "timestamp too new"),
        (at(days=60), 10**9, "timestamp too old"),
        (at(), 1, "a time is nanoseconds since 1970"),
        (at(), 10**3, "a time is nanoseconds since 1970"),
    ],
)
def test_lines_of_an_impossible_time_are_refused_as_loki_does(site, moment, unit, why):
    answer = site.post(loki_at(int(moment.timestamp() * unit)), "/loki/api/v1/push", **JSON)
    assert answer.status_code == 400
    assert why in answer.text
    assert "of 1 record" in answer.text
    assert logs(site).height == 0


def test_lines_that_can_be_kept_are_kept_beside_others(site):
    body = loki_at(time.time_ns(), 1000)
    for _ in range(2):
        answer = site.post(body, "/loki/api/v1/push", **JSON)
        assert answer.status_code == 400
        assert answer.text.startswith("loki push: not kept of 2 records: 1 with timestamp too old")
        assert "the others are on the disk" in answer.text
    assert logs(site).height == 1


def test_a_change_of_another_time_is_refused_and_the_others_are_kept(site):
    far = {"entity": "shop", "time": "2031-01-01T00:00:00Z"}
    answer = site.post(json.dumps(far).encode(), "/api/v1/deploys", **JSON)
    assert answer.status_code == 400
    assert "timestamp too new: more than 10 min ahead of this server's clock" in answer.text
    answer = site.post(json.dumps([far, {"entity": "web"}]).encode(), "/api/v1/deploys", **JSON)
    assert answer.status_code == 400
    assert logs(site)["entity"].to_list() == ["web"]


def test_samples_none_of_which_can_be_kept_are_refused_and_others_are_taken(site):
    def sent(*moments):
        made = (sample_of(int(one.timestamp() * 1000), 1.0) for one in moments)
        label = field(1, field(1, b"__name__") + field(2, b"up"))
        body = b"".join(field(1, label + one) for one in made)
        return site.post(bytes(cramjam.snappy.compress_raw(body)))

    answer = sent(at(days=3), at(days=3))
    assert answer.status_code == 400
    assert "not kept of 2 records: 2 with timestamp too old" in answer.text
    assert answer.headers["x-prometheus-remote-write-samples-written"] == "0"
    answer = sent(at(days=3), at())
    assert (answer.status_code, answer.text) == (204, "")
    assert answer.headers["x-prometheus-remote-write-samples-written"] == "1"


def test_an_alert_that_is_too_old_is_told_once_a_few_minutes(site, caplog):
    old = json.loads(alerts("Slow", "Errors"))
    old["alerts"][0]["startsAt"] = at(days=90).isoformat()
    for _ in range(3):
        answer = site.post(json.dumps(old).encode(), "/api/v1/alerts", **JSON)
        assert answer.status_code == 204
    said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == ["1 record of alertmanager not kept: too_old, the last of testclient"]
    old["alerts"].pop()
    assert site.post(json.dumps(old).encode(), "/api/v1/alerts", **JSON).status_code == 400


def test_what_is_lost_is_told_again_after_a_while_with_all_that_was_lost(caplog):
    now = [0.0]
    losses = Losses(lambda: now[0])
    for now[0] in (0.0, 100.0, 200.0, 301.0):
        losses.note("loki", "too_old", 2, "10.0.0.1\x1b[2J")
    losses.note("loki", "too_far_in_future", 1)
    assert [one.getMessage() for one in caplog.records] == [
        "2 records of loki not kept: too_old, the last of 10.0.0.1",
        "6 records of loki not kept: too_old, the last of 10.0.0.1",
        "1 record of loki not kept: too_far_in_future",
    ]


def test_a_secret_in_a_line_never_reaches_the_disk(site):
    secret = "hunter2-and-more"
    for path, body in (
        ("/v1/logs", otlp_logs(f"login with password={secret} failed")),
        ("/loki/api/v1/push", loki(f"login with password={secret} failed")),
    ):
        assert site.post(body, path, **JSON).status_code < 300
    assert all("redacted" in body for body in logs(site)["body"])
    kept = [file for file in site.folder.rglob("*") if file.is_file()]
    assert not any(secret.encode() in file.read_bytes() for file in kept)


def test_remote_write_2_is_told_how_many_samples_were_written(site):
    kind = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    answer = site.post(b"\x00", **{"content-type": kind})  # an empty request, packed
    assert answer.status_code == 204
    assert answer.headers["x-prometheus-remote-write-samples-written"] == "0"
