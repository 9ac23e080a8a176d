"""Idle connections, by origin.

A request takes an idle connection or opens one, so each connection has one request at a
time. A pool that multiplexes costs twice the processor time per request.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock

import httpcore2
from typing_extensions import override

from reporting_rest.http.addresses import PinnedBackend
from reporting_rest.http.errors import AttemptFailed
from reporting_rest.http.streams import TimedStream

SURE_SECONDS = 1.0
"""Time for which an idle connection counts as open without a look at it."""

_Key = tuple[bytes, bytes, int | None]

IDLE_SECONDS = 30.0
"""Time after which an idle connection is not used again."""


class Connection:
    """Connection to an origin, for one request at a time.

    Attributes:
        used_at: Time of `time.monotonic` at which the last response ended.
    """

    def __init__(
        self,
        origin: httpcore2.Origin,
        context: ssl.SSLContext | None,
        backend: PinnedBackend,
    ) -> None:
        self._deadline = _Deadline(backend)
        self.used_at = 0.0
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

    def interrupt(self) -> None:
        """Let the response that is being read in another thread fail."""
        self._deadline.interrupt()

    def is_reusable(self) -> bool:
        """Return whether another request may be sent.

        One that was used a moment ago is not looked at, as that costs a system call.
        """
        if time.monotonic() - self.used_at < SURE_SECONDS:
            return True
        return not self.http.is_closed() and not self.http.has_expired()


class Connections:
    """Connections of a client.

    Args:
        backend: Network to connect through.
        context: TLS context, `None`: the system's.
    """

    def __init__(self, backend: PinnedBackend, context: ssl.SSLContext | None) -> None:
        self._backend, self._context = backend, context
        self._idle: dict[_Key, list[Connection]] = defaultdict(list)
        self._busy: set[Connection] = set()
        self._lock = Lock()
        self._closed = False

    def take(self, origin: httpcore2.Origin) -> Connection:
        """Return an idle connection, or a new one.

        Raises:
            AttemptFailed: The client is closed.
        """
        idle = self._idle[_key(origin)]
        with self._lock:
            if self._closed:
                raise AttemptFailed("the client is closed", retry=False)
            while idle:
                connection = idle.pop()
                if connection.is_reusable():
                    break
                connection.http.close()
            else:
                context = self._context_of(origin)
                connection = Connection(origin, context, self._backend)
            self._busy.add(connection)
        return connection

    def _context_of(self, origin: httpcore2.Origin) -> ssl.SSLContext | None:
        """Return the TLS context; it takes time to make, so once, and if needed."""
        if origin.scheme == b"https" and self._context is None:
            self._context = httpcore2.default_ssl_context()
        return self._context

    def give_back(
        self, connection: Connection, origin: httpcore2.Origin, *, whole: bool
    ) -> None:
        """Keep a connection for the next request, or close it if it is of no use.

        Args:
            connection: The connection.
            origin: Its origin.
            whole: Whether its response was read to the end.
        """
        with self._lock:
            self._busy.discard(connection)
            if whole and connection.http.is_idle() and not self._closed:
                connection.used_at = time.monotonic()
                self._idle[_key(origin)].append(connection)
                return
        connection.http.close()

    def close(self) -> None:
        """Close all connections; what is in flight fails."""
        with self._lock:
            self._closed = True
            idle = [each for group in self._idle.values() for each in group]
            self._idle.clear()
            busy = list(self._busy)
        for connection in busy:
            connection.interrupt()
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

    def interrupt(self) -> None:
        """Shut the socket down, which ends a read in another thread."""
        found = self._stream and self._stream.get_extra_info("socket")
        if isinstance(found, socket.socket):
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

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
