"""Stream of a connection with a time limit for a whole response."""

from __future__ import annotations

import ssl
import time
from typing import Any

import httpcore2
from typing_extensions import override


class TimedStream(httpcore2.NetworkStream):
    """Stream whose reads all end at a deadline, however slowly data arrive.

    Args:
        inner: The stream.

    Attributes:
        deadline: Time of `time.monotonic` at which reading ends, `None`: never.
    """

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner
        self.deadline: float | None = None

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes.

        Raises:
            httpcore2.ReadTimeout: The deadline has passed.
        """
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise httpcore2.ReadTimeout("deadline")
            timeout = left if timeout is None else min(timeout, left)
        return self._inner.read(max_bytes, timeout)

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    @override
    def close(self) -> None:
        self._inner.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        self._inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return self

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
