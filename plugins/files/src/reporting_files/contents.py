"""Content of files: fetched as a whole if they are small, read in blocks otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from reporting_files import problems
from reporting_files.settings import MEBIBYTE, FilesSettings
from reporting_framework import ReadFailure, Rejection, single_source_key
from reporting_framework.errors import (
    AccessDenied,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.storage import Admit, ScanTarget, Store, TooLargeError

SMALL = 32 * MEBIBYTE
"""Largest file that is fetched as a whole, in bytes."""

BLOCK = 8 * MEBIBYTE


class Content(NamedTuple):
    """One version of a file.

    Attributes:
        key: Path of the file, relative to the source.
        version: Version of the file in the store.
        size: Size in bytes, as stored.
        data: The whole content; `None`: the file is not small.
        store: Store of the file.
        block: Size of the blocks in bytes.
    """

    key: str
    version: str
    size: int
    data: bytes | None
    store: Store
    block: int = BLOCK

    def blocks(self) -> Iterator[bytes]:
        """Yield the content as it is stored; it may be called more than once.

        Raises:
            ReportingError: Another version has replaced the file, or reading failed.
        """
        if self.data is not None:
            yield self.data
            return
        pinned = self.store.pin(self.key)
        if pinned is None or pinned.version != self.version:
            raise self._replaced()
        try:
            for start in range(0, pinned.size, self.block):
                yield pinned.read(start, self.block)
        finally:
            pinned.close()

    def scan_target(self) -> ScanTarget:
        """Return the source for polars to read the file in part."""
        return self.store.scan(self.key)

    def check_version(self) -> None:
        """Check that the file is still the same.

        Raises:
            ReportingError: Another version has replaced it.
        """
        entry = self.store.head(self.key)
        if entry is None or entry.version != self.version:
            raise self._replaced()

    def _replaced(self) -> StorageUnavailable:
        uri = self.store.location.join(self.key).uri
        return StorageUnavailable(
            f"{uri}: it was replaced while it was read; run again"
        )


def fetch(
    store: Store,
    key: str,
    limit: int,
    admit: Admit | None = None,
    *,
    small: int = SMALL,
) -> Content | Rejection | ReadFailure | None:
    """Return the content of a file, or why there is none.

    `None` stands for the object ``key/``, which marks a folder.

    Args:
        store: Store of the file.
        key: Path of the file.
        limit: Largest size in bytes, as stored.
        admit: Called with the size before the content is read; it may wait.
        small: Largest file that is fetched as a whole, in bytes.
    """
    try:
        try:
            stored = store.get(key, limit=min(limit, small), admit=admit)
        except TooLargeError as error:
            if error.size > limit:
                reason = problems.TOO_LARGE
                return Rejection(single_source_key(key), error.version, reason)
            return Content(key, error.version, error.size, None, store)
        return Content(key, stored.version, len(stored.data), stored.data, store)
    except ReportingError as error:
        if isinstance(error, ObjectMissing) and _is_folder(store, key):
            return None
        return read_failure(key, error)


def read_failure(key: str, error: ReportingError) -> ReadFailure:
    """Return the failure to read a file."""
    if isinstance(error, ObjectMissing):
        return ReadFailure(key, "missing")
    if isinstance(error, AccessDenied):
        return ReadFailure(key, "archived" if "archived" in str(error) else "denied")
    return ReadFailure(key, "unavailable")


def _is_folder(store: Store, key: str) -> bool:
    """Return whether `key` stands for the object ``key/``, which marks a folder."""
    try:
        return store.remote and store.head(f"{key}/") is not None
    except ReportingError:
        return False


def version_of_rows(
    store: Store, key: str, version: str, settings: FilesSettings
) -> str:
    """Return the version of the rows of a file.

    If a new version of a file replaces its rows, versions must be in the order of time,
    so the time of the last write comes first. In a folder, it is in each version.

    Args:
        store: Store of the file.
        key: Path of the file.
        version: Version of the file in the store.
        settings: Settings of the source.
    """
    if settings.changed_files != "replace" or not store.remote:
        return version
    modified = store.modified(key) or datetime.fromtimestamp(0, UTC)
    return f"{modified:%Y-%m-%dT%H:%M:%S.%fZ} {version}"
