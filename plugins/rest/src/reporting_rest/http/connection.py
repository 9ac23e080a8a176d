"""Connection to a server, for one request at a time: HTTP/2 if the server has it.

HTTP/1.1 is spoken by `http.client`, which takes half the processor time of h11.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import httpcore2
from typing_extensions import override

from reporting_rest.http.addresses import PinnedBackend
from reporting_rest.http.streams import TimedStream

IDLE_SECONDS = 30.0
"""Time after which an idle connection is not used again."""

_PROTOCOLS = ["h2", "http/1.1"]

Raw = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
"""Status, headers and body of a response."""


class Connection:
    """Connection to an origin.

    Args:
        origin: Scheme, host and port.
        context: TLS context, if the scheme is ``https``.
        backend: Network to connect through.

    Attributes:
        origin: See above.
        keeps: Whether the last response was read to its end, and the server keeps the
            connection.
    """

    def __init__(
        self,
        origin: httpcore2.Origin,
        context: ssl.SSLContext | None,
        backend: PinnedBackend,
    ) -> None:
        self.origin = origin
        self._context, self._backend = context, backend
        self._stream: TimedStream | None = None
        self._http1: HTTPConnection | None = None
        self._http2: httpcore2.HTTP2Connection | None = None
        self._used_at = 0.0
        self.keeps = False

    def send(
        self, request: httpcore2.Request, body: bytes, seconds: float, limit: int
    ) -> Raw:
        """Send a request; connect first if that has not been done.

        Args:
            request: The request.
            body: Its body.
            seconds: Time limit of the whole response.
            limit: Size of the body after which reading ends.

        Raises:
            httpcore2.TimeoutException: There was no response in time.
            Exception: The connection failed, or the response is not valid.
        """
        self.keeps = False
        if self._stream is None:
            self._stream = self._connect(request.extensions["timeout"]["connect"])
        self._stream.deadline = time.monotonic() + seconds
        if self._http1 is not None:
            response = self._send_http1(self._http1, request, body, limit)
        else:
            response = self._send_http2(request, limit)
        self._used_at = time.monotonic()
        return response

    def is_reusable(self) -> bool:
        """Return whether another request may be sent.

        Bytes that nobody asked for are the server's farewell, or of another response.
        """
        if not self.keeps or self._stream is None:
            return False
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            return False
        return not self._stream.get_extra_info("is_readable")

    def interrupt(self) -> None:
        """Shut the socket down, which ends a read in another thread."""
        found = self._stream and self._stream.get_extra_info("socket")
        if isinstance(found, socket.socket):
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()

    def _connect(self, seconds: float) -> TimedStream:
        host, secure = self.origin.host.decode(), self.origin.scheme == b"https"
        stream = self._backend.connect_tcp(
            host, self.origin.port, seconds, socket_options=[]
        )
        if secure and self._context is not None:
            self._context.set_alpn_protocols(_PROTOCOLS)
            stream.start_tls(self._context, host, seconds)
        tls = stream.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._http2 = httpcore2.HTTP2Connection(self.origin, stream, IDLE_SECONDS)
        else:
            self._http1 = HTTPConnection(host)
            self._http1.sock = _Socket(stream)
        return stream

    def _send_http1(
        self,
        connection: HTTPConnection,
        request: httpcore2.Request,
        body: bytes,
        limit: int,
    ) -> Raw:
        target = request.url.target.decode()
        connection.sock.timeout = request.extensions["timeout"]["read"]  # type: ignore[misc]
        connection.putrequest(
            request.method.decode(), target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        with response:
            if response.length is not None and response.length > limit:
                return response.status, (), bytes(limit + 1)
            try:
                content = response.read(limit + 1)
            except ValueError:  # of a chunk that has a negative size
                raise IncompleteRead(b"") from None
            if response.length and len(content) <= limit:
                raise IncompleteRead(b"", response.length)
            self.keeps = not response.will_close and response.isclosed()
            headers = [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in response.getheaders()
            ]
        return response.status, headers, content

    def _send_http2(self, request: httpcore2.Request, limit: int) -> Raw:
        if self._http2 is None:
            raise httpcore2.ConnectError("not connected")
        response = self._http2.handle_request(request)
        try:
            size, chunks = 0, []
            for chunk in response.iter_stream():
                size += len(chunk)
                chunks.append(chunk)
                if size > limit:
                    break
        finally:
            response.close()
        self.keeps = self._http2.is_idle()
        return response.status, response.headers, b"".join(chunks)


class _Socket:
    """Socket of `http.client`: a stream, which is not closed with it.

    Attributes:
        timeout: Time limit of each read and write.
    """

    def __init__(self, stream: TimedStream) -> None:
        self._stream = stream
        self.timeout: float | None = None

    def sendall(self, data: bytes) -> None:
        self._stream.write(data, self.timeout)

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        return _Lines(_Reader(self._stream, self.timeout), 65_536)

    def close(self) -> None:
        """Do nothing: the response is still to be read.

        `http.client` closes the socket before it reads a response that ends with the
        connection. `Connection.close` closes the stream.
        """


class _Lines(io.BufferedReader):
    """Buffer in which each line has an end.

    `http.client` takes the end of the data for that of the headers, so it would take a
    response that was cut there for one without a body.
    """

    @override
    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise IncompleteRead(b"")
        return line


class _Reader(io.RawIOBase):
    """Reading side of a stream."""

    def __init__(self, stream: TimedStream, timeout: float | None) -> None:
        self._stream, self._timeout = stream, timeout

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer), self._timeout)
        buffer[: len(data)] = data
        return len(data)
