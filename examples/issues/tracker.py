"""An issue tracker on loopback: pages of issues, comments of each, and a rate limit."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN = "a-token-of-the-example"  # noqa: S105 - it opens nothing else
PAGE = 50
ISSUES: dict[int, dict[str, Any]] = {
    number: {
        "id": number,
        "title": f"Issue {number}",
        "state": "open",
        "labels": ["bug"] if number % 3 else [],
        "updated_at": f"2026-01-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
    }
    for number in range(1, 181)
}
LIMIT_EVERY = 150
"""Number of requests after which one is refused."""


class Tracker(BaseHTTPRequestHandler):
    """The API: ``/issues?since=TIME`` and ``/issues/NUMBER/comments``."""

    protocol_version = "HTTP/1.1"
    requests = 0

    def do_GET(self) -> None:
        """Answer a request."""
        type(self).requests += 1
        parts = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"error": "unauthorized"})
        elif self.requests % LIMIT_EVERY == 0:
            self._answer(429, {"error": "slow down"}, {"Retry-After": "1"})
        elif parts.path == "/issues":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._answer(200, _page(query))
        else:
            number = int(parts.path.split("/")[2])
            texts = ["I see it, too.", "Fixed."][: number % 3]
            rows = [
                {"id": number * 10 + at, "body": text} for at, text in enumerate(texts)
            ]
            self._answer(200, rows)

    def _answer(
        self, status: int, body: object, headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def _page(query: dict[str, str]) -> dict[str, Any]:
    """Return a page of the issues that have changed, the oldest change first."""
    since, offset = query.get("since", ""), int(query.get("offset", "0"))
    changed = [each for each in ISSUES.values() if each["updated_at"] >= since]
    changed.sort(key=lambda each: (each["updated_at"], each["id"]))
    following = None
    if offset + PAGE < len(changed):
        following = f"/issues?{urlencode({**query, 'offset': offset + PAGE})}"
    return {"items": changed[offset : offset + PAGE], "next": following}


@contextmanager
def serving() -> Iterator[int]:
    """Serve the tracker; gives the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tracker)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
