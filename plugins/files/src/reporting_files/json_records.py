"""Records of NDJSON and JSON.

polars infers the types of a text. If it cannot, a line may be at fault, or values of a
column are of types that do not fit together: lines at fault are found one by one, and
such columns are read as texts. So are columns with a number that polars would change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from reporting_files.long_numbers import with_long_as_texts
from reporting_files.problems import UnreadableError
from reporting_files.raw_frames import HIDDEN, RawFrame, typed_name

if TYPE_CHECKING:
    import msgspec

INVALID = "json_invalid"
_SPACE = b" \t\r\n"
_UNREAD = f"{HIDDEN}{HIDDEN}unread"
_VALUE = "value"
_INEXACT = 2.0**53
"""Smallest float64 that may be another integer of JSON, rounded."""

_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
"""First half of a character without the second; polars reads it as U+0000."""


def parse_lines(text: bytes, schema: Mapping[str, pl.DataType]) -> RawFrame:
    """Return the records of NDJSON, one in each line that is not blank.

    Values of a column that are of types that do not fit together are texts: those of
    JSON, without the quotes of strings. So are those of a column with a number that
    float64 or int64 does not keep, and lists and objects of a column that is wanted as
    text.

    Args:
        text: Lines, as UTF-8; the last one ends, too.
        schema: Columns that are wanted; none: all types are inferred.
    """
    text = with_long_as_texts(text, as_floats=False)
    frame, faults = _inferred(text), None
    if frame is None or _has_large(frame):  # integers may be floats beside fractions
        given, text = text, with_long_as_texts(text, as_floats=True)
        frame = frame if text is given else _inferred(text)
    if frame is None or frame.height != text.count(b"\n"):
        lines = [line for line in text.split(b"\n") if line.strip(_SPACE)]
        if not lines:
            return RawFrame(pl.DataFrame(), [0])
        frame, faults = _one_by_one(lines, schema)
    else:
        types = _types(frame.schema, schema)
        frame = frame if types == frame.schema else _read(text, types)
    return RawFrame(_with_nested(frame, schema), [frame.height], faults)


def parse_document(text: bytes, schema: Mapping[str, pl.DataType]) -> RawFrame:
    """Return the records of a JSON array of objects, or of one object.

    Raises:
        UnreadableError: The text is neither.
    """
    import msgspec

    stripped = text.strip(_SPACE)
    try:
        if stripped.startswith(b"["):
            items = msgspec.json.decode(stripped, type=list[msgspec.Raw])
            lines = [bytes(item).replace(b"\n", b" ") for item in items]
        else:
            msgspec.json.decode(stripped, type=dict[str, msgspec.Raw])
            lines = [stripped.replace(b"\n", b" ")]
    except (ValueError, RecursionError):
        raise UnreadableError(INVALID) from None
    return parse_lines(b"".join(line + b"\n" for line in lines), schema)


def _inferred(text: bytes) -> pl.DataFrame | None:
    """Return the records of lines, in types that polars infers; `None` if it cannot."""
    if not _are_objects(text) or _HALF_PAIR.search(text):
        return None
    try:
        frame = pl.read_ndjson(text, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.width else pl.DataFrame({_UNREAD: [None] * frame.height})


def _has_large(frame: pl.DataFrame) -> bool:
    """Return whether a float may be an integer that was rounded."""
    floats = (column for column in frame if column.dtype == pl.Float64)
    return any((column.abs() >= _INEXACT).any() for column in floats)


def _read(text: bytes, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.read_ndjson(text, schema=types or {_UNREAD: pl.Null()})


def _one_by_one(
    lines: list[bytes], schema: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, pl.Series | None]:
    """Return the records of lines, and the fault of each; `None` if none has one."""
    import msgspec

    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    records: list[dict[str, msgspec.Raw]] = []
    valid = []
    for line in lines:
        try:
            records.append(decode(line))
            valid.append(True)
        except (ValueError, RecursionError):
            records.append({})
            valid.append(False)
    # polars refuses some numbers that are valid JSON
    _, read = _read_parts(_only(lines, valid), {})
    read &= pl.Series(valid)
    records = [record for record, ok in zip(records, read, strict=True) if ok]
    names = dict.fromkeys(name for record in records for name in record)
    types = _types({name: _type_of(name, records) for name in names}, schema)
    frame, fits = _read_parts(_only(lines, read), types)
    fault = ~(read & fits)
    if not fault.any():
        return frame, None
    faults = pl.select(pl.when(fault).then(pl.lit(INVALID))).to_series()
    return frame, faults


def _only(lines: Sequence[bytes], chosen: Iterable[bool]) -> list[bytes]:
    """Return lines, with an empty object for each that is not chosen."""
    return [line if ok else b"{}" for line, ok in zip(lines, chosen, strict=True)]


def _type_of(name: str, records: list[dict[str, msgspec.Raw]]) -> pl.DataType:
    """Return the type of the values of a column; text if they have none in common."""
    values = [bytes(record[name]) for record in records if name in record]
    lines = b"".join(b'{"%s":%s}\n' % (_VALUE.encode(), value) for value in values)
    try:
        return pl.read_ndjson(lines, infer_schema_length=None).schema[_VALUE]
    except pl.exceptions.PolarsError:
        return pl.String()


def _read_parts(
    lines: Sequence[bytes], types: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row for each line, and whether the line could be read."""
    parts = list(_parts(lines, types))
    read = [pl.repeat(ok, part.height, eager=True) for part, ok in parts]
    return pl.concat([part for part, _ in parts]), pl.concat(read)


def _parts(
    lines: Sequence[bytes], types: Mapping[str, pl.DataType]
) -> Iterator[tuple[pl.DataFrame, bool]]:
    """Yield the frames of lines, and whether they could be read.

    Halves are read, down to a line that cannot be read.
    """
    try:
        yield _read(b"\n".join(lines), types), True
    except pl.exceptions.PolarsError:
        if len(lines) == 1:
            yield _read(b"{}", types), False
            return
        half = len(lines) // 2
        yield from _parts(lines[:half], types)
        yield from _parts(lines[half:], types)


def _types(
    found: Mapping[str, pl.DataType], schema: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return the types to read columns with: lists and objects as texts if wanted so.

    Those of columns that are not wanted are passed on as texts, too.
    """
    text = pl.String()
    return {
        name: text
        if schema and dtype.is_nested() and not schema.get(name, text).is_nested()
        else dtype
        for name, dtype in found.items()
    }


def _with_nested(
    frame: pl.DataFrame, schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Return records with the lists and objects of columns that were read as texts."""
    mixed = {
        name: dtype
        for name, dtype in schema.items()
        if dtype.is_nested() and frame.schema.get(name) == pl.String
    }
    return frame.with_columns(
        _nested(frame[name], dtype).alias(typed_name(name))
        for name, dtype in mixed.items()
    )


def _nested(texts: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return texts of JSON as lists or objects; null where they are none."""
    begin = "{" if isinstance(dtype, pl.Struct) else "["
    fits = texts.str.starts_with(begin) & ~texts.str.contains("\n", literal=True)
    lines = [
        f'{{"{_VALUE}":{text if fit else "null"}}}'.encode()
        for text, fit in zip(texts, fits, strict=True)
    ]
    return _read_parts(lines, {_VALUE: dtype})[0][_VALUE]


def _are_objects(text: bytes) -> bool:
    """Return whether each line that is not blank begins like an object.

    polars reads some other values as records without values.
    """
    ends = text.count(b"\n") - text.endswith(b"\n")
    if text.startswith(b"{") and text.count(b"\n{") == ends:
        return True
    lines = (line.lstrip(_SPACE) for line in text.split(b"\n"))
    return all(line.startswith(b"{") for line in lines if line)
