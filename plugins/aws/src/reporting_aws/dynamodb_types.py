"""Keys and attributes, between DynamoDB's form and that of columns.

Keys are to be looked up, and attributes were found.
"""

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
    1024  # of a sort key; a partition key may have twice as much, which nobody uses
)


class Unexpected(Exception):
    """An attribute is there and is not of the type that a column needs."""


def is_key_value(value: str | int) -> bool:
    """Whether DynamoDB lets one ask for an item of this key.

    Of another there is none, and the request would fail.
    """
    return (
        0 < len(value.encode()) <= _KEY_BYTES
        if isinstance(value, str)
        else abs(value) < 10**_DIGITS
    )


def asked(value: str | int) -> dict[str, str]:
    """A key's value as DynamoDB takes it."""
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def answered(attribute: dict[str, Any]) -> str | int:
    """A key's value, as it was before `asked`."""
    return str(attribute["S"]) if "S" in attribute else int(Decimal(attribute["N"]))


def value(attribute: dict[str, Any] | None, kind: str) -> Any:
    """An attribute as the value of a column.

    None where it is not there, or is DynamoDB's null.

    Raises:
        Unexpected: It is there, and is something else.
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
        pass  # as if of another type; the error would quote it
    raise Unexpected


def _moment(text: str) -> datetime:
    """A moment in ISO 8601, in UTC unless it says otherwise."""
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
