"""Delta table as a lazy frame."""

from __future__ import annotations

import polars as pl

from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_delta.data_files import DeltaFiles


def scan_table(
    files: DeltaFiles, manifest: Manifest, schema: pl.Schema
) -> pl.LazyFrame:
    """Return all rows as a lazy frame.

    Args:
        files: Reader of the files.
        manifest: Version of the table.
        schema: First columns of the frame, in their order and types.
    """
    if not manifest.files:
        return pl.LazyFrame(schema={**schema, **files.schema, **schema})
    groups: dict[str, list[DataFile]] = {}
    for file in manifest.files:
        groups.setdefault(file.partition, []).append(file)
    rows = pl.concat([files.scan(group) for group in groups.values()])
    more = [name for name in files.schema if name not in schema]
    return rows.select(
        *(pl.col(name).cast(dtype) for name, dtype in schema.items()), *more
    )
