"""The source on a place, and all that it returns."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import polars as pl

from reporting_files.settings import FilesSettings
from reporting_files.source import Files
from reporting_framework import SOURCE_KEY
from reporting_framework.storage import open_store
from reporting_framework.testing.harness.ledger import KnownObjects


class Returned(NamedTuple):
    """Records of a run, without its sinks."""

    rows: pl.DataFrame
    rejected: list[tuple[str, str, str | None]]
    unread: list[tuple[str, str]]
    schema: pl.Schema | None


def put(uri: str, files: Mapping[str, bytes]) -> None:
    store = open_store(uri)
    for key, data in files.items():
        store.put(key, data, if_version=None)


def read(uri: str, **settings: Any) -> Returned:
    """Read all files of a place; rows have their source keys."""
    source = Files(FilesSettings.model_validate({"uri": uri, **settings}))
    schema = source.schema()
    batches = [
        batch for split in source.plan(KnownObjects()) for batch in source.read(split)
    ]
    source.close()
    frames = [
        batch.frame.with_columns(pl.Series(SOURCE_KEY, batch.source_keys))
        for batch in batches
        if batch.frame is not None
    ]
    rejected = [
        (item.source_key, item.error_type, item.field)
        for batch in batches
        for item in batch.rejected
    ]
    unread = [tuple(item) for batch in batches for item in batch.unread]
    rows = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    return Returned(rows, rejected, unread, schema)


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    target = io.BytesIO()
    write(target)
    return target.getvalue()
