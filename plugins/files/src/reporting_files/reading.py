"""Reading of the files of a split."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from reporting_files.contents import Content, fetch
from reporting_files.settings import MEBIBYTE, FilesSettings
from reporting_files.split_data import SplitData
from reporting_files.split_reading import SplitReading
from reporting_framework import Batch, ReadFailure, Rejection
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import Admit, InFlight, Store

IN_FLIGHT_BYTES = 128 * MEBIBYTE
"""Limit on the files that are being fetched or wait to be parsed."""


class FileReader:
    """Reader of the files of one store, for all splits of a source.

    Args:
        store: Store of the files.
        settings: Settings of the source.
    """

    def __init__(self, store: Store, settings: FilesSettings) -> None:
        self._store, self._settings = store, settings

    @cached_property
    def _requests(self) -> ContextThreads:
        """Threads for requests, shared by all splits."""
        return ContextThreads(
            self._settings.max_in_flight, thread_name_prefix="reporting-get"
        )

    @cached_property
    def _in_flight(self) -> InFlight:
        return InFlight(self._requests, IN_FLIGHT_BYTES)

    def read(self, data: SplitData) -> Iterator[Batch]:
        """Yield batches of the rows of these files."""
        reading = SplitReading(self._store, self._settings, data)
        keys = [key for key in data.keys if key not in data.refused]
        fetched = (
            self._in_flight.map(self._fetch, keys)
            if self._store.remote
            else map(self._fetch, keys)
        )
        for key, (version, entry) in data.refused.items():
            reading.refuse(key, version, entry)
        for key, content in zip(keys, fetched, strict=True):
            yield from reading.add(key, content)
        yield from reading.rest()

    def _fetch(
        self, key: str, admit: Admit | None = None
    ) -> Content | Rejection | ReadFailure | None:
        most = self._settings.max_streamed_bytes
        return fetch(self._store, key, most, admit)

    def close(self) -> None:
        """Stop all requests."""
        if in_flight := vars(self).pop("_in_flight", None):
            in_flight.close()
        if requests := vars(self).pop("_requests", None):
            requests.shutdown(wait=False, cancel_futures=True)
