"""A server's parts in this process, and requests like those of a real Prometheus."""

import time
from datetime import timedelta

import cramjam
import pytest
from starlette.testclient import TestClient

from collectors.limits import Limits
from collectors.redaction import Redaction
from diagnose.ingest.app import create_app
from diagnose.ingest.cleaning import Cleaning
from diagnose.ingest.intake import Intake
from diagnose.ingest.meters import Meters
from diagnose.ingest.protocols import protocols
from diagnose.ingest.tokens import Tokens
from tests.bench.ingest import field, sample_of
from tests.diagnose.telemetry.conftest import journal_writer

WRITE = "/api/v1/write"
HEADERS = {"content-type": "application/x-protobuf", "content-encoding": "snappy"}


def write_request(*series):
    """Return a request of remote write that holds one sample of each: (labels, value)."""
    now = int(time.time() * 1000)
    body = b""
    for labels, value in series:
        named = [field(1, name.encode()) + field(2, v.encode()) for name, v in labels.items()]
        body += field(1, b"".join(field(1, label) for label in named) + sample_of(now, value))
    return bytes(cramjam.snappy.compress_raw(body))


ONE = write_request(({"__name__": "up", "instance": "web1:80", "job": "shop"}, 1.0))


class Site:
    """An application over a folder, as the server puts it together."""

    def __init__(self, folder, writer):
        self.folder = folder
        self.writer = writer
        self.tokens = Tokens(folder / "tokens.json")
        self.meters = Meters()
        self.meters.watch(writer)
        self.intake = Intake(Cleaning(Redaction(b"k" * 32)), writer, self.meters)
        ways_in = protocols(Limits(unpacked_bytes=1 << 20, past=timedelta(days=1)))
        app = create_app(ways_in, writer, self.intake, self.tokens, self.meters)
        self.client = TestClient(app)

    def post(self, body=ONE, path=WRITE, token=None, **headers):
        if token:
            headers["authorization"] = f"Bearer {token}"
        return self.client.post(path, content=body, headers={**HEADERS, **headers})


@pytest.fixture
def site(tmp_path):
    with journal_writer(tmp_path) as writer:
        site = Site(tmp_path, writer)
        yield site
        site.intake.close()
