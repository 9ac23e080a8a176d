"""Types of MySQL and MariaDB, and how their values are read."""

from __future__ import annotations

from typing import Any

import polars as pl

from reporting_sql.columns import SAME, Column

MAX_PRECISION = 38
"""Largest precision of a decimal in frames."""

_INTEGERS = {
    "tinyint": (pl.Int8(), pl.UInt8()),
    "smallint": (pl.Int16(), pl.UInt16()),
    "mediumint": (pl.Int32(), pl.UInt32()),
    "int": (pl.Int32(), pl.UInt32()),
    "bigint": (pl.Int64(), pl.UInt64()),
}
"""Signed and unsigned types."""

_TEXTS = (
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "enum",
    "set",
    "json",
    "uuid",
    "inet4",
    "inet6",
)
_OTHERS: dict[str, pl.DataType] = {
    **dict.fromkeys(_TEXTS, pl.String()),
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
        pl.Binary(),
    ),
    "year": pl.Int16(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "date": pl.Date(),
    "time": pl.Time(),
    "datetime": pl.Datetime("us"),
    "timestamp": pl.Datetime("us", "UTC"),
}

_SENT = {
    0: "decimal",
    1: "tinyint",
    2: "smallint",
    3: "int",
    4: "float",
    5: "double",
    7: "timestamp",
    8: "bigint",
    9: "mediumint",
    10: "date",
    11: "time",
    12: "datetime",
    13: "year",
    16: "bit",
    245: "json",
    246: "decimal",
    247: "enum",
    248: "set",
    249: "tinyblob",
    250: "mediumblob",
    251: "longblob",
    252: "blob",
    253: "varchar",
    254: "char",
}
"""Types by the numbers of the protocol."""

_AS_TEXT = "CAST({0} AS CHAR) COLLATE utf8mb4_bin"
"""Order of a type that is sorted by its numbers, and compared with a text as text."""

_NO_DAY = "COALESCE(YEAR({0}) = 0 OR {0} + INTERVAL 0 DAY <> {0}, TRUE)"
"""Condition that a date is none, such as 0000-00-00, 2024-00-01 or 2024-02-31."""

_UNSIGNED, _BINARY_CHARSET = 32, 63


def column_of(
    name: str, base: str, declared: str, precision: Any = None, scale: Any = None
) -> Column:
    """Return a column; its `dtype` is `pl.Null` if its values cannot be kept.

    Args:
        name: Name of the column.
        base: Name of the type, without precision.
        declared: The whole type.
        precision: Precision of a decimal.
        scale: Scale of a decimal.
    """
    base, declared = _text(base).lower(), _text(declared)
    if base == "decimal" and precision is not None:
        digits = int(precision)
        if digits > MAX_PRECISION:
            return Column(name, declared, pl.String())
        return Column(name, declared, pl.Decimal(digits, int(scale or 0)))
    if base in _INTEGERS:
        return Column(name, declared, _INTEGERS[base]["unsigned" in declared.lower()])
    if base == "bit":
        return Column(name, declared, pl.UInt64(), "CAST({0} AS UNSIGNED)")
    if base == "float":  # the server sends only six digits of a float
        return Column(name, declared, pl.Float32(), "CAST({0} AS DOUBLE)")
    compared = _AS_TEXT if base in ("enum", "json", "set") else SAME
    unordered = _NO_DAY if base in ("date", "datetime", "timestamp") else ""
    dtype = _OTHERS.get(base, pl.Null())
    return Column(name, declared, dtype, unordered=unordered, compared=compared)


def sent_column(field: Any) -> Column:
    """Return a column of a query from PyMySQL's description of it."""
    base = _SENT.get(field.type_code, f"type {field.type_code}")
    unsigned = " unsigned" if field.flags & _UNSIGNED else ""
    if base == "decimal":
        digits = field.length - (field.scale > 0) - (not unsigned)
        return column_of(
            field.name, base, f"decimal({digits},{field.scale})", digits, field.scale
        )
    if field.charsetnr == _BINARY_CHARSET:
        base = {"varchar": "varbinary", "char": "binary"}.get(base, base)
    elif base.endswith("blob"):
        base = base.removesuffix("blob") + "text"
    return column_of(field.name, base, base + unsigned)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
