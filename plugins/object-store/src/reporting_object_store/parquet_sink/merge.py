"""Merging of sorted rows, frame by frame; it needs memory for a few row groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from reporting_framework import SOURCE_KEY

READ_ROWS = 262_144
"""Number of rows of the old file that are read at once."""


def merge(
    old: Iterator[pl.DataFrame], new: Iterator[pl.DataFrame], timestamp: str
) -> Iterator[pl.DataFrame]:
    """Merge the rows of two streams that are sorted by (timestamp, source key).

    No source key may be in both.
    """
    left, right = next(old, None), next(new, None)
    while left is not None and right is not None:
        bound = min(_last(left, timestamp), _last(right, timestamp))
        left_rows, left = _split_at(left, bound, timestamp)
        right_rows, right = _split_at(right, bound, timestamp)
        if left_rows.height and right_rows.height:
            yield pl.concat([left_rows, right_rows]).sort(timestamp, SOURCE_KEY)
        else:
            yield left_rows if left_rows.height else right_rows
        left = left if left.height else next(old, None)
        right = right if right.height else next(new, None)
    for rest, stream in ((left, old), (right, new)):
        if rest is not None:
            yield rest
            yield from stream


def _last(frame: pl.DataFrame, timestamp: str) -> tuple[datetime, str]:
    return frame[timestamp][-1], frame[SOURCE_KEY][-1]


def _split_at(
    frame: pl.DataFrame, bound: tuple[datetime, str], timestamp: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows up to and including `bound`, and the rest."""
    moment, source_key = bound
    begin = frame[timestamp].search_sorted(moment, side="left")
    end = frame[timestamp].search_sorted(moment, side="right")
    at = begin + int((frame[SOURCE_KEY][begin:end] <= source_key).sum())
    return frame[:at], frame[at:]
