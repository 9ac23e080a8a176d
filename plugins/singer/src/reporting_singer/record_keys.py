"""Source keys of the records of a stream."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from reporting_framework import TableInfo
from reporting_framework.plugin_api.table_columns import source_keys
from reporting_singer.keyless import KeylessRecords


class RecordKeys:
    """Source keys: ``stream/key``, or ``stream/digest`` if there is no key.

    Args:
        stream: Name of the stream.
        key: Key columns.
        state: State that the tap was started with.

    Attributes:
        key: Key columns.
        plain: Whether all key columns are integers or texts.
        inexact: Whether the source key of a record that is no row was not that of its
            row.
    """

    def __init__(self, stream: str, key: Sequence[str], state: Any) -> None:
        self.key: Sequence[str] = key
        self._stream = stream
        self._keyless = KeylessRecords(state)
        self.plain, self.inexact = True, False

    def mark(self, count: int, state: Any) -> None:
        """Record that the tap wrote a state after `count` records of the next batch."""
        if not self.key:
            self._keyless.mark(count, state)

    def of_rows(
        self,
        frame: pl.DataFrame,
        raws: Sequence[msgspec.Raw],
        kept: Sequence[int] | None,
    ) -> pl.Series:
        """Return the source key of each row; null if a value of its key is null.

        Args:
            frame: The rows.
            raws: All records since the last batch.
            kept: Number of each row's record, `None` if each record is a row.
        """
        if self.key:
            info = TableInfo(self._stream, list(self.key), frame.schema)
            return source_keys(info, frame)
        digests = self._keyless.digests(raws)
        rows = digests if kept is None else [digests[at] for at in kept]
        return pl.Series([f"{self._stream}/{each}" for each in rows], dtype=pl.String)

    def of_record(self, raw: bytes, at_fault: str | None = None) -> str:
        """Return the source key of a record that is no row.

        It is a digest if the record has no valid key: no value is shown.

        Args:
            raw: The record.
            at_fault: Column whose value does not fit.
        """
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            record = None
        exact = bool(self.key) and self.plain and at_fault not in self.key
        if isinstance(record, Mapping) and exact:
            values = [record.get(column) for column in self.key]
            if all(type(value) in (int, str) for value in values):
                return "/".join([self._stream, *map(_escaped, values)])
        self.inexact = True
        return f"{self._stream}/{hashlib.sha256(raw).hexdigest()[:32]}"


def _escaped(value: Any) -> str:
    return str(value).replace("%", "%25").replace("/", "%2F")
