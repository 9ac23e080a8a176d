"""Frame of valid records; records that a column cannot hold are rejected."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import polars as pl

from reporting_framework.builtin.columns import Column
from reporting_framework.builtin.reasons import OUT_OF_RANGE
from reporting_framework.plugin_api.records import SOURCE_KEY, Rejection

Row = tuple[int, str, str | None, dict[str, Any]]
"""Position in the batch, source key, version and fields of a valid record."""


def frame_of(
    rows: Sequence[Row],
    columns: Mapping[str, Column],
    defaults: Mapping[str, Any],
    *,
    unnamed: Container[str] = (),
) -> tuple[pl.DataFrame, pl.Series, list[Rejection]]:
    """Return the rows as a frame, their positions, and rejections of those that misfit.

    Args:
        rows: Valid records.
        columns: Columns of the frame, without the source key.
        defaults: Values of fields that a record may omit.
        unnamed: Columns that are no field of a record, so rejections do not name them.
    """
    series: list[pl.Series] = []
    misfits: dict[int, str | None] = {}
    for name, values in _columns_of([row[3] for row in rows], columns, defaults):
        column = columns[name]
        try:
            series.append(column.series(name, values))
        except Exception:  # see `Column.fits`
            field = None if name in unnamed else name
            wrong_fields = {
                at: field for at, value in enumerate(values) if not column.fits(value)
            }
            if not wrong_fields:
                raise
            misfits = {**wrong_fields, **misfits}
    if misfits:
        rejections = [
            Rejection(*rows[number][1:3], OUT_OF_RANGE, misfits[number])
            for number in sorted(misfits)
        ]
        fitting = [row for number, row in enumerate(rows) if number not in misfits]
        frame, at, more = frame_of(fitting, columns, defaults, unnamed=unnamed)
        return frame, at, rejections + more
    keys = pl.Series(SOURCE_KEY, [row[1] for row in rows], dtype=pl.String)
    at = pl.Series([row[0] for row in rows], dtype=pl.UInt32)
    return pl.DataFrame([*series, keys]), at, []


def _columns_of(
    records: Sequence[dict[str, Any]], names: Iterable[str], defaults: Mapping[str, Any]
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the records' values, field by field.

    The value of an absent field is its default, or null.
    """
    for name in names:
        try:
            yield name, list(map(itemgetter(name), records))
        except KeyError:
            yield name, [record.get(name, defaults.get(name)) for record in records]
