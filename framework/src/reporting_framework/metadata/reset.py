"""The marker of a reset.

It is an object in the metadata store that says what is about to be removed.

A reset has several steps, and any of them may be its last. So it writes this marker
first and removes it last. Whatever finds the marker finishes the reset, or refuses to
go on. In a folder, the process that resets holds a lock on the marker as long as it
lives, so whoever gets the lock may finish. A bucket has no locks: only a person can
know whether the process that began is still at work, so a run refuses, and `reporting
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
        kinds: Which kinds of artifacts it removes.
        backup: Name of its backup.
        at: When it began, in ISO 8601.
        saved: URI and version of each object of which there is a copy.
    """

    kinds: tuple[str, ...]
    backup: str
    at: str
    saved: frozenset[tuple[str, str]]

    @classmethod
    def begin(
        cls, kinds: tuple[str, ...], backup: str, saved: frozenset[tuple[str, str]]
    ) -> Reset:
        """Return one that begins now."""
        return cls(kinds, backup, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", saved)


class ResetMarker:
    """The marker at its place.

    `write` is conditional, so that two processes notice each other.
    """

    def __init__(self, place: Location) -> None:
        self._store = open_store(place.parent)
        self._key = place.name
        self._version: str | None = None

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._store.location.join(self._key).uri

    @property
    def remote(self) -> bool:
        """Return whether it is in a bucket.

        No lock tells there whether the process that began is alive.
        """
        return self._store.remote

    def lock(self) -> AbstractContextManager[None]:
        """Keep other processes from resetting, where the storage can."""
        return self._store.lock(self._key)

    def exists(self) -> bool:
        """Return whether a reset has begun and not ended."""
        return self._store.head(self._key) is not None

    def read(self) -> Reset | None:
        """Return the reset that has begun and not ended, if there is one.

        Raises:
            CorruptCheckpoint: It is not a marker.
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
                f"{self.uri}: not the marker of a reset; look at the copies in _backup,"
                " then remove it"
            ) from error

    def write(self, reset: Reset) -> None:
        """Write it, within `lock`, if nobody has written it since it was read.

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
        """Remove it: the reset has ended."""
        self._store.delete(self._key, if_version=None)
        self._version = None

    def refuse(self) -> None:
        """Raise if a reset has begun and not ended.

        Raises:
            CommitConflict: It has.
        """
        if self.exists():
            raise CommitConflict(f"{self.uri}: {UNFINISHED}; nothing was changed")


def _sha256(content: Mapping[str, Any]) -> str:
    """Return the checksum of a marker: a flipped bit must not name other kinds."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


UNFINISHED = (
    "a reset has begun and not ended; wait for its end or, if nothing runs any more,"
    " finish it with `reporting state REPORT reset`"
)
