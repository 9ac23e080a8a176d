"""Channel of pickled messages between two processes, each after its length."""

from __future__ import annotations

import fcntl
import pickle
import struct
import threading
from contextlib import suppress
from typing import IO, Any

_LENGTH = struct.Struct(">Q")

_PIPE_BYTES = 1024 * 1024
"""Size of a pipe. A thread that reads in parts waits for the GIL after each part."""


class Channel:
    """Two pipes to another process.

    Any thread may send; one thread may receive.
    """

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading, self._writing = reading, writing
        self._turn = threading.Lock()
        for pipe in (reading, writing):
            with suppress(OSError, AttributeError):  # a limit, or not on this system
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def send(self, message: object) -> None:
        """Send a message.

        Raises:
            BrokenPipeError: The other process has ended.
            pickle.PicklingError: The message cannot be pickled; nothing was sent.
        """
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with self._turn:
            self._writing.write(_LENGTH.pack(len(data)))
            self._writing.write(data)
            self._writing.flush()

    def receive(self) -> Any:
        """Return the next message, `None` if the other process has ended."""
        if (head := self._read(_LENGTH.size)) is None:
            return None
        data = self._read(*_LENGTH.unpack(head))
        return None if data is None else pickle.loads(data)  # noqa: S301 - of `send`

    def _read(self, size: int) -> bytes | None:
        """Return exactly `size` bytes, `None` if the pipe ends before."""
        data = self._reading.read(size)
        return data if len(data) == size else None

    def end(self) -> None:
        """Send no more: the other process receives `None`."""
        with suppress(BrokenPipeError):
            self._writing.close()

    def close(self) -> None:
        """Close both pipes."""
        self.end()
        self._reading.close()
