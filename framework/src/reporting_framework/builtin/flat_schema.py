"""Rules of a model's fields as expressions, taken from pydantic's core schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import polars as pl

_HARMLESS = frozenset({"type", "metadata", "ref", "strict", "serialization", "title"})
_CONFIG = frozenset({"allow_inf_nan", "extra_fields_behavior", "title"})
_BOUNDS = {
    "ge": pl.Expr.ge,
    "gt": pl.Expr.gt,
    "le": pl.Expr.le,
    "lt": pl.Expr.lt,
}

DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""Form of a day, read without the model."""

MOMENT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$"
)
"""Form of a time, read without the model."""

NOT_TEXT = "Static("
"""Start of the text as which polars reads an integer of more than 64 bits."""

_FIRST_DAY = date(1, 1, 1)
_CALENDAR = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
)


class _UnsupportedError(Exception):
    """Error of a rule that has no expression."""


class FlatField(NamedTuple):
    """Field of a record, as a column.

    Attributes:
        dtype: Type in which the values are read.
        valid: Expression: whether a value that is not null is certainly valid. It may
            use the column `value_of` of the field.
        value: Expression: the value.
        null: Whether no value and the value null both mean null.
    """

    dtype: pl.DataType
    valid: pl.Expr
    value: pl.Expr
    null: bool = False


def flat_fields(
    schema: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, FlatField] | None:
    """Return the fields of a model, or `None` if one of its rules has no expression.

    Args:
        schema: Core schema of the model, a pydantic model or a TypedDict.
        defaults: Values for fields that a record may omit.
    """
    try:
        return dict(_fields(schema, defaults))
    except _UnsupportedError:
        return None


def _fields(
    schema: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[tuple[str, FlatField]]:
    if not schema.get("config", {}).keys() <= _CONFIG:
        raise _UnsupportedError
    if schema["type"] == "model":
        if schema.get("custom_init") or schema.get("root_model"):
            raise _UnsupportedError
        if schema.get("post_init") or schema["cls"].__new__ is not object.__new__:
            raise _UnsupportedError
        schema = schema["schema"]
    if schema["type"] not in ("model-fields", "typed-dict"):
        raise _UnsupportedError
    if schema.get("computed_fields"):
        raise _UnsupportedError
    for name, field in schema["fields"].items():
        if "validation_alias" in field or "." in name or not name.isidentifier():
            raise _UnsupportedError
        yield name, _field(name, field, defaults)


def _field(
    name: str, field: Mapping[str, Any], defaults: Mapping[str, Any]
) -> FlatField:
    schema, optional = field["schema"], not field.get("required", True)
    if schema["type"] == "default":
        known = {"default", "schema", "type", "metadata"}
        if not schema.keys() <= known:
            raise _UnsupportedError
        optional = schema.get("default", ...) is None
        schema = schema["schema"]
    nullable = schema["type"] == "nullable"
    if nullable:
        schema = schema["schema"]
    flat = _rules(pl.col(name), schema)
    return flat._replace(null=nullable and optional and name not in defaults)


def _rules(column: pl.Expr, schema: Mapping[str, Any]) -> FlatField:
    """Return the rules of a value.

    Raises:
        _UnsupportedError: One of them has no expression.
    """
    kind = schema["type"]
    if kind == "union" and schema.get("mode") == "left_to_right":
        first = schema["choices"][0]
        return _rules(column, first if isinstance(first, dict) else first[0])
    if kind == "chain" and len(schema["steps"]) == 2:
        text, then = (_rules(column, step) for step in schema["steps"])
        if schema["steps"][0]["type"] != "str" or text.dtype != then.dtype:
            raise _UnsupportedError
        return then._replace(valid=text.valid & then.valid)
    if kind not in _KINDS:
        raise _UnsupportedError
    allowed, rules = _KINDS[kind]
    if not schema.keys() <= _HARMLESS | allowed:
        raise _UnsupportedError
    return rules(column, schema)  # type: ignore[no-any-return]  # one of those below


def _text(column: pl.Expr, schema: Mapping[str, Any]) -> FlatField:
    valid = ~column.str.starts_with(NOT_TEXT)
    if (pattern := schema.get("pattern")) is not None:
        if not isinstance(pattern, str):
            raise _UnsupportedError
        valid &= column.str.contains(pattern)
    if (least := schema.get("min_length")) is not None:
        valid &= column.str.len_chars() >= least
    if (most := schema.get("max_length")) is not None:
        valid &= column.str.len_chars() <= most
    return FlatField(pl.String(), valid, column)


def _literal(column: pl.Expr, schema: Mapping[str, Any]) -> FlatField:
    expected = schema["expected"]
    if any(type(value) is not str for value in expected):
        raise _UnsupportedError
    return FlatField(pl.String(), column.is_in(expected), column)


def _number(
    dtype: pl.DataType, column: pl.Expr, schema: Mapping[str, Any]
) -> FlatField:
    valid = pl.lit(True)
    for name, compare in _BOUNDS.items():
        if (bound := schema.get(name)) is not None:
            if type(bound) not in (int, float) or not abs(bound) < 2**63:  # or NaN
                raise _UnsupportedError
            valid &= compare(column, bound)
    return FlatField(dtype, valid, column)


def _integer(column: pl.Expr, schema: Mapping[str, Any]) -> FlatField:
    return _number(pl.Int64(), column, schema)


def _real(column: pl.Expr, schema: Mapping[str, Any]) -> FlatField:
    flat = _number(pl.Float64(), column, schema)
    return flat._replace(valid=flat.valid & column.is_finite())


def _boolean(column: pl.Expr, _schema: Mapping[str, Any]) -> FlatField:
    return FlatField(pl.Boolean(), pl.lit(True), column)


def _day(column: pl.Expr, _schema: Mapping[str, Any]) -> FlatField:
    value = column.str.to_date("%Y-%m-%d", strict=False)
    valid = column.str.contains(DAY) & (_value(column) >= _FIRST_DAY)
    return FlatField(pl.String(), valid, value)


def _moment(column: pl.Expr, _schema: Mapping[str, Any]) -> FlatField:
    value = column.map_batches(utc_moments, return_dtype=pl.Datetime("us", "UTC"))
    valid = column.str.contains(MOMENT) & _value(column).is_between(*_CALENDAR)
    valid &= ~column.str.starts_with("0000")  # its offset may lead into the year 1
    return FlatField(pl.String(), valid, value)


def utc_moments(texts: pl.Series) -> pl.Series:
    """Return times; null for what is no time, and any time for what is not `MOMENT`.

    Times that all end in ``Z``, as most do, take half of the time of others.
    """
    if texts.str.ends_with("Z").all():
        moments = _without_zone(texts.str.head(-1))
    else:
        local = texts.str.replace(r"(?:Z|[+-][0-9:]+)$", "")
        offsets = pl.duration(minutes=_offset(pl.col(texts.name)))
        ahead = texts.to_frame().select(offsets).to_series()
        moments = _without_zone(local) - ahead
    return moments.dt.replace_time_zone("UTC")


def _without_zone(texts: pl.Series) -> pl.Series:
    return texts.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)


def _offset(column: pl.Expr) -> pl.Expr:
    """Return the offset from UTC of times, in minutes; 0 for a time without one."""
    end = column.str.slice(-6)
    hours, minutes = (
        end.str.slice(begin, 2).cast(pl.Int32, strict=False) for begin in (1, 4)
    )
    offset = hours * 60 + minutes
    signed = pl.when(end.str.starts_with("-")).then(-offset)
    return signed.when(end.str.starts_with("+")).then(offset).otherwise(0)


def value_of(name: str) -> str:
    """Return the name of the column with the values of a field."""
    return f"_reporting_value {name}"


def _value(column: pl.Expr) -> pl.Expr:
    return pl.col(value_of(column.meta.output_name()))


_KINDS: Mapping[str, tuple[frozenset[str], Any]] = {
    "str": (frozenset({"pattern", "min_length", "max_length"}), _text),
    "literal": (frozenset({"expected"}), _literal),
    "int": (frozenset(_BOUNDS), _integer),
    "float": (frozenset({*_BOUNDS, "allow_inf_nan"}), _real),
    "bool": (frozenset(), _boolean),
    "date": (frozenset(), _day),
    "datetime": (frozenset({"microseconds_precision"}), _moment),
}
"""Rules by the type of a schema: the constraints that they know, and their function."""
