"""Columns of a table's rows: source keys, key values in JSON, and checks of frames.

Everything works on columns, without a Python object per row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import polars as pl

from reporting_framework.errors import PluginError, SettingsError
from reporting_framework.plugin_api.table_query import FAULTY, TableInfo, TableQuery

WRONG_TYPE = "wrong_type"
"""Error type of a row with a value that is not of its column's type."""

_ESCAPES = {"%": "%25", "/": "%2F"}


def check_info(info: TableInfo, source: str) -> None:
    """Check that a table can be read.

    Raises:
        PluginError: It has no primary key, or one with a repeated column; a column is
            missing, or its type cannot be ordered.
        SettingsError: A column has no name, or the name of the column that `fetch` may
            add.
    """
    where = f"source {source}: table {info.name}"
    if "" in info.schema:
        raise SettingsError(
            f"{where}: a column has an empty name; read the table through a view that"
            " renames it or leaves it out"
        )
    if FAULTY in info.schema:
        raise SettingsError(
            f"{where}: column {FAULTY}: that name is the framework's own; read the"
            " table through a view that renames it or leaves it out"
        )
    if not info.primary_key:
        raise PluginError(f"{where}: it has no primary key; name its columns")
    if len(set(info.primary_key)) < len(info.primary_key):
        raise PluginError(
            f"{where}: its primary key names a column twice; name each column once"
        )
    columns = [*info.primary_key, *([info.cursor] if info.cursor else [])]
    for name in columns:
        if name not in info.schema:
            raise PluginError(f"{where}: column {name} is not in its schema; add it")
        if not _is_key(info.schema[name]):
            raise PluginError(
                f"{where}: column {name} is {info.schema[name]}, which cannot be a key"
                " or a cursor; use an integer, a text, a date or a time in microseconds"
            )
    if info.cursor:
        dtype = info.schema[info.cursor]
        if not (dtype.is_integer() or dtype.is_temporal() or dtype == pl.String()):
            raise PluginError(
                f"{where}: cursor {info.cursor} is {dtype}; use a time, a date, an"
                " integer or an ISO 8601 text"
            )


def _is_key(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.Datetime):
        return dtype.time_unit in ("us", "ms")
    return dtype.is_integer() or isinstance(
        dtype, pl.String | pl.Date | pl.Binary | pl.Decimal
    )


# -- source keys -----------------------------------------------------------------------


def source_keys(info: TableInfo, frame: pl.DataFrame) -> pl.Series:
    """Return the source key of each row: ``table/primary-key``.

    In texts, ``%`` and ``/`` are percent-encoded, so that different primary keys give
    different source keys.
    """
    parts = [_text(frame[name]) for name in info.primary_key]
    prefix = pl.lit(_escaped(info.name) + "/")
    return pl.select(prefix + pl.concat_str(parts, separator="/")).to_series()


def key_of(info: TableInfo, source_key: str) -> list[Any] | None:
    """Return the primary key of a source key, `None` if it is not of the table."""
    name, *parts = map(unquote, source_key.split("/"))
    if name != info.name or len(parts) != len(info.primary_key):
        return None
    try:
        key = [
            value_from_json(int(part) if dtype.is_integer() else part, dtype)
            for part, dtype in zip(parts, key_types(info), strict=True)
        ]
        frame = pl.DataFrame(
            [key],
            dict(zip(info.primary_key, key_types(info), strict=True)),
            orient="row",
        )
    except (ValueError, ArithmeticError, OverflowError, TypeError):
        return None
    return key if source_keys(info, frame).item() == source_key else None


def key_types(info: TableInfo) -> list[pl.DataType]:
    """Return the types of the primary key."""
    return [info.schema[name] for name in info.primary_key]


def _escaped(text: str) -> str:
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _text(column: pl.Series) -> pl.Series:
    """Return a key column as texts, in the format of `to_json`."""
    if isinstance(column.dtype, pl.String):
        for character, escape in _ESCAPES.items():
            column = column.str.replace_all(character, escape, literal=True)
        return column
    if isinstance(column.dtype, pl.Binary):
        return column.bin.encode("hex")
    if isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone:
            column = column.dt.convert_time_zone("UTC")
        return column.cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if isinstance(column.dtype, pl.Date):
        return column.dt.strftime("%Y-%m-%d")
    return column.cast(pl.String)


# -- values of keys in JSON ------------------------------------------------------------


def to_json(value: Any) -> Any:
    """Return a value of a key or a cursor as a JSON value."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, Decimal) else value


def row_from_json(
    values: Sequence[Any] | None, names: Sequence[str], schema: pl.Schema
) -> tuple[Any, ...] | None:
    """Convert values of these columns back from `to_json`; `None` stays `None`."""
    if values is None:
        return None
    types = (schema[name] for name in names)
    return tuple(map(value_from_json, values, types))


def value_from_json(value: Any, dtype: pl.DataType) -> Any:
    """Convert a value of a column of this type back from `to_json`."""
    if value is None:
        return None
    if isinstance(dtype, pl.Datetime):
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if dtype.time_zone else moment
    if isinstance(dtype, pl.Date):
        return date.fromisoformat(value)
    if isinstance(dtype, pl.Binary):
        return bytes.fromhex(value)
    return Decimal(value) if isinstance(dtype, pl.Decimal) else value


# -- what a table source has fetched ---------------------------------------------------


def checked(
    frame: pl.DataFrame, query: TableQuery, schema: Mapping[str, pl.DataType], what: str
) -> pl.DataFrame:
    """Check fetched rows; return them with the columns of the query, and `FAULTY`.

    A column with only nulls may have any type. The database defines the order of texts,
    so the order is checked only up to the first column of texts.

    Args:
        frame: Fetched rows.
        query: Query that was executed.
        schema: Columns of the table.
        what: Subject of messages, such as source and table.

    Raises:
        PluginError: The rows do not match the query.
    """
    if not isinstance(frame, pl.DataFrame):
        raise PluginError(
            f"{what} returned the type {type(frame).__name__}; return a polars"
            " DataFrame"
        )
    if missing := [name for name in query.columns if name not in frame.columns]:
        raise PluginError(f"{what} returned no column {missing[0]}; select it")
    faulty = [FAULTY] if FAULTY in frame.columns else []
    frame = frame.select([*query.columns, *faulty])
    if faulty and not set(frame[FAULTY].drop_nulls().unique()) <= set(schema):
        raise PluginError(
            f"{what} returned a column {FAULTY} of something else than names of"
            " columns; name the column whose value does not fit, or null"
        )
    for name in query.columns:
        if isinstance(frame.schema[name], pl.Null):
            frame = frame.with_columns(pl.col(name).cast(schema[name]))
        if frame.schema[name] != schema[name]:
            raise PluginError(
                f"{what} returned column {name} as {frame.schema[name]}, and the schema"
                f" says {schema[name]}; cast it"
            )
    if frame.height > query.limit:
        raise PluginError(
            f"{what} returned {frame.height} rows, and the limit was {query.limit};"
            " apply the limit"
        )
    keys = frame.select(query.order)
    if nulls := [name for name in query.order if keys[name].null_count()]:
        raise PluginError(
            f"{what} returned rows in which {nulls[0]} is null; leave them out"
        )
    if keys.is_duplicated().any():
        raise PluginError(
            f"{what} returned two rows of one primary key; the key must be unique"
        )
    if not query.keys and not _is_ordered(keys, query):
        raise PluginError(
            f"{what} returned rows that are not in the order of"
            f" {', '.join(query.order)}, or out of bounds; apply order, after and until"
        )
    return frame


def _is_ordered(keys: pl.DataFrame, query: TableQuery) -> bool:
    names = list(query.order)
    texts = [name for name in names if isinstance(keys.schema[name], pl.String)]
    known = names[: names.index(texts[0])] if texts else names
    if not known or not keys.height:
        return True
    strict, (small, large) = not texts, (keys.row(0), keys.row(-1))
    if query.descending:
        keys, (small, large) = keys.reverse(), (large, small)
    column = pl.col(known[-1])
    above = column > column.shift() if strict else column >= column.shift()
    for name in reversed(known[:-1]):
        column = pl.col(name)
        above = (column > column.shift()) | ((column == column.shift()) & above)
    bounded = len(known)
    return bool(
        keys.select(above.fill_null(True).all()).item()
        and (query.floor is None or small[0] >= query.floor)
        and _precedes(query.after, small, bounded, strict=strict)
        and _precedes(large, query.until, bounded, strict=False)
    )


def _precedes(
    one: Sequence[Any] | None, other: Sequence[Any] | None, known: int, *, strict: bool
) -> bool:
    if one is None or other is None:
        return True
    length = min(known, len(one), len(other))
    first, second = tuple(one[:length]), tuple(other[:length])
    return first < second if strict else first <= second
