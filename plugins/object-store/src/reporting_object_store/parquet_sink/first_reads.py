"""Objects that a checkpoint reads first, known from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reporting_framework import FirstReads, MetadataLocation
from reporting_object_store.parquet_sink.layout import Layout
from reporting_object_store.settings import ParquetCheckpointSettings

READ_WHOLE = 8 * 1024 * 1024
"""Size in bytes up to which a checkpoint in a bucket is read in one request."""


def first_reads(settings: Mapping[str, Any]) -> FirstReads:
    """Return the metadata and, of a checkpoint of one file, the file.

    Raises:
        ValueError: The settings are invalid.
        SettingsError: The place of the files cannot be used.
    """
    known = ParquetCheckpointSettings.model_validate(dict(settings))
    layout = Layout.parse(known.uri, known.timestamp)
    single = layout.folder.join(layout.template).uri
    return FirstReads(
        metadata_location(known, layout),
        {} if layout.columns else {single: READ_WHOLE},
    )


def metadata_location(
    settings: ParquetCheckpointSettings, layout: Layout
) -> MetadataLocation:
    """Return the place of the metadata: the folder of the files.

    The name contains the columns, so that a checkpoint with other columns, or without,
    in the same folder has metadata of its own.
    """
    return MetadataLocation(
        layout.folder.uri,
        layout.template.removesuffix(".parquet"),
        settings.quarantine,
        settings.keep_runs,
    )
