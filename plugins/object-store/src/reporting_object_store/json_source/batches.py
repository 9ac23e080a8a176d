"""Batches of records, built from objects."""

from __future__ import annotations

from reporting_framework import Batch, ReadFailure, Rejection, single_source_key
from reporting_framework.storage import Object
from reporting_object_store.json_source.decode import (
    UndecodableError,
    is_single,
    records,
)
from reporting_object_store.settings import ObjectStoreJsonSettings

RECORD_BYTES = 200
"""Estimated bytes of a record in memory, without its payload."""


class BatchBuilder:
    """Builder of a batch; `size` is the number of bytes of its records."""

    def __init__(self, settings: ObjectStoreJsonSettings) -> None:
        self._record_bytes, self._object_bytes = (
            settings.max_record_bytes,
            settings.max_object_bytes,
        )
        self._object_records = settings.max_object_records
        self._source_keys: list[str] = []
        self._versions: list[str | None] = []
        self._payloads: list[bytes] = []
        self._rejected: list[Rejection] = []
        self._unread: list[ReadFailure] = []
        self._ignored: list[str] = []
        self.size = 0

    def add(self, key: str, stored: Object | Rejection | ReadFailure | None) -> None:
        """Split an object into records, or note why it cannot be split.

        `None` stands for the object ``key/``, which marks a folder.
        """
        if isinstance(stored, Object):
            if is_single(key, stored.data):
                self._record(single_source_key(key), stored.data, stored.version)
            else:
                self._records(key, stored)
        elif stored is None:
            self._ignored.append(f"{key}/")
        elif isinstance(stored, Rejection):
            self._rejected.append(stored)
        else:
            self._unread.append(stored)

    def _record(self, source_key: str, payload: bytes, version: str) -> None:
        if len(payload) > self._record_bytes:
            self._rejected.append(Rejection(source_key, version, "too_large"))
            return
        self._source_keys.append(source_key)
        self._versions.append(version)
        self._payloads.append(payload)
        self.size += RECORD_BYTES + len(payload)

    def _records(self, key: str, stored: Object) -> None:
        try:
            held = records(key, stored.data, self._object_bytes, self._object_records)
        except UndecodableError as error:
            self._rejected.append(
                Rejection(single_source_key(key), stored.version, error.reason)
            )
            return
        for source_key, payload in held:
            self._record(source_key, payload, stored.version)
        if not held:
            self._rejected.append(
                Rejection(single_source_key(key), stored.version, "empty")
            )

    def build(self) -> Batch:
        """Return the batch."""
        return Batch(
            self._source_keys,
            self._versions,
            self._payloads,
            None,
            self._rejected,
            self._unread,
            self._ignored,
        )
