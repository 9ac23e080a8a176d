"""A stand-in for the X-Ray daemon: collects the segment documents that are sent to it over UDP."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reporting_framework.testing.s3 import HOST


class XRayDaemon:
    """What has been sent; read it from any thread."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.documents: list[dict[str, Any]] = []
        """Segments and subsegments as they came."""
        self.unreadable: list[bytes] = []
        """Datagrams that are none of them."""

    def environment(self) -> dict[str, str]:
        """The variables with which the X-Ray SDKs send here."""
        return {"AWS_XRAY_DAEMON_ADDRESS": self.address}

    def wait(self, count: int, timeout: float = 5.0) -> list[dict[str, Any]]:
        """The documents, once there are so many.

        Raises:
            TimeoutError: fewer have come.
        """
        deadline = time.monotonic() + timeout
        while len(self.documents) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{len(self.documents)} of {count} segment documents came within {timeout:g} s"
                )
            time.sleep(0.005)
        return list(self.documents)

    def received(self, datagram: bytes) -> None:
        """Take one: a header line `{"format": "json", "version": 1}`, then the document."""
        header, _, document = datagram.partition(b"\n")
        try:
            if json.loads(header) != {"format": "json", "version": 1}:
                raise ValueError(header)
            self.documents.append(json.loads(document))
        except ValueError:
            self.unreadable.append(datagram)


@contextmanager
def xray_daemon() -> Iterator[XRayDaemon]:
    """A daemon on a free port of loopback, in a thread of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(0.05)
        daemon = XRayDaemon(f"{HOST}:{server.getsockname()[1]}")
        stopped = threading.Event()
        thread = threading.Thread(
            target=_receive,
            args=(server, daemon, stopped),
            name="xray-daemon",
            daemon=True,
        )
        thread.start()
        try:
            yield daemon
        finally:
            stopped.set()
            thread.join()


def _receive(
    server: socket.socket, daemon: XRayDaemon, stopped: threading.Event
) -> None:
    while not stopped.is_set():
        try:
            daemon.received(server.recv(65536))
        except TimeoutError:
            continue
