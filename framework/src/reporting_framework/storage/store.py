"""Interface of a store, for every kind of storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from reporting_framework.errors import StorageUnavailable
from reporting_framework.storage.location import Location
from reporting_framework.storage.maintenance import Digest


class Entry(NamedTuple):
    """An object in a listing: key relative to the store, size in bytes, version.

    Size and version are None if the listing does not return them.
    """

    key: str
    size: int | None
    version: str | None


Page = list[Entry]
"""One page of a listing."""


class Object(NamedTuple):
    """The bytes of an object and their version."""

    data: bytes
    version: str


class TooLargeError(Exception):
    """An object is larger than the given limit; it was not read.

    Attributes:
        version: Its version.
        size: Its size in bytes.
    """

    def __init__(self, version: str, size: int) -> None:
        super().__init__("larger than the limit")
        self.version = version
        self.size = size


class ScanTarget(NamedTuple):
    """Source and keyword arguments for polars to scan an object in part."""

    source: Any
    options: Mapping[str, Any] = {}


class Pinned(Protocol):
    """One version of an object, to be read in part, from any thread.

    A later version is never read.

    Attributes:
        size: Its size in bytes.
        version: Its version.
    """

    size: int
    version: str

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`; fewer at the end of the object.

        Raises:
            StorageUnavailable: Another version has replaced the object, or reading
                failed after retries.
        """
        ...

    def close(self) -> None:
        """Release the object."""
        ...


class Store(Protocol):
    """A folder, local or in a bucket.

    All keys are relative to the folder; all methods are thread-safe.

    Errors come from `reporting_framework.errors`: `ObjectMissing` for a definite "not
    found" of an object, `LocationError` for a missing bucket or folder, `AccessDenied`,
    and `StorageUnavailable` for all others.
    """

    location: Location

    @property
    def shared(self) -> Mapping[str, Sequence[str]]:
        """For each key that shares its file with others, all keys of that file.

        Filled by the last listing of a folder; symbolic links come last.
        """
        ...

    @property
    def supports_list_after(self) -> bool:
        """True if a listing that starts after a key costs only the keys it returns."""
        ...

    @property
    def remote(self) -> bool:
        """True if each request costs a network round trip.

        Callers should then have many requests in flight at once.
        """
        ...

    def list(self, *, after: str = "", before: str | None = None) -> Iterator[Page]:
        """Yield the objects below the folder in pages, sorted by the bytes of the keys.

        Only keys after `after` and before `before` (`None`: up to the end) are listed.

        Keys are exactly as the store has them. A key that is "" or ends in a slash is
        an object that a console made for a folder of a bucket, or a folder that is not
        entered: a symbolic link, or a name that begins with a dot. A server may list a
        key twice in a row.

        Raises:
            StorageUnavailable: The server lists keys in another order, so the listing
                may never end.
        """
        ...

    def get(
        self,
        key: str,
        *,
        limit: int | None = None,
        admit: Callable[[int], None] | None = None,
    ) -> Object:
        """Return the whole object.

        Args:
            key: Key of the object.
            limit: Its largest size in bytes.
            admit: Called with its size before its body is read, and again after a
                response broke off; it may wait.

        Raises:
            TooLargeError: The object has more than `limit` bytes.
        """
        ...

    def head(self, key: str) -> Entry | None:
        """Return size and version, or None if the object definitely does not exist."""
        ...

    def put(self, key: str, data: bytes | Path, *, if_version: str | None) -> str:
        """Write the object in one atomic step and return the new version.

        The object is written only if its version is still `if_version`.

        Args:
            key: Key of the object.
            data: The bytes, or a file made by `temp_path` (which may be moved).
            if_version: Required current version; None: the object must not exist.

        Raises:
            CommitConflict: The object has another version; nothing was written.
        """
        ...

    def replace(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        """Write the object in one atomic step, whatever exists now.

        Return the new version. The call needs only the permission to write and may be
        repeated. It must not be used for an object that several writers change.

        Args:
            key: Key of the object.
            data: The bytes.
            content_type: Their media type; a folder does not store it.
            metadata: Names and values (ASCII, 2 KB in all) to store with the object; a
                folder does not store them.
        """
        ...

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Keep other writers of `key` out, if the storage has locks.

        `put` is safe without a lock.
        """
        ...

    def temp_path(self, key: str) -> AbstractContextManager[Path]:
        """Make a file to write before it is `put` at `key`, within `lock`.

        The file is removed after the block.
        """
        ...

    def modified(self, key: str) -> datetime | None:
        """Return the time of the last write (aware, UTC).

        Return None if the object definitely does not exist.
        """
        ...

    def clock(self) -> datetime | None:
        """Return the storage's current time, or None if it has no clock of its own."""
        ...

    def copy(self, key: str, to: str) -> None:
        """Copy the object at `key` to the key `to`; replace an object there."""
        ...

    def digest(self, key: str) -> Digest:
        """Return the hash of the object's bytes, without holding them in memory."""
        ...

    def delete(self, key: str, *, if_version: str | None) -> None:
        """Delete the object if its version is still `if_version`.

        With None, delete any version; a missing object is no error.

        Raises:
            CommitConflict: The object has another version or does not exist; nothing
                was deleted.
        """
        ...

    def scan(self, key: str) -> ScanTarget:
        """Return the source for polars to read the object in part."""
        ...

    def pin(self, key: str, *, held: bool = True) -> Pinned | None:
        """Return the object in its current version.

        Return None if the object definitely does not exist.

        Args:
            key: Key of the object.
            held: Whether to keep a file open, so that it can be read even after it was
                replaced; not for many files.
        """
        ...


def list_keys(store: Store) -> Iterator[str]:
    """Yield the key of each object of a store once, sorted by its bytes.

    A server may list a key twice in a row.

    Raises:
        ReportingError: See `Store.list`.
    """
    last = None
    for page in store.list():
        for entry in page:
            if entry.key != last:
                yield (last := entry.key)


def replaced(where: str) -> StorageUnavailable:
    """Return the error for a reader whose object was replaced."""
    return StorageUnavailable(
        f"{where}: another run has replaced it while it was read; run again"
    )
