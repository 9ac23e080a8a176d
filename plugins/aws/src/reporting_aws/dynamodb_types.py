"""Conversion of keys and attributes between DynamoDB and columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

MOMENT = pl.Datetime("us", "UTC")

DTYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "timestamp": MOMENT,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 38
_KEY_BYTES = (
    1024  # limit of a sort key; a partition key may have twice as much, rarely used
)


class Unexpected(Exception):
    """An attribute exists and has another type than its column."""


def is_key_value(value: str | int) -> bool:
    """Return whether DynamoDB accepts this value as a key.

    No item can have another value, and a request with one would fail.
    """
    return (
        0 < len(value.encode()) <= _KEY_BYTES
        if isinstance(value, str)
        else abs(value) < 10**_DIGITS
    )


def asked(value: str | int) -> dict[str, str]:
    """Convert a key's value to DynamoDB's form."""
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def answered(attribute: dict[str, Any]) -> str | int:
    """Convert a key's value from DynamoDB's form; the inverse of `asked`."""
    return str(attribute["S"]) if "S" in attribute else int(Decimal(attribute["N"]))


def value(attribute: dict[str, Any] | None, kind: str) -> Any:
    """Convert an attribute to the value of a column.

    Returns:
        The value; `None` if the attribute is missing or DynamoDB's null.

    Raises:
        Unexpected: The attribute has another type.
    """
    if attribute is None or "NULL" in attribute:
        return None
    text, number = attribute.get("S"), attribute.get("N")
    try:
        if kind == "string" and text is not None:
            return text
        if kind == "timestamp" and text is not None:
            return _moment(text)
        if number is not None and kind != "string":
            return _number(Decimal(number), kind)
    except (ValueError, OverflowError, InvalidOperation):
        pass  # treated as another type; the error's text would quote the value
    raise Unexpected


def _moment(text: str) -> datetime:
    """Parse a moment in ISO 8601; without a time zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return (
        moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    )


def _number(number: Decimal, kind: str) -> int | float | datetime:
    if kind == "float":
        return float(number)
    if kind == "timestamp":
        return _EPOCH + timedelta(microseconds=round(number * 1_000_000))
    if number != int(number) or not -(2**63) <= number < 2**63:
        raise ValueError
    return int(number)
