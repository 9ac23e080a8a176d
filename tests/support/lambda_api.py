"""The Lambda Runtime API on loopback: hands one invocation after another to a runtime and takes its answers.

The interface is that of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, version 2018-06-01.
"""

import json
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reporting_framework.testing.s3 import HOST

PREFIX = "/2018-06-01/runtime"
ANSWERS = ("response", "error")


@dataclass
class Work:
    """One invocation as the runtime gets it, and what the runtime has said of it."""

    request_id: str
    event: bytes
    deadline_ms: int
    arn: str
    trace_id: str | None = None
    client_context: str | None = None
    answer: bytes | None = None
    error: dict[str, Any] | None = None
    answered: bool = False
    """Answered or failed."""
    over: threading.Event = field(default_factory=threading.Event)
    """The runtime asks for the next one: this one has printed its last."""

    def headers(self) -> dict[str, str]:
        """What Lambda sends along with the event."""
        given = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
            "Lambda-Runtime-Client-Context": self.client_context,
        }
        return {name: value for name, value in given.items() if value is not None}


class RuntimeApi:
    """What one runtime asks and says; made afresh for every process."""

    def __init__(self) -> None:
        self.address = ""
        self.ready = threading.Event()
        """The runtime has loaded its handler and asks for an invocation, or has said why it cannot."""
        self.init_error: dict[str, Any] | None = None
        self._queue: queue.Queue[Work | None] = queue.Queue()
        self._current: Work | None = None

    def submit(self, work: Work) -> None:
        """Hand this to the runtime as soon as it asks."""
        self._queue.put(work)

    def next(self) -> Work | None:
        """Called for the runtime: what it gets next, or nothing when the tests are over."""
        if self._current is not None:
            self._current.over.set()
        self.ready.set()
        self._current = self._queue.get()
        return self._current

    def said(self, path: str, body: bytes) -> bool:
        """Called for the runtime: it posted this; whether that was to be expected."""
        if path == "init/error":
            self.init_error = json.loads(body)
            self.ready.set()
            return True
        work = self._current
        if (
            work is None
            or work.answered
            or path not in {f"invocation/{work.request_id}/{x}" for x in ANSWERS}
        ):
            return False
        if path.endswith("/error"):
            work.error = json.loads(body)
        else:
            work.answer = body
        work.answered = True
        return True

    def close(self) -> None:
        """Let go of a runtime that waits."""
        self._queue.put(None)


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    """The API for one runtime, whose `AWS_LAMBDA_RUNTIME_API` is its `.address`."""
    api = RuntimeApi()
    server = _Server((HOST, 0), type("Handler", (_Handler,), {"api": api}))
    api.address = f"{HOST}:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever,
        args=(0.02,),
        name="lambda-runtime-api",
        daemon=True,
    )
    thread.start()
    try:
        yield api
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A runtime that has died mid-way is no error of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    api: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # with it, and headers apart from the body, every exchange takes 0.04 s
    )
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}/invocation/next":
            return self._send(HTTPStatus.NOT_FOUND, b"{}", {})
        work = self.api.next()
        if work is None:
            self.close_connection = True
            return None
        return self._send(HTTPStatus.OK, work.event, work.headers())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        known = self.api.said(self.path.removeprefix(f"{PREFIX}/"), body)
        status = HTTPStatus.ACCEPTED if known else HTTPStatus.BAD_REQUEST
        self._send(
            status,
            json.dumps({"status": "OK" if known else "InvalidRequestID"}).encode(),
            {},
        )

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what counts is seen in the invocation."""
