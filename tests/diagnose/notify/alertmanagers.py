"""Real Alertmanagers, and a small server that counts whom they notify."""

import json
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.programs import LOCAL, free_port, listens, needed, started, wait_until


class Notified:
    """Alerts that Alertmanager's own webhook told of: (status, name, entity, peer) each time."""

    def __init__(self):
        self.seen = []

    def count(self, status, entity=None):
        return sum(one[0] == status and entity in (None, one[2]) for one in self.seen)

    def by_one_peer(self, status):
        """Return the most that any single peer told of."""
        told = Counter(peer for found, _, _, peer in self.seen if found == status)
        return max(told.values(), default=0)


@contextmanager
def counted():
    """Yield the address of a receiver of Alertmanager's notifications, and what it got."""
    notified = Notified()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for alert in body["alerts"]:
                own = alert["labels"]
                told = alert["status"], own["alertname"], own.get("entity"), body["externalURL"]
                notified.seen.append(told)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((LOCAL, 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://{LOCAL}:{server.server_port}/", notified
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Peer:
    """One Alertmanager that can be stopped and started; it keeps its folder and its ports."""

    def __init__(self, folder, receiver, gossip=None, other=None):
        self.program = needed("prometheus-alertmanager", "prometheus-alertmanager")
        self.folder, self.port, self.gossip, self.other = folder, free_port(), gossip, other
        self.url = f"http://{LOCAL}:{self.port}"
        self._stack = ExitStack()
        folder.mkdir()
        facts = {
            "route": {
                "receiver": "counted",
                "group_by": ["..."],
                "group_wait": "0s",
                "group_interval": "1s",
                "repeat_interval": "4h",
            },
            "receivers": [
                {
                    "name": "counted",
                    "webhook_configs": [{"url": receiver, "send_resolved": True}],
                }
            ],
        }
        (folder / "alertmanager.yml").write_text(json.dumps(facts))

    def start(self):
        cluster = f"{LOCAL}:{self.gossip}" if self.gossip else ""
        options = [
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'kept'}",
            f"--web.listen-address={LOCAL}:{self.port}",
            f"--cluster.listen-address={cluster}",
            f"--web.external-url={self.url}",
            "--cluster.peer-timeout=1s",
            "--cluster.gossip-interval=50ms",
            "--cluster.settle-timeout=1s",
        ]
        if self.other:
            options.append(f"--cluster.peer={LOCAL}:{self.other}")
        self._stack.enter_context(started([self.program, *options], self.folder / "log"))
        wait_until(lambda: listens(self.port), what="Alertmanager listens")
        wait_until(lambda: httpx.get(f"{self.url}/-/ready").is_success, what="it is ready")

    def stop(self):
        self._stack.close()

    def alerts(self):
        """Return the alerts that fire, by entity."""
        found = httpx.get(f"{self.url}/api/v2/alerts").json()
        return {one["labels"].get("entity", ""): one for one in found}

    def silence(self, **labels):
        """Silence what has these labels for an hour; return the silence's id."""
        matchers = [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in labels.items()
        ]
        body = {
            "matchers": matchers,
            "startsAt": "2020-01-01T00:00:00Z",
            "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "ops",
            "comment": "being replaced",
        }
        return httpx.post(f"{self.url}/api/v2/silences", json=body).json()["silenceID"]

    def unsilence(self, silence):
        assert httpx.delete(f"{self.url}/api/v2/silence/{silence}").is_success

    def active(self):
        """Return how many alerts fire."""
        return len(httpx.get(f"{self.url}/api/v2/alerts").json())
