"""Records as frames of a resource's columns.

An object or a list is a column of JSON texts. A value of another type than its column's
rejects its record. A field without a column is handed on as a text, so that the
validator counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec
import polars as pl

from reporting_framework import Batch, Rejection
from reporting_framework.builtin.decimal_texts import exact
from reporting_framework.builtin.frame_types import typed
from reporting_framework.plugin_api.table_cursor import Cursor
from reporting_rest.columns import TEXTS
from reporting_rest.digits import Digits
from reporting_rest.resource_settings import ResourceSettings
from reporting_rest.unknown_fields import UnknownFields

INVALID, MISSING, WRONG_TYPE = "json_invalid", "missing", "wrong_type"


class Frames:
    """Conversion of the records of a stream to batches.

    Args:
        settings: Settings of the resource.
        schema: Columns.

    Attributes:
        ignored: Number of records with a value in a field without a column, by field.
    """

    def __init__(self, settings: ResourceSettings, schema: pl.Schema) -> None:
        self.ignored: Counter[str] = Counter()
        self._stream, self._key = settings.name, settings.primary_key
        self._schema = schema
        self._raw = {
            name: pl.String() if isinstance(dtype, TEXTS) else dtype
            for name, dtype in schema.items()
        }
        self._cursor = None if settings.cursor is None else settings.cursor.field
        if self._cursor is not None:
            self._raw.setdefault(self._cursor, pl.String())
        for name in self._key:
            self._raw.setdefault(name, pl.String())
        self._unknown = UnknownFields(self._raw)
        self._read_as = self._raw
        self._digits = Digits(self._raw)

    def batch(self, lines: Sequence[bytes]) -> Batch:
        """Return records as a batch of the stream."""
        self._unknown.find(lines)
        unknown = dict.fromkeys(self._unknown.names, pl.String())
        self._read_as = {**self._raw, **unknown}
        parts, rejected = [], []
        for frame, bad in self._parts(lines):
            if frame is not None:
                parts.append(frame)
            else:
                rejected += [self._rejection(line) for line in bad]
        raw = pl.concat(parts) if parts else pl.DataFrame(schema=self._read_as)
        return self._typed(raw, rejected)

    def _parts(
        self, lines: Sequence[bytes]
    ) -> Iterator[tuple[pl.DataFrame | None, Sequence[bytes]]]:
        """Yield frames of lines; of halves, down to a line that cannot be read."""
        if not lines:
            return
        frame = self._read(lines)
        if frame is not None or len(lines) == 1:
            yield frame, lines
            return
        half = len(lines) // 2
        yield from self._parts(lines[:half])
        yield from self._parts(lines[half:])

    def _read(self, lines: Sequence[bytes]) -> pl.DataFrame | None:
        text = b"\n".join(lines)
        if text.count(b"\n{") + text.startswith(b"{") != len(lines):
            return None
        try:
            frame = pl.read_ndjson(text, schema=self._read_as)
        except pl.exceptions.PolarsError:
            return None
        if frame.height != len(lines):
            return None
        return self._digits.restored(frame, lines)

    def _typed(self, raw: pl.DataFrame, rejected: list[Rejection]) -> Batch:
        """Return raw columns in their types, with source keys and versions."""
        keys = self._keys(raw)
        versions, faults = self._versions(raw)
        columns: list[pl.Series] = []
        for name, dtype in self._schema.items():
            column = _as_type(raw[name], dtype)
            if column.null_count() > raw[name].null_count():
                faults[name] = column.is_null() & raw[name].is_not_null()
            columns.append(column)
        for name in self._key:
            if raw[name].null_count():
                faults[name] = raw[name].is_null()
        frame = pl.DataFrame([*columns, *self._ignored(raw)])
        if not faults:
            return Batch(
                keys, versions, frame=frame, rejected=rejected, stream=self._stream
            )
        wrong = pl.DataFrame(
            [column.alias(str(at)) for at, column in enumerate(faults.values())]
        )
        names = list(faults)
        kept = ~wrong.select(pl.any_horizontal(pl.all())).to_series()
        for row in (~kept).arg_true():
            name = names[wrong.row(row).index(True)]
            reason = MISSING if raw[name][row] is None else WRONG_TYPE
            rejected.append(Rejection(keys[row], versions[row], reason, name))
        return Batch(
            keys.filter(kept),
            versions.filter(kept),
            frame=frame.filter(kept),
            rejected=rejected,
            stream=self._stream,
        )

    def _ignored(self, raw: pl.DataFrame) -> Iterator[pl.Series]:
        """Yield the fields without a column that have values, and count these."""
        for name in raw.columns:
            if name in self._schema:
                continue
            if values := raw.height - raw[name].null_count():
                self.ignored[name] += values
                yield raw[name]

    def _keys(self, raw: pl.DataFrame) -> pl.Series:
        """Return the source keys: the stream and the values of the primary key."""
        parts = [pl.col(name).cast(pl.String).fill_null("") for name in self._key]
        if len(parts) > 1:
            parts = [
                part.str.replace_all("%", "%25", literal=True).str.replace_all(
                    "/", "%2F", literal=True
                )
                for part in parts
            ]
        return raw.select(
            pl.concat_str(
                pl.lit(f"{self._stream}/"), pl.concat_str(parts, separator="/")
            )
        ).to_series()

    def _versions(self, raw: pl.DataFrame) -> tuple[pl.Series, dict[str, pl.Series]]:
        """Return the versions, and the rows whose cursor is no cursor."""
        if self._cursor is None:
            return pl.repeat(None, raw.height, dtype=pl.String, eager=True), {}
        column = raw[self._cursor]
        if column.dtype.is_float():
            column = column.cast(pl.Int64, strict=False)
        versions = Cursor(self._cursor, column.dtype).versions(column)
        if versions.null_count() == raw[self._cursor].null_count():
            return versions, {}
        return versions, {
            self._cursor: versions.is_null() & raw[self._cursor].is_not_null()
        }

    def _rejection(self, line: bytes) -> Rejection:
        """Return the rejection of a record that cannot be read."""
        key = f"{self._stream}/#{blake2b(line, digest_size=8).hexdigest()}"
        try:
            record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, ValueError, RecursionError):
            return Rejection(key, None, INVALID)
        values = pl.DataFrame(schema={name: pl.String() for name in self._key})
        texts = {name: pl.String() for name in self._raw}
        try:
            values = pl.read_ndjson(line, schema=texts)
            key = self._keys(values)[0]
        except (pl.exceptions.PolarsError, IndexError):
            return Rejection(key, None, INVALID)
        wrong = next(
            (
                name
                for name, dtype in self._raw.items()
                if name in record and not _fits(record[name], dtype)
            ),
            None,
        )
        return Rejection(key, None, INVALID if wrong is None else WRONG_TYPE, wrong)


def _fits(value: msgspec.Raw, dtype: pl.DataType) -> bool:
    line = b'{"value":' + bytes(value) + b"}"
    try:
        pl.read_ndjson(line, schema={"value": dtype})
    except pl.exceptions.PolarsError:
        return False
    return True


def _as_type(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    if column.dtype == pl.String and isinstance(dtype, pl.Decimal):
        return exact(column, dtype)
    return typed(column, dtype)
