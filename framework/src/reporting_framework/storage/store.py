"""What a store offers, whatever lies behind it."""

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

    None where listing does not tell.
    """

    key: str
    size: int | None
    version: str | None


Page = list[Entry]
"""One page of a listing."""


class Object(NamedTuple):
    """An object that was read: its bytes and the version they are of."""

    data: bytes
    version: str


class TooLargeError(Exception):
    """The object is larger than the limit given; it was not read.

    Attributes:
        version: Its version.
        size: Its size in bytes.
    """

    def __init__(self, version: str, size: int) -> None:
        super().__init__("larger than the limit")
        self.version = version
        self.size = size


class ScanTarget(NamedTuple):
    """The target that polars scans to read an object in part.

    It is `source` and the keyword arguments that go with it.
    """

    source: Any
    options: Mapping[str, Any] = {}


class Pinned(Protocol):
    """One version of an object, to be read in part, from any thread.

    Nothing of a later version is ever read.

    Attributes:
        size: Its size in bytes.
        version: Its version.
    """

    size: int
    version: str

    def read(self, start: int, length: int) -> bytes:
        """These bytes; fewer where the object ends.

        Raises:
            StorageUnavailable: Another version has taken its place, or reading failed
                after retries.
        """
        ...

    def close(self) -> None:
        """Give it up."""
        ...


class Store(Protocol):
    """A folder, local or in a bucket.

    All keys are relative to it; all methods are thread-safe.

    Errors are those of `reporting_framework.errors`: `ObjectMissing` for a definite
    "not found" of an object, `LocationError` for a bucket or folder that is not there,
    `AccessDenied`, and `StorageUnavailable` for the rest.
    """

    location: Location

    @property
    def shared(self) -> Mapping[str, Sequence[str]]:
        """All keys that name the same file, by each of them.

        Of the last listing of a folder, links last.
        """
        ...

    @property
    def supports_list_after(self) -> bool:
        """Whether a listing that starts behind a key costs only what it lists."""
        ...

    @property
    def remote(self) -> bool:
        """Return whether each request costs a round trip.

        Many should then be under way at once.
        """
        ...

    def list(self, *, after: str = "") -> Iterator[Page]:
        """Yield all objects below, in pages, sorted by the bytes of their keys.

        Only those behind `after`.

        Keys are exactly what the store says. One may end in a slash or be "": an object
        that a console made for a folder of a bucket, or a folder that is not entered, a
        symbolic link or one whose name begins with a dot. A server may list a key twice
        in a row.

        Raises:
            StorageUnavailable: The server lists keys in another order, so the listing
                may have no end.
        """
        ...

    def get(
        self,
        key: str,
        *,
        limit: int | None = None,
        admit: Callable[[int], None] | None = None,
    ) -> Object:
        """The whole object.

        Args:
            key: Which one.
            limit: Its largest size.
            admit: Called with its size before its body is read, and again if an answer
                broke off; it may wait.

        Raises:
            TooLargeError: It has more than `limit` bytes.
        """
        ...

    def head(self, key: str) -> Entry | None:
        """Size and version, or None when it is definitely not there."""
        ...

    def put(self, key: str, data: bytes | Path, *, if_version: str | None) -> str:
        """Write the object in one atomic step, and return the new version.

        It is written only if it still is at the version `if_version`.

        Args:
            key: Where to.
            data: The bytes, or a file made by `temp_path` (which may be moved).
            if_version: Version that must be there now; None: nothing must be there.

        Raises:
            CommitConflict: Another version is there; nothing was written.
        """
        ...

    def replace(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        """Write the object in one atomic step, whatever is there now.

        Return the new version.

        It asks for nothing but the right to write, and may be repeated. Not for what
        several writers change.

        Args:
            key: Where to.
            data: The bytes.
            content_type: Their media type; a folder does not keep it.
            metadata: Names and values (ASCII, 2 KB in all) to be kept beside the
                object; a folder does not keep them.
        """
        ...

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Keeps other writers of `key` out where the storage can.

        `put` is safe without it.
        """
        ...

    def temp_path(self, key: str) -> AbstractContextManager[Path]:
        """Make a file to write before it is `put` at `key`, within `lock`.

        It is gone after the block.
        """
        ...

    def modified(self, key: str) -> datetime | None:
        """Return when the object was last written (aware, UTC).

        Return None when it is definitely not there.
        """
        ...

    def clock(self) -> datetime | None:
        """Return what time the storage says it is.

        Return None where it has no clock of its own.
        """
        ...

    def copy(self, key: str, to: str) -> None:
        """Make `to` an object of the same bytes, whatever is there."""
        ...

    def digest(self, key: str) -> Digest:
        """What tells the object's bytes from others, without holding them."""
        ...

    def delete(self, key: str, *, if_version: str | None) -> None:
        """Remove the object if it still is at the version `if_version`.

        With None whatever is there, if anything is.

        Raises:
            CommitConflict: Another version is there, or none; nothing was removed.
        """
        ...

    def scan(self, key: str) -> ScanTarget:
        """What polars scans to read the object in part."""
        ...

    def pin(self, key: str, *, held: bool = True) -> Pinned | None:
        """Return the object in the version that is there now.

        Return None when it is definitely not there.

        Args:
            key: Which one.
            held: Whether a file is kept open, so that it can be read even when it has
                been replaced; not for many.
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
    """The error of a reader whose object was replaced."""
    return StorageUnavailable(
        f"{where}: another run has replaced it while it was read; ask again"
    )
