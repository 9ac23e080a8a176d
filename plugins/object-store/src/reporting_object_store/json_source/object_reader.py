"""Reader of objects: many requests at once, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from threading import Lock

from reporting_framework import Batch, ReadFailure, Rejection, single_source_key
from reporting_framework.errors import AccessDenied, ObjectMissing, ReportingError
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import (
    Admit,
    Entry,
    InFlight,
    Object,
    Store,
    TooLargeError,
)
from reporting_object_store.json_source.batches import BatchBuilder
from reporting_object_store.settings import MEBIBYTE, ObjectStoreJsonSettings

BATCH_BYTES = 16 * MEBIBYTE

IN_FLIGHT_BYTES = 128 * MEBIBYTE
"""Limit on the bodies of all splits that are being read or wait to be decoded; the
responses give the sizes.
"""


class ObjectReader:
    """Reader of the objects of one store, for all splits of a source.

    Args:
        store: Store of the objects.
        settings: Settings of the source.
    """

    def __init__(self, store: Store, settings: ObjectStoreJsonSettings) -> None:
        self._store, self._settings = store, settings
        self._turn = Lock()  # two threads read files more slowly than one

    @cached_property
    def _requests(self) -> ContextThreads:
        """Threads for requests, shared by all splits."""
        return ContextThreads(
            self._settings.max_in_flight, thread_name_prefix="reporting-get"
        )

    @cached_property
    def _in_flight(self) -> InFlight:
        return InFlight(self._requests, IN_FLIGHT_BYTES)

    def read(self, keys: Sequence[str]) -> Iterator[Batch]:
        """Yield batches of the records of these objects.

        A batch ends with a whole object, so it may be as large as the largest allowed
        object.
        """
        fetched = (
            self._in_flight.map(self._fetch, keys)
            if self._store.remote
            else map(self._fetch, keys)
        )
        found = zip(keys, fetched, strict=True)
        turn = nullcontext() if self._store.remote else self._turn
        more = True
        while more:
            batch, more = BatchBuilder(self._settings), False
            with turn:
                for key, content in found:
                    batch.add(key, content)
                    if batch.size >= BATCH_BYTES:
                        more = True
                        break
            yield batch.build()

    def existing(self, keys: Iterable[str]) -> Iterator[list[Entry]]:
        """Yield the entries of those objects that still exist, as one page."""
        entries = self._requests.map(self.head, keys)
        yield [entry for entry in entries if entry is not None]

    def mean_size(self, entries: Sequence[Entry]) -> int:
        """Return the mean size of these objects in bytes; 0 if none is known."""
        found = [
            entry for entry in map(self.head, (entry.key for entry in entries)) if entry
        ]
        sizes = [entry.size for entry in found if entry.size is not None]
        return sum(sizes) // len(sizes) if sizes else 0

    def version(self, key: str) -> str | None:
        """Return the version of `key`, or `None` if it does not exist or is unknown."""
        entry = self.head(key)
        return entry.version if entry else None

    def head(self, key: str) -> Entry | None:
        """Return the entry of `key`.

        If it cannot be determined, its version is `None`, so that reading it is tried.
        """
        try:
            return self._store.head(key)
        except ReportingError:
            return Entry(key, None, None)

    def _fetch(
        self, key: str, admit: Admit | None = None
    ) -> Object | Rejection | ReadFailure | None:
        try:
            return self._store.get(
                key,
                limit=self._settings.max_object_bytes,
                admit=admit,
            )
        except TooLargeError as error:
            return Rejection(single_source_key(key), error.version, "too_large")
        except ObjectMissing:
            return None if self._is_folder(key) else ReadFailure(key, "missing")
        except AccessDenied as error:
            return ReadFailure(
                key, "archived" if "archived" in str(error) else "denied"
            )
        except ReportingError:
            return ReadFailure(key, "unavailable")

    def _is_folder(self, key: str) -> bool:
        """Return whether `key` stands for the object ``key/``, which marks a folder.

        Consoles create such objects. A listing shows whether one is empty, but not one
        with content.
        """
        try:
            return self._store.remote and self._store.head(f"{key}/") is not None
        except ReportingError:
            return False

    def close(self) -> None:
        """Stop all requests."""
        if in_flight := vars(self).pop("_in_flight", None):
            in_flight.close()
        if requests := vars(self).pop("_requests", None):
            requests.shutdown(wait=False, cancel_futures=True)
