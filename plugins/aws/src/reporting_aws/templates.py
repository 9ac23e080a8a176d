"""Templates of keys that are made of columns.

One is ``exp_{experiment_id}#hour#{timestamp:%Y-%m-%d-%H}``.

Two different combinations of values never make the same key: what parts the values,
``#``, is encoded within them, as are ``%`` and control characters. What stands for
something else than itself begins with a ``%`` that no encoding makes.
"""

from __future__ import annotations

import hashlib
import re
from string import Formatter
from typing import NamedTuple

import polars as pl

from reporting_framework.errors import SettingsError

TIMESTAMP = "timestamp"
"""In a template: the column that the setting of this name names."""

NONE = "none"
"""What a null is written as; the value of that name is written as ``%6Eone``."""

_DIRECTIVES = re.compile(r"%[YmdHMSjGVu]")
_PLAIN = re.compile(r"[^#%\x00-\x1f\x7f-\x9f]*")
_SPECIAL = ["#", "%", *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))]
_ENCODED = ["".join(f"%{byte:02X}" for byte in char.encode()) for char in _SPECIAL]

_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date)


class Part(NamedTuple):
    """A piece of a template.

    Attributes:
        literal: Text before the placeholder.
        column: The placeholder's column, or None after the last one.
        form: How a moment is written, or an empty text.
    """

    literal: str
    column: str | None
    form: str


def parse(template: str) -> list[Part]:
    """The pieces of a template.

    Raises:
        ValueError: It is none.
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
                "no % and no control characters may be in the text of a template"
            )
        if part.column is not None and not parted:
            raise ValueError(
                "between two placeholders there must be a #, so that two keys are never"
                " the same"
            )
        if (
            part.column == ""
            or (part.column and not _PLAIN.fullmatch(part.column))
            or "!" in template
        ):
            raise ValueError("a placeholder is {column} or {column:%Y-%m-%d}")
        if part.form and not (
            _DIRECTIVES.search(part.form)
            and _PLAIN.fullmatch(_DIRECTIVES.sub("", part.form))
        ):
            raise ValueError(
                "a moment is written with %Y %m %d %H %M %S %j %G %V %u and text"
                " without # and %"
            )
        parted = parted and part.column is None
    if not parts:
        raise ValueError("a template must not be empty")
    return parts


def expression(template: str, timestamp: str, schema: pl.Schema, who: str) -> pl.Expr:
    """What makes the keys of a frame.

    Raises:
        SettingsError: A column is not there or cannot be part of a key.
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
            f"{who}: there is no column {column}; there are {', '.join(schema.names())}"
        )
    if part.form and not moment:
        raise SettingsError(
            f"{who}: column {column} ({dtype}) is no moment, so :{part.form} cannot be"
            " written"
        )
    if not part.form and not (dtype.is_integer() or isinstance(dtype, _TEXTS)):
        raise SettingsError(
            f"{who}: column {column} ({dtype}) cannot be part of a key as it is"
        )
    value = pl.col(column)
    if part.form:
        if isinstance(dtype, pl.Datetime) and dtype.time_zone not in (None, "UTC"):
            value = value.dt.convert_time_zone("UTC")
        value = pl.when(value.dt.year().is_between(1, 9999)).then(
            value
        )  # polars panics beyond the calendar
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
    """The key as DynamoDB takes it: not empty, and at most `limit` bytes.

    A longer one is replaced by its hash.
    """
    if not key:
        return "%"
    data = key.encode()
    return key if len(data) <= limit else f"%sha256#{hashlib.sha256(data).hexdigest()}"
