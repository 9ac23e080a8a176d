"""Rows as lines of JSON, lines as objects, and what the objects are called.

A line has the columns in the order of the schema. A null is left out; a float that is
no number (NaN, an infinity) is written as ``null``, since JSON has none, and so can
still be told from it. A Datetime with a time zone is written in UTC as RFC 3339 with
microseconds and ``Z`` (nanoseconds where it has them), one without as it is and without
``Z``; a Date as ``2024-01-31``, a Decimal as a number with all its digits. All else,
and what is in a Struct or a List, is written as polars writes JSON: there a null is
``null``, a Decimal a string, and a Duration ISO 8601.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from urllib.parse import quote

import polars as pl
from isal import isal_zlib
from pydantic_core import to_json

FAST = 1
"""The level at which ISA-L compresses: a little better than zlib's level 1, in a fifth
of the time.
"""

LONGEST = 80
"""Characters of a source key in a name: a file's name may have 255, with what a folder
adds while it is written.
"""

LONGEST_METADATA = 900
"""Characters of a source key in metadata: S3 keeps 2 KB of it."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
"""What a name does not have of a source key: ``%`` and ``:`` break tools that decode
keys or take them for paths.
"""

_GZIP = 31
"""zlib's number for gzip; its header then holds neither a time nor a name."""


def unsupported_columns(schema: pl.Schema) -> list[str]:
    """Columns of a type that has no form in JSON."""
    return [name for name, dtype in schema.items() if _has_binary(dtype)]


def _has_binary(dtype: object) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_has_binary(field.dtype) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _has_binary(dtype.inner)
    return dtype in (pl.Binary, pl.Object)


def encoded(schema: pl.Schema, json_columns: Collection[str]) -> pl.Expr:
    """The line of a row, without its end.

    Column by column: more than twice as fast as a loop over rows.
    """
    values = [
        _json_member(name, dtype, is_json=name in json_columns)
        for name, dtype in schema.items()
    ]
    return pl.lit("{") + pl.concat_str(values, separator=",", ignore_nulls=True) + "}"


def _json_member(name: str, dtype: pl.DataType, *, is_json: bool) -> pl.Expr:
    """``"name":value``, or a null for a null."""
    column, head = pl.col(name), pl.lit(f"{json.dumps(name, ensure_ascii=False)}:")
    if (
        is_json
    ):  # between the tokens of JSON text there may be line breaks, and nowhere else
        return head + column.str.replace_all(r"[\r\n]", " ")
    if dtype.is_integer() or dtype.is_decimal():
        return head + column.cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        digits, zone = (
            ("%.9f" if dtype.time_unit == "ns" else "%.6f"),
            "Z" if dtype.time_zone else "",
        )
        moment = column.dt.convert_time_zone("UTC") if zone else column
        return head + moment.dt.to_string(f'"%Y-%m-%dT%H:%M:%S{digits}{zone}"')
    whole = pl.struct(column).struct.json_encode()
    return pl.when(column.is_not_null()).then(
        whole.str.strip_prefix("{").str.strip_suffix("}")
    )


def pieces(
    sizes: Sequence[int], max_rows: int, max_bytes: int
) -> Iterator[tuple[int, int]]:
    """Yield begin and length of each object, for lines of these sizes.

    It has as many lines as both limits allow, and at least one.
    """
    ends = list(accumulate(sizes))
    begin, before = 0, 0
    while begin < len(ends):
        end = min(
            max(bisect_right(ends, before + max_bytes), begin + 1), begin + max_rows
        )
        yield begin, end - begin
        begin, before = end, ends[end - 1]


def compressed(rows: Sequence[str], level: int) -> bytes:
    """An object of these lines: the same bytes each time."""
    text = "\n".join([*rows, ""]).encode()
    return (
        isal_zlib.compress(text, 1, _GZIP)
        if level == FAST
        else zlib.compress(text, level, _GZIP)
    )


def lines(data: bytes) -> list[bytes]:
    """The lines of an object, without their ends.

    Raises:
        zlib.error: It is not gzip, or it ends too early.
    """
    return zlib.decompress(data, _GZIP).split(b"\n")[:-1]


def object_name(source_keys: Sequence[str]) -> str:
    """Name of the object of these rows.

    A hash over all source keys keeps two of them from sharing one.
    """
    digest = hashlib.sha256(to_json(source_keys)).hexdigest()[:32]
    return (
        f"{_readable(source_keys[0])}..{_readable(source_keys[-1])}-{digest}.ndjson.gz"
    )


def _readable(source_key: str) -> str:
    """Return the end of a source key in characters that are safe everywhere.

    No store, shell or URL reads them in a way of its own.

    It begins with a letter or digit: Athena, Hive and file systems hide a file whose
    name begins with ``_`` or ``.``.
    """
    return _UNSAFE.sub("-", source_key)[-LONGEST:].lstrip("-._") or "x"


def short(source_key: str, longest: int) -> str:
    """A source key, percent-encoded.

    Of a long one its end, since that is where source keys differ.
    """
    text = quote(source_key, safe="")
    if len(text) <= longest:
        return text
    cut = next(
        at for at in range(len(text) - longest, len(text) + 1) if _is_start(text, at)
    )
    return text[cut:]


def _is_start(text: str, at: int) -> bool:
    """Whether no escape is cut in two at this place."""
    return "%" not in text[max(0, at - 2) : at]
