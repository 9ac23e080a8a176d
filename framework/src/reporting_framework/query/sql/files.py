"""File system through which DuckDB reads a table's files.

It uses the framework's storage, with its credentials, versions and errors.

DuckDB reads one open file from several threads at once, each of which seeks and then
reads. An ordinary file object has one position and would return wrong bytes; here each
thread has a position of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    from reporting_framework.plugin_api.sink import ParquetFile

PROTOCOL = "reporting"

_MADE = datetime(2000, 1, 1, tzinfo=UTC)
"""Time of change of all files: a version never changes while it is read."""


def names(count: int) -> list[str]:
    """Return the names of `count` files in SQL.

    The names reveal neither paths nor values.
    """
    return [f"{PROTOCOL}://{number}.parquet" for number in range(count)]


class TableFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The files of a table, read-only, under the names of `names`.

    Attributes:
        failure: The first error of reading. DuckDB passes on only its text.
    """

    protocol: ClassVar[str] = PROTOCOL
    cachable = False

    def __init__(self, files: Sequence[ParquetFile]) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._files = dict(zip(names(len(files)), files, strict=True))

    def open(self, path: str, mode: str = "rb", **_: Any) -> OpenFile:
        """Open the file for reading."""
        if mode != "rb":
            raise PermissionError(path)
        return OpenFile(self, self._files[path])

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return the file's size."""
        return {"name": path, "size": self._files[path].size, "type": "file"}

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the file itself: names are not patterns."""
        return [path] if path in self._files else []

    def modified(self, path: str) -> datetime:
        """Return the same time for every file."""
        return _MADE


class OpenFile:
    """A file that several threads read at once."""

    def __init__(self, files: TableFiles, file: ParquetFile) -> None:
        self._files, self._file, self._at = files, file, threading.local()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move this thread's position."""
        self._at.position = offset + (0, self.tell(), self._file.size)[whence]
        return self.tell()

    def tell(self) -> int:
        """Return this thread's position."""
        position: int = getattr(self._at, "position", 0)
        return position

    def read(self, length: int = -1) -> bytes:
        """Read bytes from this thread's position."""
        start = self.tell()
        try:
            data = self._file.read(
                start, self._file.size - start if length < 0 else length
            )
        except BaseException as error:
            self._files.failure = self._files.failure or error
            raise
        self._at.position = start + len(data)
        return data

    def close(self) -> None:
        """Do nothing: the table's owner closes its files."""
