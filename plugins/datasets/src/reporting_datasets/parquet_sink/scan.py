"""Dataset as a table: the files of its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import polars as pl

from reporting_datasets.parquet_sink.data_files import DataFiles, missing
from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.query.schemas import SchemaMapping
from reporting_framework.storage import ParquetSnapshot, checksums, parquet_errors

MAX_WORKERS = 16
"""Number of files that are opened at once: each is a round trip."""

HELD = 64
"""Maximum number of files of a folder that are kept open for reading. If there are
more, none is kept open, and a file that was removed is an error.
"""


def scan_dataset(
    files: DataFiles, manifest: Manifest, schema: pl.Schema
) -> pl.LazyFrame:
    """Return all rows as a lazy frame; files of older columns are read in present ones.

    Args:
        files: Reader of the files.
        manifest: Manifest of the dataset.
        schema: First columns of the frame, in their order and types.
    """
    if not manifest.files:
        return pl.LazyFrame(schema=schema)
    groups: dict[int, list[DataFile]] = {}
    for file in manifest.files:
        groups.setdefault(file.columns, []).append(file)
    held = len(manifest.files) <= HELD
    frames = [_scan(files, group, schema, held=held) for group in groups.values()]
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


def _scan(
    files: DataFiles, group: Sequence[DataFile], schema: pl.Schema, *, held: bool
) -> pl.LazyFrame:
    """Return the rows of files that have the same columns."""
    targets = [files.store.scan(files.place.key(file.key)) for file in group]
    sources: list[Any] = [target.source for target in targets]
    uri = files.uri(group[0])
    with parquet_errors.reading(uri), ExitStack() as stack:
        if held and files.place.folder.scheme == "file":
            # polars keeps them open: to remove a file does not disturb
            sources = [stack.enter_context(open(path, "rb")) for path in sources]
        rows = pl.scan_parquet(
            sources, glob=False, hive_partitioning=False, **targets[0].options
        )
        stored = rows.collect_schema()
    mapping = SchemaMapping.between(stored, schema)
    with parquet_errors.reading(uri):
        mapping.check(rows)
    rows, names = mapping.read(rows, strict=True), [*schema, *mapping.kept]
    return rows if names == mapping.schema.names() else rows.select(names)


def dataset_files(files: DataFiles, manifest: Manifest) -> list[ParquetSnapshot]:
    """Return the files of a manifest, each pinned.

    Raises:
        StorageUnavailable: A file no longer exists.
    """
    held = len(manifest.files) <= HELD

    def pinned(file: DataFile) -> ParquetSnapshot:
        uri = files.uri(file)
        content = files.store.pin(files.place.key(file.key), held=held)
        if content is None:
            raise missing(uri)
        try:
            if content.size != file.bytes:
                raise CorruptCheckpoint(
                    f"{uri}: {content.size} bytes, the manifest has {file.bytes};"
                    " restore it, or reset the report"
                )
            with parquet_errors.reading(uri):
                schema = checksums.schema_of(content.read, content.size)
        except BaseException:
            content.close()
            raise
        return ParquetSnapshot(uri, schema, content)

    with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-scan") as pool:
        return list(pool.map(pinned, manifest.files))
