"""One version of a file, read in part while other runs may replace it."""

from __future__ import annotations

import os
from collections.abc import Callable

from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.traffic import BYTES_READ, count
from reporting_framework.storage.store import replaced


class FileSnapshot:
    """One version of a file; see `Pinned`.

    The file is kept open, or opened for each read and its version compared.

    Args:
        path: Path of the file.
        held: Whether to keep the file open.
        version_of: Function that returns the version for a file status.
        translate: Function that returns the framework's error for the system's.

    Raises:
        OSError: The file cannot be opened.
    """

    def __init__(
        self,
        path: str,
        *,
        held: bool,
        version_of: Callable[[os.stat_result], str],
        translate: Callable[[Exception], ReportingError],
    ) -> None:
        self._path, self._version_of, self._translate = path, version_of, translate
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(self._descriptor)
        self.size, self.version = status.st_size, version_of(status)
        if not held:
            self.close()

    def read(self, start: int, length: int) -> bytes:
        """See `Pinned.read`."""
        if self._descriptor >= 0:
            return self._read_range(self._descriptor, start, length)
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise replaced(self._path) from error
        except OSError as error:
            raise self._translate(error) from error
        try:
            if self._version_of(os.fstat(descriptor)) != self.version:
                raise replaced(self._path)
            return self._read_range(descriptor, start, length)
        finally:
            os.close(descriptor)

    def _read_range(self, descriptor: int, start: int, length: int) -> bytes:
        parts = []
        try:
            while length > 0 and (part := os.pread(descriptor, length, start)):
                parts.append(part)
                start, length = start + len(part), length - len(part)
        except OSError as error:
            raise self._translate(error) from error
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        count(BYTES_READ, len(data))
        return data

    def close(self) -> None:
        """See `Pinned.close`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
