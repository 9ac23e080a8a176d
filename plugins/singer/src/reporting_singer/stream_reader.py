"""Records of one stream: collected as they come, and made into batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from reporting_framework.plugin_api.records import Batch, Rejection
from reporting_framework.plugin_api.source_keys import repeated
from reporting_framework.plugin_api.table_cursor import Cursor
from reporting_singer.catalog import DELETED, TapStream, columns_of
from reporting_singer.deletes import split_deletes
from reporting_singer.json_types import MOMENT, ColumnType
from reporting_singer.messages import Message, Unreadable
from reporting_singer.problems import TapFailed
from reporting_singer.record_decoder import NOT_JSON, RecordDecoder
from reporting_singer.record_keys import RecordKeys

MISSING = "missing"
"""Error type of a record without a value of its key."""

_PLAIN = ("integer", "text")
_CURSORS = ("integer", "moment", "day", "text")


class StreamReader:
    """Reader of the records of one stream.

    Args:
        stream: The stream.
        state: State that the tap was started with.

    Attributes:
        raws: Records that came since the last batch.
        has_unversioned: Whether a record had no version.
    """

    def __init__(self, stream: TapStream, state: Any) -> None:
        self.stream = stream
        self.raws: list[msgspec.Raw] = []
        self.has_unversioned = False
        self._unreadable: list[bytes] = []
        self._decoder: RecordDecoder | None = None
        self._described: tuple[Any, ...] = ()
        self._keys = RecordKeys(stream.name, stream.key, state)
        self._cursor: Cursor | None = None

    def differs(self, message: Message) -> bool:
        """Return whether a SCHEMA message differs from the last one."""
        return _description(message) != self._described

    def describe(self, message: Message) -> None:
        """Take a SCHEMA message; all earlier records must have been made into batches.

        Raises:
            TapFailed: Its columns are not those of the stream.
        """
        schema = self._schema_of(message)
        fields = columns_of(schema, self.stream.schemas)
        self._check(fields)
        if DELETED in schema.get("properties", {}):
            fields[DELETED] = MOMENT
        key = self.stream.key or tuple(message.key_properties or ())
        if lacking := [name for name in key if name not in fields]:
            raise TapFailed(
                f"stream {self.stream.name}: its key column {lacking[0]} is not among"
                " its columns; correct keys, or do not leave the column out"
            )
        self._keys.key = key
        self._keys.plain = all(fields[name].kind in _PLAIN for name in key)
        cursors = message.bookmark_properties or ()
        self._cursor = _cursor_of(
            [cursors] if isinstance(cursors, str) else cursors, fields
        )
        self._decoder = RecordDecoder(fields)
        self._described = _description(message)

    def add_unreadable(self, unreadable: Unreadable) -> None:
        """Add a record that can only be rejected."""
        self._unreadable.append(json.dumps(unreadable.record).encode())

    def mark(self, state: Any) -> None:
        """Record that the tap wrote a state after the records so far."""
        self._keys.mark(len(self.raws), state)

    def batches(self) -> Iterator[Batch]:
        """Yield the records since the last call.

        Raises:
            TapFailed: There are records and no SCHEMA.
        """
        if not self.raws and not self._unreadable:
            return
        if self._decoder is None:
            raise TapFailed(
                f"stream {self.stream.name}: a record came before its SCHEMA"
            )
        raws, self.raws = self.raws, []
        unreadable, self._unreadable = self._unreadable, []
        decoded = self._decoder.decode(raws)
        keys = self._keys.of_rows(decoded.frame, raws, decoded.kept)
        rejected = [
            Rejection(
                self._keys.of_record(bytes(raws[at]), column), None, error_type, column
            )
            for at, error_type, column in decoded.faulty
        ]
        rejected += [
            Rejection(self._keys.of_record(record), None, NOT_JSON)
            for record in unreadable
        ]
        frame = decoded.frame
        if keys.null_count():
            numbers = decoded.kept or range(len(raws))
            for row in keys.is_null().arg_true():
                key = self._keys.of_record(bytes(raws[numbers[row]]))
                column = self._null_column(frame, row)
                rejected.append(Rejection(key, None, MISSING, column))
            frame, keys = frame.filter(keys.is_not_null()), keys.drop_nulls()
        versions = (
            repeated(None, frame.height)
            if self._cursor is None
            else self._cursor.versions(frame[self._cursor.column])
        )
        if frame.height or rejected:
            whole = Batch(
                keys, versions, frame=frame, rejected=rejected, stream=self.stream.name
            )
            for batch in split_deletes(whole):
                yield batch._replace(frame=self._columns(batch.frame))

    @property
    def has_all_keys(self) -> bool:
        """True if the source key of each rejected record is that of its row."""
        return not self._keys.inexact

    def _schema_of(self, message: Message) -> Mapping[str, Any]:
        try:
            schema = json.loads(bytes(message.schema))
        except (ValueError, RecursionError):
            schema = None
        if not isinstance(schema, Mapping) or not schema.get("properties"):
            raise TapFailed(
                f"stream {self.stream.name}: its SCHEMA has no columns; leave the"
                " stream out"
            )
        return schema

    def _columns(self, frame: pl.DataFrame | None) -> pl.DataFrame:
        """Return the columns of the stream; those that do not come are null."""
        given = pl.DataFrame() if frame is None else frame
        return pl.DataFrame(
            [
                given[name]
                if name in given.columns
                else pl.repeat(None, given.height, dtype=of.dtype, eager=True).alias(
                    name
                )
                for name, of in self.stream.columns.items()
            ]
        )

    def _check(self, columns: Mapping[str, ColumnType]) -> None:
        """Check that the columns of a SCHEMA message are those of the stream.

        Fields that begin with ``_sdc_`` may be added by the way of reading.
        """
        known = self.stream.columns
        for name, of in columns.items():
            if name not in known and not name.startswith("_sdc_"):
                raise TapFailed(
                    f"stream {self.stream.name}: it has a further column {name} now;"
                    " run again, so that the table has it"
                )
            if name in known and known[name] != of:
                raise TapFailed(
                    f"stream {self.stream.name}: column {name} is"
                    f" {_shown(of, known[name])} now, not {_shown(known[name], of)};"
                    " run again with its present columns"
                )

    def _null_column(self, frame: pl.DataFrame, row: int) -> str | None:
        return next((name for name in self._keys.key if frame[name][row] is None), None)


def _shown(column: ColumnType, other: ColumnType) -> str:
    """Return the type of a column; its kind, too, if the other has the same type."""
    same = column.dtype == other.dtype
    return f"{column.dtype} ({column.kind})" if same else f"{column.dtype}"


def _description(message: Message) -> tuple[Any, ...]:
    return bytes(message.schema), message.key_properties, message.bookmark_properties


def _cursor_of(names: Sequence[str], fields: Mapping[str, ColumnType]) -> Cursor | None:
    """Return the cursor whose values are versions, `None` if there is none."""
    for name in names:
        if name in fields and fields[name].kind in _CURSORS:
            return Cursor(name, fields[name].dtype)
    return None
