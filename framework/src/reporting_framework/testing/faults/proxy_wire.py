"""The proxy's two ends of each connection, byte for byte.

Only request heads and the status lines of responses are parsed. So one core carries
thousands of requests a second, and the `Host` header, on which signatures depend,
arrives unchanged. Each client connection has an upstream connection of its own. Chunked
request bodies are refused (501): over plain HTTP boto3, obstore and polars send none.
"""

import asyncio
from collections.abc import Callable

from reporting_framework.testing.faults.proxy_memory import HEAD_END, Memory, header
from reporting_framework.testing.faults.rules import Exchange, Fault

ALL = -1

Arrived = Callable[[bytes, bytes], tuple[Exchange, float]]
"""Function of a request's method and target that returns its record and its delay."""


class Side(asyncio.Protocol):
    """One of two ends that pass bytes to each other.

    Each end reads no faster than the other can write.
    """

    transport: asyncio.Transport
    peer: "Side | None" = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport.

        For TCP, asyncio always passes a `Transport`.
        """
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other end too, after it has written its pending bytes."""
        if self.peer is not None:
            self.peer.transport.close()

    def pause_writing(self) -> None:
        """Stop the other end's reading: this end is full."""
        if self.peer is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        """Resume the other end's reading: this end has room again."""
        if self.peer is not None:
            self.peer.transport.resume_reading()


class ServerSide(Side):
    """The end towards the server; it receives the responses."""

    def __init__(self, client: "ClientSide") -> None:
        self.peer: ClientSide = client

    def data_received(self, data: bytes) -> None:
        """Pass the response on."""
        self.peer.answer_received(data)


class ClientSide(Side):
    """The end towards the client; it receives request heads and bodies."""

    def __init__(
        self,
        upstream: tuple[str, int],
        arrived: Arrived,
        memory: Memory,
        clients: "set[ClientSide]",
    ) -> None:
        self.upstream = upstream
        self.arrived = arrived
        self.memory = memory
        self.clients = clients
        self.exchange: Exchange | None = None
        self.pending = (  # received, not parsed: half a head, or anything while held
            b""
        )
        self.held = True
        self.body = 0  # bytes of the request's body still to come
        self.answer = b""  # the proxy's own response, sent when the body has arrived
        self.room = ALL  # bytes of the server's response that may still pass

    def abort(self) -> None:
        """Break both connections, like a pulled cable."""
        self.transport.abort()
        if self.peer is not None:
            self.peer.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the connection to the server; hold received bytes until then."""
        super().connection_made(transport)
        self.clients.add(self)
        self.connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client, which has disconnected or was disconnected."""
        super().connection_lost(exc)
        self.connecting.cancel()
        self.clients.discard(self)

    async def _connect(self) -> None:
        try:
            _, self.peer = await asyncio.get_running_loop().create_connection(
                lambda: ServerSide(self), *self.upstream
            )
        except OSError:
            self.transport.abort()
            return
        self.held = False
        self._consume()

    def data_received(self, data: bytes) -> None:
        """Receive bytes of a request; they wait while an earlier request is held."""
        self.pending = self.pending + data if self.pending else data
        if not self.held:
            self._consume()

    def _consume(self) -> None:
        while self.pending and not self.held and not self.transport.is_closing():
            if self.body:
                part, self.pending = (
                    self.pending[: self.body],
                    self.pending[self.body :],
                )
                self.body -= len(part)
                self._pass(part)
                continue
            end = self.pending.find(HEAD_END) + len(HEAD_END)
            if end < len(HEAD_END):
                return
            head, self.pending = self.pending[:end], self.pending[end:]
            self._begin(head)

    def _begin(self, head: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        self.exchange, delay = self.arrived(method, target)
        self.room, self.answer = ALL, b""
        self.body = int(header(head, b"content-length") or 0)
        if header(head, b"transfer-encoding"):
            self.exchange.fault = Fault.answer(501, "NotImplemented")
        fault = self.exchange.fault
        if fault is None:
            self.answer = self.memory.recall(self.exchange, head)
        elif fault.kind == "answer":
            self.answer = fault.response(self.exchange)
            if header(
                head, b"expect"
            ):  # the client waits for a "100 Continue" and now sends no body
                self.body = 0
        if delay:
            self.held = True
            asyncio.get_running_loop().call_later(delay, self._release, head)
        else:
            self._pass(head)

    def _release(self, head: bytes) -> None:
        self.held = False
        if not self.transport.is_closing():
            self._pass(head)
            self._consume()

    def _pass(self, data: bytes) -> None:
        """Send bytes of a request on, unless its fault prevents it."""
        assert self.exchange is not None
        assert self.peer is not None
        self.exchange.sent += len(data)
        fault = self.exchange.fault
        if fault is not None and fault.kind == "cut":
            self.transport.abort()
        elif self.answer:
            if not self.body:
                self.exchange.status = int(self.answer[9:12])
                self.exchange.received = len(self.answer)
                self.transport.write(self.answer)
        else:
            self.peer.transport.write(data)

    def answer_received(self, data: bytes) -> None:
        """Pass on bytes of the server's response, up to the limit of the fault."""
        if self.transport.is_closing():
            return
        if self.exchange is not None and self.exchange.status is None:
            data = self._answer_begins(self.exchange, data)
        if self.exchange is not None:
            self.exchange.received += len(data)
        if self.room == ALL:
            self.transport.write(data)
            return
        self.transport.write(data[: self.room])
        self.room -= min(self.room, len(data))
        if not self.room:
            self.transport.close()

    def _answer_begins(self, exchange: Exchange, data: bytes) -> bytes:
        if data.startswith(
            b"HTTP/1.1 100"
        ):  # not yet the response, only "100 Continue"
            end = data.find(HEAD_END) + len(HEAD_END)
            self.transport.write(data[:end])
            data = data[end:]
        if data:
            exchange.status = int(data[9:12])
            fault = exchange.fault.kind if exchange.fault is not None else ""
            if fault == "lose":
                self.abort()
            elif fault == "truncate":
                self.room = half(data)
            elif not fault:
                self.memory.keep(exchange, data)
        return data


def half(answer: bytes) -> int:
    """Return how many bytes of a response leave it unfinished for any client.

    That is half its body, or a part of the status line.
    """
    head = answer.find(HEAD_END) + len(HEAD_END)
    if header(answer[:head], b"transfer-encoding"):
        return head + 8  # somewhere in the first chunk
    length = int(header(answer[:head], b"content-length") or 0)
    return head + length // 2 if length > 1 else len(b"HTTP/1.1")
