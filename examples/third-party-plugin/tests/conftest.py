"""A webhook on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@pytest.fixture
def posted(monkeypatch):
    """Bodies that a server on loopback was sent; the webhook is set to it."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}
    )
    thread.start()
    monkeypatch.setenv(
        "ACME_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/hook"
    )
    yield bodies
    server.shutdown()
    server.server_close()
    thread.join()
