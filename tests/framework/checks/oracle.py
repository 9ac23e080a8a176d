"""Verdicts of checks on plain rows, as one would write them without columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

Row = dict[str, Any]


def unique(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, int]:
    def canonical(value: Any) -> Any:
        if isinstance(value, float):
            return "NaN" if math.isnan(value) else value + 0.0
        return value

    keys = Counter(
        tuple(canonical(row[name]) for name in columns)
        for row in rows
        if None not in [row[name] for name in columns]
    )
    shared = [count for count in keys.values() if count > 1]
    return {"rows": len(rows), "failing": sum(shared), "keys": len(shared)}


def not_null(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, int]:
    failing = [row for row in rows if any(row[name] is None for name in columns)]
    return {"rows": len(rows), "failing": len(failing)}


def in_range(rows: Sequence[Row], column: str, least: Any, most: Any) -> dict[str, int]:
    values = [row[column] for row in rows if row[column] is not None]
    failing = [value for value in values if not least <= value <= most]
    return {"rows": len(rows), "failing": len(failing)}


def accepted(rows: Sequence[Row], column: str, values: Sequence[Any]) -> dict[str, int]:
    failing = [
        row for row in rows if row[column] is not None and row[column] not in values
    ]
    return {"rows": len(rows), "failing": len(failing)}


def foreign_key(rows: Sequence[Row], column: str, known: set[Any]) -> dict[str, int]:
    failing = [
        row for row in rows if row[column] is not None and row[column] not in known
    ]
    return {"rows": len(rows), "failing": len(failing)}


def age(rows: Sequence[Row], column: str, at: datetime) -> dict[str, Any]:
    latest = at + timedelta(minutes=15)
    values = [row[column] for row in rows if row[column] is not None]
    if values and not isinstance(values[0], datetime):
        past = [value for value in values if value <= latest.date()]
        newest: date | None = max(past, default=None)
        seconds = None if newest is None else float((at.date() - newest).days * 86_400)
    else:
        past = [value for value in values if value <= latest]
        moment = max(past, default=None)
        seconds = (
            None
            if moment is None
            else round((at - moment.astimezone(UTC)).total_seconds(), 3)
        )
    return {"rows": len(rows), "age_seconds": seconds, "ahead": len(values) - len(past)}
