"""Checkpoint as a table.

All files are one lazy frame; older files are read in the present columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.query.schemas import SchemaMapping
from reporting_framework.storage import (
    ParquetSnapshot,
    Pinned,
    Store,
    checksums,
    parquet_errors,
)
from reporting_object_store.parquet_sink.first_reads import READ_WHOLE
from reporting_object_store.parquet_sink.layout import Layout

MAX_WORKERS = 16
"""Number of files that are inspected at once: each is a round trip."""


HELD = 64
"""Maximum number of files of a folder that are kept open for reading. If there are
more, none is kept open, and a file that was replaced is an error.
"""


class _ScannedFile(NamedTuple):
    """Existing file with its schema."""

    uri: str
    rows: pl.LazyFrame
    schema: pl.Schema


def scan_files(
    store: Store, layout: Layout, keys: Iterable[str], schema: pl.Schema
) -> pl.LazyFrame | None:
    """Return all rows of these files as a lazy frame; `None` if no file exists.

    Args:
        store: Store of the files' folder.
        layout: Layout of the files.
        keys: Keys of the files.
        schema: First columns of the frame, in their order and types. A column that a
            file lacks is null in its rows; a column of another type is cast: a text
            that is not a day makes the query fail.

    Raises:
        CorruptCheckpoint: A file is not parquet, holds rows that belong in another
            file, or has a column of a type that cannot be cast.
    """
    with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-scan") as pool:
        files = [
            file
            for file in pool.map(partial(_inspect, store, layout), keys)
            if file is not None
        ]
    frames = [_conform(file, schema) for file in files]
    if len(frames) < 2:
        return frames[0] if frames else None
    return pl.concat(frames, how="diagonal_relaxed")


def table_files(
    store: Store, layout: Layout, keys: Sequence[str], wanted: pl.Schema
) -> list[ParquetSnapshot]:
    """Return the existing files among these, each in its present version.

    Raises:
        CorruptCheckpoint: A file is not parquet, holds rows that belong in another
            file, or cannot be read in the wanted columns.
    """
    look = partial(_table_file, store, layout, wanted=wanted, held=len(keys) <= HELD)
    with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-scan") as pool:
        return [file for file in pool.map(look, keys) if file is not None]


def _table_file(
    store: Store, layout: Layout, key: str, *, wanted: pl.Schema, held: bool
) -> ParquetSnapshot | None:
    """Return the file with the schema of the version that is pinned."""
    content = store.pin(key, held=held)
    if content is None:
        return None
    uri = store.location.join(key).uri
    try:
        with parquet_errors.reading(uri):
            schema = checksums.schema_of(content.read, content.size)
            _check(store, uri, content)
        older = any(schema.get(name, dtype) != dtype for name, dtype in wanted.items())
        if (layout.columns or older) and (
            file := _inspect(store, layout, key)
        ) is not None:
            _form(file, wanted)
    except BaseException:
        content.close()
        raise
    return ParquetSnapshot(uri, schema, content)


def _check(store: Store, uri: str, content: Pinned) -> None:
    """Compare a small local file with its checksums.

    Other files are not compared, as a query must not read more of them than it needs;
    every commit and `reporting doctor` compare them.
    """
    if not store.remote and content.size <= READ_WHOLE:
        checksums.check(uri, content.read, content.size)


def _inspect(store: Store, layout: Layout, key: str) -> _ScannedFile | None:
    """Return the file with its schema, and check that its rows belong in it."""
    content = store.pin(key)
    if content is None:
        return None
    uri, target = store.location.join(key).uri, store.scan(key)
    with closing(content), parquet_errors.reading(uri):
        _check(store, uri, content)
        if (
            store.location.scheme == "file" and not layout.columns
        ):  # of many files not each can be kept open
            with open(
                target.source, "rb"
            ) as file:  # polars keeps it open: to replace the file does not disturb
                rows = _scan(file, target.options)
        else:
            rows = _scan(target.source, target.options)
        schema = rows.collect_schema()
        if missing := layout.missing(schema):
            raise CorruptCheckpoint(
                f"{uri}: no column {', '.join(missing)}; it is of another checkpoint:"
                " move it away"
            )
        first = (
            rows.head(1).select(layout.values(schema)).collect()
            if layout.columns
            else pl.DataFrame()
        )
    if first.height and (belongs := layout.key(first.row(0, named=True))) != key:
        raise CorruptCheckpoint(
            f"{uri}: it holds rows that belong into {belongs}; it is of another"
            " checkpoint: move one of them"
        )
    return _ScannedFile(uri, rows, schema)


def _scan(source: Any, options: Mapping[str, Any]) -> pl.LazyFrame:
    return pl.scan_parquet(source, glob=False, hive_partitioning=False, **options)


def _conform(file: _ScannedFile, wanted: pl.Schema) -> pl.LazyFrame:
    """Return the rows with the wanted columns, then the others.

    The wanted columns have their order and types.

    Raises:
        CorruptCheckpoint: A column has a type that cannot be converted.
    """
    form = _form(file, wanted)
    rows, names = form.read(file.rows, strict=True), [*wanted, *form.kept]
    return rows if names == form.schema.names() else rows.select(names)


def _form(file: _ScannedFile, wanted: pl.Schema) -> SchemaMapping:
    """Return the mapping of the file's columns to the present columns.

    Every value of an older file that must be cast is checked.

    Raises:
        CorruptCheckpoint: A column has a type that cannot be converted, or some of its
            values do not fit.
    """
    try:
        form = SchemaMapping.between(file.schema, wanted)
        with parquet_errors.reading(file.uri):
            form.check(file.rows)
    except CorruptCheckpoint as error:
        message = str(error).removeprefix(f"{file.uri}: ")
        raise CorruptCheckpoint(f"{file.uri}: {message}") from None
    return form
