"""A TCP proxy that breaks connections in the middle of an answer."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 65_536


class Proxy:
    """Proxy in front of a server's Unix socket.

    Args:
        target: The server's socket.

    Attributes:
        port: Port on the loopback interface.
        connections: Number of connections so far.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._cuts: list[int] = []
        self._orderly = False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, *sizes: int, orderly: bool = False) -> None:
        """Break connections at that byte of the server's answers, one for each size.

        The bytes of all connections count together. A connection is reset, or ends
        `orderly` as if the server had closed it; the byte itself is not passed on.
        """
        with self._lock:
            self._cuts, self._orderly = list(sizes), orderly

    @property
    def cuts(self) -> int:
        """Number of connections that are yet to be broken."""
        with self._lock:
            return len(self._cuts)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._target))
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                passed = self._passed(len(data)) if answer else len(data)
                target.sendall(data[:passed])
                if passed < len(data):
                    if not self._orderly:
                        for each in (source, target):
                            linger = struct.pack("ii", 1, 0)
                            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    break
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _passed(self, size: int) -> int:
        """Return how many of that many bytes pass before the connection is cut."""
        with self._lock:
            if not self._cuts:
                return size
            self._cuts[0] -= size
            if self._cuts[0] > 0:
                return size
            return max(0, size - 1 + self._cuts.pop(0))


@contextmanager
def running(target: Path) -> Iterator[Proxy]:
    """Run a proxy in front of a Unix socket."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
