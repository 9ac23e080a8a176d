"""Rows as lines of JSON, lines as objects, and names of the objects.

A line has the columns in the order of the schema. A null is left out. A float that is
not a number (NaN, infinity) is written as ``null``, as JSON has no such value; it
differs from a null, which is left out. A Datetime with a time zone is written in UTC as
RFC 3339 with microseconds and ``Z`` (nanoseconds if the column has them); a Datetime
without one is written unchanged and without ``Z``. A Date is written as ``2024-01-31``,
a Decimal as a number with all its digits. All other types, and values in a Struct or a
List, are written as polars writes JSON: a null as ``null``, a Decimal as a string, and
a Duration in ISO 8601.
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
"""Level at which ISA-L compresses: slightly better than zlib's level 1, in a fifth of
the time.
"""

LONGEST = 80
"""Most characters of a source key in an object's name: a file's name may have 255,
including the suffix that a folder adds while writing.
"""

LONGEST_METADATA = 900
"""Most characters of a source key in metadata: S3 stores 2 KB of it."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
"""Characters of a source key that are left out of names: ``%`` and ``:`` break tools
that decode keys or take them for paths.
"""

_GZIP = 31
"""zlib's number for gzip with a header that has neither a time nor a name."""


def unsupported_columns(schema: pl.Schema) -> list[str]:
    """Return the columns with a type that JSON cannot express."""
    return [name for name, dtype in schema.items() if _has_binary(dtype)]


def _has_binary(dtype: object) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_has_binary(field.dtype) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _has_binary(dtype.inner)
    return dtype in (pl.Binary, pl.Object)


def encoded(schema: pl.Schema, json_columns: Collection[str]) -> pl.Expr:
    """Return the expression for a row's line, without its line end.

    Working by column is more than twice as fast as a loop over rows.
    """
    values = [
        _json_member(name, dtype, is_json=name in json_columns)
        for name, dtype in schema.items()
    ]
    return pl.lit("{") + pl.concat_str(values, separator=",", ignore_nulls=True) + "}"


def _json_member(name: str, dtype: pl.DataType, *, is_json: bool) -> pl.Expr:
    """Return the expression for ``"name":value``; null if the value is null."""
    column, head = pl.col(name), pl.lit(f"{json.dumps(name, ensure_ascii=False)}:")
    if is_json:  # in JSON text, line breaks occur only between tokens
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
    """Yield start and length of each object, for lines of these sizes.

    An object has as many lines as both limits allow, and at least one.
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
    """Return the object of these lines; the same lines give the same bytes."""
    text = "\n".join([*rows, ""]).encode()
    return (
        isal_zlib.compress(text, 1, _GZIP)
        if level == FAST
        else zlib.compress(text, level, _GZIP)
    )


def lines(data: bytes) -> list[bytes]:
    """Return the lines of an object, without line ends.

    Raises:
        zlib.error: The data is not gzip, or is truncated.
    """
    return zlib.decompress(data, _GZIP).split(b"\n")[:-1]


def object_name(source_keys: Sequence[str]) -> str:
    """Return the name of the object of these rows.

    It includes a hash over all source keys, so that no two objects share a name.
    """
    digest = hashlib.sha256(to_json(source_keys)).hexdigest()[:32]
    return (
        f"{_readable(source_keys[0])}..{_readable(source_keys[-1])}-{digest}.ndjson.gz"
    )


def _readable(source_key: str) -> str:
    """Return the end of a source key in characters that are safe everywhere.

    No store, shell or URL gives these characters a special meaning. The text begins
    with a letter or digit, as Athena, Hive and file systems hide files whose name
    begins with ``_`` or ``.``.
    """
    return _UNSAFE.sub("-", source_key)[-LONGEST:].lstrip("-._") or "x"


def short(source_key: str, longest: int) -> str:
    """Percent-encode a source key.

    Of a long key the end is kept, as source keys differ there.
    """
    text = quote(source_key, safe="")
    if len(text) <= longest:
        return text
    cut = next(
        at for at in range(len(text) - longest, len(text) + 1) if _is_start(text, at)
    )
    return text[cut:]


def _is_start(text: str, at: int) -> bool:
    """Return whether this position cuts no escape in two."""
    return "%" not in text[max(0, at - 2) : at]
