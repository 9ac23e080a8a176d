"""Idle connections, by origin.

A request takes an idle connection or opens one, so each connection has one request at a
time. A pool that multiplexes costs twice the processor time per request.
"""

from __future__ import annotations

import ssl
import time
from collections import defaultdict
from collections.abc import Iterable
from threading import Lock

import httpcore2
from typing_extensions import override

from reporting_rest.http.addresses import PinnedBackend
from reporting_rest.http.streams import TimedStream

_Key = tuple[bytes, bytes, int | None]

IDLE_SECONDS = 30.0
"""Time after which an idle connection is not used again."""


class Connection:
    """Connection to an origin, for one request at a time."""

    def __init__(
        self, origin: httpcore2.Origin, context: ssl.SSLContext, backend: PinnedBackend
    ) -> None:
        self._deadline = _Deadline(backend)
        self.http = httpcore2.HTTPConnection(
            origin,
            context,
            keepalive_expiry=IDLE_SECONDS,
            http2=True,
            network_backend=self._deadline,
            socket_options=[],
        )

    def begin(self, seconds: float) -> None:
        """Limit the time of the next response."""
        self._deadline.set(time.monotonic() + seconds)

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent."""
        http = self.http
        return http.is_idle() and not http.is_closed() and not http.has_expired()


class Connections:
    """Connections of a client.

    Args:
        backend: Network to connect through.
        context: TLS context.
    """

    def __init__(self, backend: PinnedBackend, context: ssl.SSLContext) -> None:
        self._backend, self._context = backend, context
        self._idle: dict[_Key, list[Connection]] = defaultdict(list)
        self._lock = Lock()

    def take(self, origin: httpcore2.Origin) -> Connection:
        """Return an idle connection, or a new one."""
        while True:
            with self._lock:
                idle = self._idle[_key(origin)]
                connection = idle.pop() if idle else None
            if connection is None:
                return Connection(origin, self._context, self._backend)
            if connection.reusable:
                return connection
            connection.http.close()

    def give_back(self, connection: Connection, origin: httpcore2.Origin) -> None:
        """Keep a connection for the next request, or close it if it is of no use."""
        if not connection.reusable:
            connection.http.close()
            return
        with self._lock:
            self._idle[_key(origin)].append(connection)

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            idle = [each for group in self._idle.values() for each in group]
            self._idle.clear()
        for connection in idle:
            connection.http.close()


def _key(origin: httpcore2.Origin) -> _Key:
    return origin.scheme, origin.host, origin.port


class _Deadline(httpcore2.SyncBackend):
    """Network that sets the deadline of its only stream."""

    def __init__(self, backend: PinnedBackend) -> None:
        self._backend = backend
        self._stream: TimedStream | None = None
        self._at: float | None = None

    def set(self, at: float) -> None:
        """Set the deadline, also of a stream that is opened later."""
        self._at = at
        if self._stream is not None:
            self._stream.deadline = at

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        self._stream = self._backend.connect_tcp(
            host, port, timeout, local_address, socket_options
        )
        self._stream.deadline = self._at
        return self._stream
