"""Files of a source: those that are read, and counts of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from reporting_files.globs import compile_glob
from reporting_framework import ObjectInfo
from reporting_framework.errors import ReportingError
from reporting_framework.storage import Entry, Store

MAX_SAMPLES = 5
"""Number of names of ignored files that are kept."""


class FileListing:
    """Listing of the files that match a pattern.

    Args:
        store: Store of the files.
        include: Glob pattern of their paths.

    Attributes:
        ignored: Number of other files.
        samples: A few of their names.
        repeated: Number of times that a file was listed again.
        seen: Whether anything was listed.
    """

    def __init__(self, store: Store, include: str) -> None:
        self._store, self._matches = store, compile_glob(include).fullmatch
        self.ignored = self.repeated = 0
        self.samples: list[str] = []
        self.seen = False

    def pages(self) -> Iterator[list[ObjectInfo]]:
        """Yield the files page by page, in the order of their paths.

        Raises:
            ReportingError: See `Store.list`.
        """
        last = None
        for page in self._store.list():
            self.seen |= bool(page)
            files = []
            for entry in page:
                if entry.key == last:
                    self.repeated += 1
                elif self._reads(entry.key):
                    files.append(self._info(entry))
                last = entry.key
            yield files

    def matches(self, key: str) -> bool:
        """Return whether a path matches the pattern."""
        return bool(self._matches(key))

    def _reads(self, key: str) -> bool:
        """Return whether a file is read; count it if it is not."""
        name = key.rpartition("/")[2]
        if name and self._matches(key) and self._is_first(key) and _is_text(key):
            return True
        self.ignored += 1
        if len(self.samples) < MAX_SAMPLES:
            shown = (key or "/").encode("utf-8", "backslashreplace").decode()
            self.samples.append(shown)
        return False

    def _is_first(self, key: str) -> bool:
        """Return whether a path is the first one of its file: a file may have links."""
        others = self._store.shared.get(key, ())
        return key == next((other for other in others if self._matches(other)), key)

    def _info(self, entry: Entry) -> ObjectInfo:
        """Return path, size and version; a listing of a folder has only the path."""
        if entry.version is None:
            with suppress(ReportingError):  # reading it will say why
                entry = self._store.head(entry.key) or entry
        return ObjectInfo(*entry)


def _is_text(key: str) -> bool:
    """Return whether a path is valid Unicode, as no table can store another one."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
