"""Deletes: records with a time in the field ``_sdc_deleted_at``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
)
from reporting_singer.catalog import DELETED


def split_deletes(batch: Batch) -> Iterator[Batch]:
    """Yield a batch with its deletes apart from its rows.

    Rows and deletes without versions stay in their order: each sequence of them is a
    batch.

    Args:
        batch: Batch with a frame, and series of source keys and versions.
    """
    frame: Any = batch.frame
    if DELETED not in frame.columns or frame[DELETED].null_count() == frame.height:
        yield batch
        return
    deleted = frame[DELETED].is_not_null()
    deletes = _deletes(batch)
    if not batch.versions.null_count():  # type: ignore[union-attr]
        yield _rows(batch, ~deleted)._replace(deletes=deletes.filter(deleted))
        return
    start = 0
    for length, is_deleted in (
        deleted.rle().struct.unnest().select("len", "value").iter_rows()
    ):
        here = pl.int_range(frame.height, eager=True).is_between(
            start, start + length - 1
        )
        part = _rows(batch, here & ~deleted)
        part = part._replace(deletes=deletes.filter(here) if is_deleted else None)
        yield part if start == 0 else part._replace(rejected=())
        start += length


def _rows(batch: Batch, kept: pl.Series) -> Batch:
    frame: Any = batch.frame
    keys: Any = batch.source_keys
    versions: Any = batch.versions
    return batch._replace(
        source_keys=keys.filter(kept),
        versions=versions.filter(kept),
        frame=frame.filter(kept),
    )


def _deletes(batch: Batch) -> pl.DataFrame:
    frame: Any = batch.frame
    keys: Any = batch.source_keys
    versions: Any = batch.versions
    return pl.DataFrame(
        [
            keys.alias(SOURCE_KEY),
            versions.alias(VERSION),
            frame[DELETED].alias(DELETED_AT),
        ]
    )
