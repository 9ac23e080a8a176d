"""Batches of a table's rows: source keys, versions, and the rows that are rejected."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import polars as pl

from reporting_framework.plugin_api.records import Batch, Rejection
from reporting_framework.plugin_api.table_columns import (
    WRONG_TYPE,
    source_keys,
    to_json,
)
from reporting_framework.plugin_api.table_cursor import cursor_of
from reporting_framework.plugin_api.table_query import FAULTY

if TYPE_CHECKING:
    from reporting_framework.plugin_api.table_query import TableInfo

NOT_A_TIME = "cursor_not_a_time"
"""Error type of a row whose cursor is a text that is not an ISO 8601 time."""


def batch_of(info: TableInfo, frame: pl.DataFrame, position: dict[str, Any]) -> Batch:
    """Return rows of a table as a batch, and advance `position` to their end."""
    keys = source_keys(info, frame)
    cursors = [info.cursor] if info.cursor else []  # it may be a part of the key
    order = list(dict.fromkeys([*cursors, *info.primary_key]))
    last = frame.select(order).row(-1) if frame.height else ()
    position["last"] = dict(zip(order, map(to_json, last), strict=False))
    rejected: list[Rejection] = []
    kept = pl.Series([True]).new_from_index(0, frame.height)
    versions = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    if (cursor := cursor_of(info)) is not None:
        column = frame[cursor.column]
        versions, form = cursor.read(column)
        if form is not None:
            position["form"] = list(form.joined(position.get("form")))
        no_cursor = position.get("no_cursor", 0) + column.null_count()
        position["no_cursor"] = no_cursor
        kept = versions.is_not_null() | column.is_null()
        rejected = [
            Rejection(key, None, NOT_A_TIME, cursor.column)
            for key in keys.filter(~kept)
        ]
    if FAULTY in frame.columns:
        right = frame[FAULTY].is_null()
        faulty = kept & ~right
        rejected += map(
            Rejection,
            keys.filter(faulty),
            versions.filter(faulty),
            repeat(WRONG_TYPE),
            frame[FAULTY].filter(faulty),
        )
        kept, frame = kept & right, frame.drop(FAULTY)
    return Batch(
        keys.filter(kept),
        versions.filter(kept),
        frame=frame.filter(kept),
        rejected=rejected,
        position=dict(position),
    )
