"""How a command sees the daemon: where none is, nothing is said; settings have to agree."""

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from diagnose.config import DaemonSection, Settings
from diagnose.daemon.client import NotAnswered, believed, explained
from diagnose.daemon.protocol import agreed
from diagnose.question import Question
from models.kinds import METRIC_KINDS

ALERT = Question(alert="HighLatency")
PAIRS = [(METRIC_KINDS[0], METRIC_KINDS[1])]


def settings(socket, **more):
    return Settings(daemon=DaemonSection(socket=socket), **more)


@pytest.mark.parametrize("name", ["none", "folder", "x" * 5000])
def test_where_no_daemon_is_nobody_is_asked(tmp_path, name):
    (tmp_path / "folder").mkdir()
    assert explained(ALERT, settings(tmp_path / name)) is None
    assert believed(PAIRS, settings(tmp_path / name)) is None


class Stranger(BaseHTTPRequestHandler):
    """Answers everything alike, and not as a daemon does."""

    code, body = 200, b"[]"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.code)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def address_string(self):
        return "somebody"

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("code", "body", "why"),
    [
        (200, b"{}", "its answer is no"),
        (200, b"[]", "its answer is no"),
        (200, b"[1", "its answer is no"),
        (503, b'{"error": "too much is waiting already"}', "too much is waiting already"),
        (500, b"Internal Server Error", "it answers 500"),
        (404, b"[]", "it answers 404"),
    ],
)
def test_what_is_no_answer_is_told(tmp_path, code, body, why):
    answers = type("Answers", (Stranger,), {"code": code, "body": body})
    path = tmp_path / "daemon.sock"
    with UnixStreamServer(str(path), answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            for ask in (lambda: explained(ALERT, settings(path)),
                        lambda: believed(PAIRS, settings(path))):  # fmt: skip
                with pytest.raises(NotAnswered, match=why):
                    ask()
        finally:
            server.shutdown()
            thread.join()


def test_settings_agree_where_they_bear_on_the_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = agreed(settings("a", explain={"topology": "topology.yaml"}))
    assert here == agreed(settings("b", explain={"topology": tmp_path / "topology.yaml"}))
    assert here == agreed(
        settings(
            "a",
            explain={"topology": "topology.yaml"},
            model={"cache_dir": "/elsewhere"},
            ingest={"port": 1},
        )
    )
    for more in (
        {"explain": {"topology": Path("/other.yaml")}},
        {"explain": {"topology": "topology.yaml", "max_nodes": 5}},
        {"explain": {"topology": "topology.yaml"}, "model": {"proposer": "none"}},
        {"explain": {"topology": "topology.yaml"}, "store": {"url": "sqlite:////x.db"}},
    ):
        assert agreed(settings("a", **more)) != here
