"""An HTTP server on 127.0.0.1 that answers what a test wrote down."""

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.programs import LOCAL


@contextmanager
def served(answer, tls=None):
    """Yield the address of a server.

    Args:
        answer: Gives (status, JSON value) for (path with query, headers, body).
        tls: Files of a certificate and its key; None for plain HTTP.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: a second one would wait for the first's receipt

        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            status, value = answer(self.path, self.headers, self.rfile.read(length).decode())
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((LOCAL, 0), Handler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://{LOCAL}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tree(resources, refused=None):
    """Return an answer for a tree of resources by path; all else is 404."""

    def answer(path, headers, body):
        for known, status in (refused or {}).items():
            if path.startswith(known):
                return status, {"error": {"message": "no"}}
        bare = urlsplit(path).path.rstrip("/")
        found = resources.get(path) or resources.get(bare)
        return (200, found) if found is not None else (404, {"error": {"message": "not found"}})

    return answer
