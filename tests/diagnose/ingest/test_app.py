import gzip
import random
import threading
import zlib
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from diagnose.ingest import body
from diagnose.telemetry.journal import Overloaded
from diagnose.telemetry.reader import Reader
from tests.diagnose.ingest.conftest import ONE, write_request


def kept(site):
    with Reader(f"{site.folder}/tables", site.folder / "journal.db") as reader:
        now = datetime.now(UTC)
        return reader.readings(now - timedelta(hours=1), now).select("entity", "signal", "value")


def test_what_is_answered_with_2xx_is_there_for_a_reader(site):
    assert site.post().status_code == 204
    assert kept(site).rows() == [("web1/shop", "up", 1.0)]


def test_whoever_speaks_another_language_is_told_so(site):
    assert site.post(b"no snappy").status_code == 400
    assert site.post(ONE[:-3]).status_code == 400
    assert site.post(**{"content-type": "text/plain"}).status_code == 415
    assert site.client.get("/api/v1/write").status_code == 405
    assert site.client.get("/nowhere").status_code == 404


def test_a_body_beyond_its_bounds_is_refused_whatever_it_claims(site, monkeypatch):
    huge = write_request(
        *[({"__name__": "m", "host": "h", "n": str(n)}, 0.0) for n in range(40_000)]
    )
    assert site.post(huge).status_code == 413
    monkeypatch.setattr(body, "SENT", 1000)
    assert site.post(b"x" * 1001).status_code == 413

    def trickle():
        yield from [b"x" * 400] * 3

    assert site.post(trickle()).status_code == 413


def test_overload_is_503_with_a_time_to_come_back(site, monkeypatch):
    def full(batch):
        future: Future[bool] = Future()
        future.set_exception(Overloaded("the journal is full"))
        return future

    monkeypatch.setattr(site.writer, "append", full)
    answer = site.post()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.undo()
    assert site.post().status_code == 204


def test_a_secret_in_a_label_never_reaches_the_disk(site):
    labels = {"__name__": "up", "host": "db1", "target": "http://root:hunter2secret@db1/"}
    assert site.post(write_request((labels, 1.0))).status_code == 204
    ((_, signal, _),) = kept(site).rows()
    assert "redacted" in signal
    files = [file for file in site.folder.rglob("*") if file.is_file()]
    assert not any(b"hunter2secret" in file.read_bytes() for file in files)


def test_while_there_is_a_token_nobody_comes_in_without_one(site):
    sender = site.tokens.add("prometheus", "ingest")
    reader = site.tokens.add("grafana", "read")
    admin = site.tokens.add("root", "admin")
    answer = site.post()
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert site.post(token="aitia_wrong").status_code == 401
    assert site.post(token=reader).status_code == 403
    assert site.post(token=sender).status_code == site.post(token=admin).status_code == 204
    pages = [
        site.client.get("/metrics", headers={"authorization": f"bearer {token}"}).status_code
        for token in (sender, reader, admin)
    ]
    assert pages == [403, 200, 200]
    assert site.client.get("/metrics").status_code == 401
    assert site.client.get("/-/healthy").status_code == 200
    site.tokens.revoke("prometheus")
    assert site.post(token=sender).status_code == 401


def test_no_token_is_in_what_the_server_says_or_keeps(site):
    token = site.tokens.add("prometheus", "ingest")
    said = site.post(token=token).text + site.post(token=token[:-1]).text
    page = site.meters.page().decode()
    kept = (site.folder / "tokens.json").read_text()
    assert token not in said + page + kept
    assert "prometheus" not in page
    assert (site.folder / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_metrics_count_what_was_kept_and_what_was_not(site):
    site.post()
    site.post(b"no snappy")
    page = site.meters.page().decode()
    for line in (
        'aitia_ingest_records_total{source="remote_write",stream="readings"} 1.0',
        'aitia_ingest_responses_total{code="204",source="remote_write"} 1.0',
        'aitia_ingest_discarded_total{reason="malformed",source="remote_write"} 1.0',
        "aitia_ingest_flush_failing 0.0",
    ):
        assert line in page


def test_ready_says_so_when_the_tables_cannot_be_written(site):
    assert site.client.get("/-/ready").status_code == 200
    site.writer.mover.failure = "disk full"
    assert site.client.get("/-/ready").status_code == 503
    assert site.post().status_code == 204  # the journal still takes it


@pytest.mark.parametrize(
    ("sent", "encoding", "code"),
    [
        (gzip.compress(b"x" * (body.UNPACKED + 1)), "gzip", 413),
        (gzip.compress(b"x")[:-4], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (gzip.compress(b"x") * 2, "gzip", 400),
        (b"x", "br", 415),
    ],
    ids=["too large", "cut short", "damaged", "two in one", "packed in another way"],
)
def test_a_packed_body_is_refused_by_what_is_wrong_with_it(sent, encoding, code):
    with pytest.raises(body.Refused) as refused, body.Turns().unpacked(sent, encoding):
        pass
    assert refused.value.code == code


@pytest.mark.parametrize("size", [0, 3, body.PART, body.PART + 1, 5 * body.PART, body.LARGE])
def test_a_packed_body_is_unpacked(size):
    whole = random.Random(size).randbytes(size)
    packed = {
        "gzip": gzip.compress(whole),
        "deflate": zlib.compress(whole),
        "identity": whole,
        "": whole,
    }
    turns = body.Turns()
    for encoding, sent in packed.items():
        with turns.unpacked(sent, encoding) as found:
            assert found == whole


def test_of_large_bodies_one_is_read_at_a_time_and_small_ones_pass():
    turns, order = body.Turns(), []
    large, small = (gzip.compress(bytes(size)) for size in (body.LARGE, 10))

    def read():
        with turns.unpacked(large, "gzip"):
            order.append("second")

    second = threading.Thread(target=read)
    with turns.unpacked(large, "gzip"):
        second.start()
        with turns.unpacked(small, "gzip"):
            order.append("small")
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["small", "first", "second"]
