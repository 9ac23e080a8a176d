"""Marker of a reset.

The marker is an object in the metadata store that says what the reset is about to
remove.

A reset has several steps and may die after any of them. So it writes this marker first
and removes it last. A process that finds the marker finishes the reset, or refuses to
go on. In a folder, the resetting process holds a lock on the marker as long as it
lives, so a process that gets the lock may finish. A bucket has no locks: only a person
can know whether the first process is still at work, so a run refuses, and `reporting
state REPORT reset` finishes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from reporting_framework.errors import CommitConflict, CorruptCheckpoint, ObjectMissing
from reporting_framework.storage import Location, naming, open_store

FORMAT = 1


class Reset(NamedTuple):
    """A reset that has begun.

    Attributes:
        kinds: Kinds of stored artifacts that it removes.
        backup: Name of its backup.
        at: Time of its begin, in ISO 8601.
        saved: URI and version of each object that was copied.
    """

    kinds: tuple[str, ...]
    backup: str
    at: str
    saved: frozenset[tuple[str, str]]

    @classmethod
    def begin(
        cls, kinds: tuple[str, ...], backup: str, saved: frozenset[tuple[str, str]]
    ) -> Reset:
        """Return a reset that begins now."""
        return cls(kinds, backup, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", saved)


class ResetMarker:
    """The marker's object in the metadata store.

    `write` is conditional, so that two processes notice each other.
    """

    def __init__(self, place: Location) -> None:
        self._store = open_store(place.parent)
        self._key = place.name
        self._version: str | None = None

    @property
    def uri(self) -> str:
        """URI of the marker."""
        return self._store.location.join(self._key).uri

    @property
    def remote(self) -> bool:
        """True if the marker is in a bucket.

        A bucket has no lock that shows whether the resetting process is alive.
        """
        return self._store.remote

    def lock(self) -> AbstractContextManager[None]:
        """Keep other processes from resetting, if the storage has locks."""
        return self._store.lock(self._key)

    def exists(self) -> bool:
        """Return whether there is an unfinished reset."""
        return self._store.head(self._key) is not None

    def read(self) -> Reset | None:
        """Return the unfinished reset, or `None` if there is none.

        Raises:
            CorruptCheckpoint: The object is not a marker.
        """
        try:
            stored = self._store.get(self._key)
        except ObjectMissing:
            self._version = None
            return None
        self._version = stored.version
        try:
            content = json.loads(stored.data)
            if (content.pop("sha256"), content["format"]) != (_sha256(content), FORMAT):
                raise ValueError
            saved = frozenset(
                (str(uri), str(version)) for uri, version in content["saved"]
            )
            return Reset(
                tuple(map(str, content["kinds"])),
                str(content["backup"]),
                str(content["at"]),
                saved,
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise CorruptCheckpoint(
                f"{self.uri}: not the marker of a reset; check the copies in _backup,"
                " then delete this object"
            ) from error

    def write(self, reset: Reset) -> None:
        """Write the marker, within `lock`, if it is unchanged since it was read.

        Raises:
            CommitConflict: Another process resets.
        """
        content = {"format": FORMAT, **reset._asdict(), "saved": sorted(reset.saved)}
        data = json.dumps({**content, "sha256": _sha256(content)}, indent=1).encode()
        with self._store.temp_path(
            self._key
        ) as scratch:  # `put` of bytes would wait for the lock that is held
            with naming(scratch):
                scratch.write_bytes(data)
            try:
                self._version = self._store.put(
                    self._key, scratch, if_version=self._version
                )
            except CommitConflict:
                raise CommitConflict(
                    f"{self.uri}: another reset is under way; wait for its end"
                ) from None

    def remove(self) -> None:
        """Remove the marker: the reset has ended."""
        self._store.delete(self._key, if_version=None)
        self._version = None

    def refuse(self) -> None:
        """Raise if there is an unfinished reset.

        Raises:
            CommitConflict: There is an unfinished reset.
        """
        if self.exists():
            raise self.unfinished()

    def unfinished(self) -> CommitConflict:
        """Return the error of an unfinished reset."""
        return CommitConflict(f"{self.uri}: {UNFINISHED}; nothing was changed")


def _sha256(content: Mapping[str, Any]) -> str:
    """Return the checksum of a marker: a flipped bit must not select other kinds."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


UNFINISHED = (
    "a reset has begun and not ended; wait for its end or, if its process is dead,"
    " finish it with `reporting state REPORT reset`"
)
