"""Registration of the package's plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the source."""
    return [
        LazyPlugin(
            "object-store-json",
            "reporting_object_store.json_source.source:ObjectStoreJson",
            "JSON objects, arrays, NDJSON, and gzip of each, in S3 or a folder",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """Return the sinks."""
    return [
        LazyPlugin(
            "parquet-checkpoint",
            "reporting_object_store.parquet_sink.sink:ParquetCheckpoint",
            "one sorted parquet file, or one per combination of columns, that is its"
            " own ledger",
            early="reporting_object_store.parquet_sink.first_reads:first_reads",
        ),
        LazyPlugin(
            "ndjson-archive",
            "reporting_object_store.ndjson_sink.sink:NdjsonArchive",
            "gzipped NDJSON files in a folder per hour or the like, for any rows;"
            " written only, never read",
        ),
    ]
