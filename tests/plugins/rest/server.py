"""An HTTP server on loopback with exact faults: each answer is bytes, and may be cut, dripped or stopped."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def param(self, name: str, default: str | None = None) -> Any:
        values = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return values.get(name, [default])[0]


@dataclass(frozen=True)
class Answer:
    """One answer. `cut`: bytes of it until the connection is closed. `drip`: seconds between its bytes.

    `framing` says how a body ends: "length", "chunked" or "close". `closes`: the connection is closed after it.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float | None = None
    wait: float = 0.0
    version: str = "1.1"
    framing: str = "length"
    closes: bool = False

    def to_bytes(self) -> bytes:
        body = (
            self.body
            if isinstance(self.body, bytes)
            else json.dumps(self.body).encode()
        )
        headers = {"content-type": "application/json"}
        if self.status not in (204, 304) and self.framing == "length":
            headers["content-length"] = str(len(body))
        if self.framing == "chunked":
            headers["transfer-encoding"] = "chunked"
            pieces = [body[at : at + 9_000] for at in range(0, len(body), 9_000)]
            body = b"".join(
                b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""]
            )
        if self.closes and self.version == "1.1":
            headers["connection"] = "close"
        lines = [f"{name}: {value}" for name, value in (headers | self.headers).items()]
        head = "\r\n".join([f"HTTP/{self.version} {self.status} X", *lines, "", ""])
        return head.encode() + body


Handler = Callable[[Asked], Answer]


class Server:
    """The server. `handler` may be replaced at any time; `asked` has all requests."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[Asked] = []
        self.connections = 0
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self) -> list[Asked]:
        taken, self.asked = self.asked, []
        return taken

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in list(self._open):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.add(client)
                threading.Thread(
                    target=self._serve, args=(client,), daemon=True
                ).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, ValueError), client, client.makefile("rb") as reader:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (asked := _read(reader)) is not None:
                self.asked.append(asked)
                answer = self.handler(asked)
                time.sleep(answer.wait)
                data = answer.to_bytes()
                if answer.drip is not None:
                    for at in range(len(data)):
                        client.sendall(data[at : at + 1])
                        time.sleep(answer.drip)
                client.sendall(data[: answer.cut])
                if answer.cut is not None or answer.closes:
                    break
        self._open.discard(client)


def _read(reader: Any) -> Asked | None:
    line = reader.readline().decode()
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while (text := reader.readline().decode().strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


@contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    """Start a server."""
    server = Server(handler)
    try:
        yield server
    finally:
        server.close()
