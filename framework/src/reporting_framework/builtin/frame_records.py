"""Rows of a frame as JSON records, for a validator that takes single records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import polars as pl
import polars.selectors as cs
from pydantic_core import to_json

from reporting_framework.builtin.calendar_bounds import within_calendar
from reporting_framework.plugin_api.records import Batch, Rejection

NOT_JSON = "wrong_type"
"""Error type of a value that JSON does not have: not UTF-8, or an object."""


def as_payloads(
    batch: Batch, columns: Collection[str]
) -> tuple[Batch, list[Rejection]]:
    """Return the rows of a frame as payloads, or as rejections if that is impossible.

    Times, days and decimal numbers become texts, so that no digit is lost.

    Args:
        batch: The batch with the frame.
        columns: Columns that a rejection may name.
    """
    frame = batch.frame if batch.frame is not None else pl.DataFrame()
    known = frame.select(map(within_calendar, frame.select(cs.temporal())))
    texts = known.with_columns(cs.temporal().dt.to_string("iso:strict"))
    rows = _rows(frame.with_columns(list(texts)))
    for name in known.columns:
        for at in (known[name].is_null() & frame[name].is_not_null()).arg_true():
            rows[at][name] = object()
    keys, versions, payloads = [], [], []
    rejections: list[Rejection] = []
    for key, version, row in zip(batch.source_keys, batch.versions, rows, strict=True):
        try:
            payload = to_json(row, inf_nan_mode="constants")
        except Exception:  # of a type that pydantic has chosen
            name = next(name for name in row if not _is_json(row[name]))
            field = name if name in columns else None
            rejections.append(Rejection(key, version, NOT_JSON, field))
        else:
            keys.append(key)
            versions.append(version)
            payloads.append(payload)
    return Batch(keys, versions, payloads), rejections


def _rows(frame: pl.DataFrame) -> Sequence[dict[str, Any]]:
    """Return the rows; a value without a Python type is an `object` in them."""
    try:
        return frame.rows(named=True)
    except Exception:  # a nested time before the year 1, say
        return [
            {column.name: _value(column, at) for column in frame}
            for at in range(frame.height)
        ]


def _value(column: pl.Series, at: int) -> Any:
    try:
        return column[at : at + 1].to_list()[0]
    except Exception:
        return object()


def _is_json(value: Any) -> bool:
    try:
        to_json(value)
    except Exception:
        return False
    return True
