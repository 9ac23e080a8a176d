"""Registration of the package's plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """Return the sinks."""
    return [
        LazyPlugin(
            "parquet-dataset",
            "reporting_datasets.parquet_sink.sink:ParquetDataset",
            "a folder of parquet files in Hive partitions, committed by one manifest",
            early="reporting_datasets.parquet_sink.place:first_reads",
        ),
        LazyPlugin(
            "csv",
            "reporting_datasets.csv_sink.sink:CsvFile",
            "one CSV file, replaced as a whole; append or replace",
        ),
    ]
