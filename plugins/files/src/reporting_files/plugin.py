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
            "files",
            "reporting_files.source:Files",
            "tables in files of S3 or a folder: CSV, Parquet, NDJSON, JSON, Excel,"
            " Avro",
        )
    ]
