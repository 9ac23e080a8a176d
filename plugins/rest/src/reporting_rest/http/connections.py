"""Connections of a client: those in use, and idle ones by origin.

A request takes an idle connection or opens one, so each connection has one request at a
time. A pool that multiplexes costs twice the processor time per request.
"""

from __future__ import annotations

import ssl
from collections import defaultdict
from threading import Lock

import httpcore2

from reporting_rest.http.addresses import PinnedBackend
from reporting_rest.http.connection import Connection
from reporting_rest.http.errors import AttemptFailed

_Key = tuple[bytes, bytes, int]


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
        with self._lock:
            if self._closed:
                raise AttemptFailed("the client is closed", retry=False)
            idle = self._idle[_key(origin)]
            while idle:
                connection = idle.pop()
                if connection.is_reusable():
                    break
                connection.close()
            else:
                context = self._context_of(origin)
                connection = Connection(origin, context, self._backend)
            self._busy.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, or close it if it is of no use."""
        with self._lock:
            self._busy.discard(connection)
            if connection.keeps and not self._closed:
                self._idle[_key(connection.origin)].append(connection)
                return
        connection.close()

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
            connection.close()

    def _context_of(self, origin: httpcore2.Origin) -> ssl.SSLContext | None:
        """Return the TLS context; it takes time to make, so once, and if needed."""
        if origin.scheme == b"https" and self._context is None:
            self._context = httpcore2.default_ssl_context()
        return self._context


def _key(origin: httpcore2.Origin) -> _Key:
    return origin.scheme, origin.host, origin.port
