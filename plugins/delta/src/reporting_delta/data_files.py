"""Data files of a Delta table: reading their rows in the columns of the table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from typing_extensions import override

from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_delta.place import DeltaPlace
from reporting_delta.snapshot import DeltaFile, Values
from reporting_framework.query.schemas import SchemaMapping

_CASTS = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast="upcast",
    datetime_cast=["nanosecond-downcast", "convert-timezone"],
)
"""Types of other writers that are read as the type of the column."""


class DeltaFiles(DataFiles):
    """Reader of the files of a table.

    A column that a file lacks is null; those of the partition are in the log.

    Args:
        place: Places of the table.
        schema: Columns in which rows are read.
        partition_by: Columns of the partition.
    """

    def __init__(
        self, place: DeltaPlace, schema: pl.Schema, partition_by: Sequence[str]
    ) -> None:
        super().__init__(place, schema)
        self._written = written_schema(schema, partition_by)

    @override
    def mapping(self, manifest: Manifest, file: DataFile) -> SchemaMapping | None:
        return None

    @override
    def _scan(self, file: DataFile, index: str | None = None) -> pl.LazyFrame:
        return self.scan([file], index)

    def scan(self, files: Sequence[DataFile], index: str | None = None) -> pl.LazyFrame:
        """Return the rows of files of one partition.

        Args:
            files: At least one file.
            index: Name of a column for the numbers of rows, `None`: there is none.
        """
        targets = [self.store.scan(self.place.key(file.key)) for file in files]
        rows = pl.scan_parquet(
            [target.source for target in targets],
            schema=dict(self._written),
            missing_columns="insert",
            extra_columns="ignore",
            cast_options=_CASTS,
            glob=False,
            hive_partitioning=False,
            row_index_name=index,
            **targets[0].options,
        )
        values = files[0].values if isinstance(files[0], DeltaFile) else {}
        if not values:
            return rows
        constants = partition_values(values, self.schema)
        names = [*([index] if index else []), *self.schema]
        return rows.with_columns(constants).select(names)


def written_schema(schema: pl.Schema, partition_by: Sequence[str]) -> pl.Schema:
    """Return the columns that are in the files."""
    columns = {name: kind for name, kind in schema.items() if name not in partition_by}
    return pl.Schema(columns)


def partition_values(values: Values, schema: pl.Schema) -> list[pl.Expr]:
    """Return the values of the partition columns, in the types of the columns."""
    return [
        pl.lit(_parsed(text, schema[name]).item(), schema[name]).alias(name)
        for name, text in values.items()
        if name in schema
    ]


def _parsed(text: str | None, dtype: pl.DataType) -> pl.Series:
    value = pl.Series([text or None], dtype=pl.String)
    if isinstance(dtype, pl.Boolean):
        return value == "true"
    if isinstance(dtype, pl.Date):
        return value.str.to_date("%Y-%m-%d")
    return value.cast(dtype)
