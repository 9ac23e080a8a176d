"""Versions of rows, which ``upsert`` and ``replace`` need in two more columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

import polars as pl

from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
)
from reporting_framework.plugin_api.source_keys import as_series

VERSION_COLUMNS = pl.Schema(
    {VERSION: pl.String(), DELETED_AT: pl.Datetime("us", "UTC")}
)
"""Columns that follow those of the report in a staged frame."""

T = TypeVar("T")


def versions_apart(batch: Batch) -> Iterator[Batch]:
    """Yield a batch in pieces in which each source key occurs once.

    A row is matched with its version by its source key.
    """
    keys = as_series(batch.source_keys).alias(SOURCE_KEY)
    if keys.n_unique() == len(keys):
        yield batch
        return
    occurrence = keys.to_frame().select(pl.col(SOURCE_KEY).cum_count().over(SOURCE_KEY))
    for number in sorted(set(occurrence.to_series())):
        rows = (occurrence.to_series() == number).arg_true().to_list()
        first = number == 1
        yield batch._replace(
            source_keys=_at(batch.source_keys, rows),
            versions=_at(batch.versions, rows),
            payloads=None if batch.payloads is None else _at(batch.payloads, rows),
            frame=None if batch.frame is None else batch.frame[rows],
            rejected=batch.rejected if first else (),
            unread=batch.unread if first else (),
            ignored=batch.ignored if first else (),
        )


def with_versions(frame: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    """Return the accepted rows of a batch with their versions."""
    keys, versions = as_series(batch.source_keys), as_series(batch.versions)
    if not (frame.height == len(keys) and frame[SOURCE_KEY].equals(keys)):
        of_batch = pl.DataFrame({SOURCE_KEY: keys, VERSION: versions})
        versions = frame.select(SOURCE_KEY).join(
            of_batch, on=SOURCE_KEY, how="left", maintain_order="left"
        )[VERSION]
    return frame.with_columns(
        versions.alias(VERSION),
        pl.lit(None, VERSION_COLUMNS[DELETED_AT]).alias(DELETED_AT),
    )


def without_versions(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows without the columns that `with_versions` has added."""
    return rows.drop(VERSION_COLUMNS)


def delete_rows(deletes: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return rows for deleted records; the columns of the report are null."""
    columns = [SOURCE_KEY, *VERSION_COLUMNS]
    return (
        schema.to_frame()
        .clear(deletes.height)
        .drop(SOURCE_KEY)
        .hstack(deletes.select(columns).cast(VERSION_COLUMNS))
    )


@overload
def _at(column: Sequence[T], rows: Sequence[int]) -> Sequence[T]: ...


@overload
def _at(
    column: Sequence[T] | pl.Series, rows: Sequence[int]
) -> Sequence[T] | pl.Series: ...


def _at(
    column: Sequence[T] | pl.Series, rows: Sequence[int]
) -> Sequence[T] | pl.Series:
    if isinstance(column, pl.Series):
        return column[rows]
    return [column[row] for row in rows]
