"""Templates of keys, filled with columns.

An example is ``exp_{experiment_id}#hour#{timestamp:%Y-%m-%d-%H}``.

Two different combinations of values never make the same key: the separator ``#`` is
encoded within values, as are ``%`` and control characters. Special texts, such as the
hash of a long key, begin with a ``%`` that no encoding produces.
"""

from __future__ import annotations

import hashlib
import re
from string import Formatter
from typing import NamedTuple

import polars as pl

from reporting_framework.errors import SettingsError

TIMESTAMP = "timestamp"
"""Placeholder for the column that the setting `timestamp` names."""

NONE = "none"
"""Text of a null; the value ``none`` itself becomes ``%6Eone``."""

_DIRECTIVES = re.compile(r"%[YmdHMSjGVu]")
_PLAIN = re.compile(r"[^#%\x00-\x1f\x7f-\x9f]*")
_SPECIAL = ["#", "%", *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))]
_ENCODED = ["".join(f"%{byte:02X}" for byte in char.encode()) for char in _SPECIAL]

_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date)


class Part(NamedTuple):
    """Part of a template.

    Attributes:
        literal: Text before the placeholder.
        column: Column of the placeholder, or `None` after the last one.
        form: Format of a moment; may be empty.
    """

    literal: str
    column: str | None
    form: str


def parse(template: str) -> list[Part]:
    """Split a template into its parts.

    Raises:
        ValueError: The template is malformed.
    """
    try:
        parts = [
            Part(literal, column, form or "")
            for literal, column, form, conversion in Formatter().parse(template)
        ]
    except ValueError as error:
        raise ValueError(f"not a template: {error}") from error
    parted = True
    for part in parts:
        parted = parted or "#" in part.literal
        if not _PLAIN.fullmatch(part.literal.replace("#", "")):
            raise ValueError(
                "the text of a template must not contain % or control characters"
            )
        if part.column is not None and not parted:
            raise ValueError(
                "placeholders must be separated by a #, so that different values"
                " never make"
                " the same key"
            )
        if (
            part.column == ""
            or (part.column and not _PLAIN.fullmatch(part.column))
            or "!" in template
        ):
            raise ValueError("a placeholder must be {column} or {column:%Y-%m-%d}")
        if part.form and not (
            _DIRECTIVES.search(part.form)
            and _PLAIN.fullmatch(_DIRECTIVES.sub("", part.form))
        ):
            raise ValueError(
                "the format of a moment may contain %Y %m %d %H %M %S %j %G %V %u and"
                " text"
                " without # and %"
            )
        parted = parted and part.column is None
    if not parts:
        raise ValueError("a template must not be empty")
    return parts


def expression(template: str, timestamp: str, schema: pl.Schema, who: str) -> pl.Expr:
    """Return the expression that computes a frame's keys.

    Raises:
        SettingsError: A column is missing or cannot be part of a key.
    """
    pieces: list[pl.Expr] = []
    for part in parse(template):
        pieces.append(pl.lit(part.literal))
        if part.column is not None:
            pieces.append(
                _value(
                    part,
                    timestamp if part.column == TIMESTAMP else part.column,
                    schema,
                    who,
                )
            )
    return pl.concat_str(pieces)


def _value(part: Part, column: str, schema: pl.Schema, who: str) -> pl.Expr:
    dtype = schema.get(column)
    moment = isinstance(dtype, (pl.Datetime, pl.Date))
    if dtype is None:
        raise SettingsError(
            f"{who}: column {column} does not exist; use one of"
            f" {', '.join(schema.names())}"
        )
    if part.form and not moment:
        raise SettingsError(
            f"{who}: column {column} ({dtype}) is not a moment; leave :{part.form} out"
        )
    if not part.form and not (dtype.is_integer() or isinstance(dtype, _TEXTS)):
        raise SettingsError(
            f"{who}: column {column} ({dtype}) cannot be part of a key; use a column of"
            " text, integers or, with a format, moments"
        )
    value = pl.col(column)
    if part.form:
        if isinstance(dtype, pl.Datetime) and dtype.time_zone not in (None, "UTC"):
            value = value.dt.convert_time_zone("UTC")
        value = pl.when(value.dt.year().is_between(1, 9999)).then(
            value
        )  # polars panics for years beyond the calendar
        return value.dt.to_string(part.form).fill_null(NONE)
    if not isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        return value.cast(pl.String).fill_null(NONE)
    encoded = value.cast(pl.String).str.replace_many(_SPECIAL, _ENCODED)
    return (
        pl.when(encoded == NONE)
        .then(pl.lit("%6Eone"))
        .otherwise(encoded)
        .fill_null(NONE)
    )


def bounded(key: str, limit: int) -> str:
    """Return the key as DynamoDB accepts it: not empty, and at most `limit` bytes.

    A longer key is replaced by its hash.
    """
    if not key:
        return "%"
    data = key.encode()
    return key if len(data) <= limit else f"%sha256#{hashlib.sha256(data).hexdigest()}"
