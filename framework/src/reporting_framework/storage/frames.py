"""Frames as parquet files, for code that writes one without a sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reporting_framework.errors import LocationError, SettingsError
from reporting_framework.storage.location import parse_location
from reporting_framework.storage.open import open_store
from reporting_framework.storage.temporary import naming

if TYPE_CHECKING:
    import polars as pl


def write_frame(
    frame: pl.DataFrame,
    uri: str,
    *,
    schema: pl.Schema | None = None,
    compression: Literal["zstd", "snappy", "lz4", "gzip"] = "zstd",
) -> str:
    """Write a frame as one parquet file in one atomic step; return its version.

    Args:
        frame: The rows.
        uri: The file, in any storage; an existing file is replaced.
        schema: Columns that the frame must have, in this order and of these types.
        compression: Compression of the columns.

    Raises:
        SettingsError: The frame has another schema; nothing was written.
        LocationError: The URI names no file.
        CommitConflict: Another writer was faster; nothing was written. Read the file
            again before another attempt.
        ReportingError: The storage refused the write; see `Store.put`.
    """
    place = parse_location(uri)
    if not place.name:
        raise LocationError(
            f"{uri}: no file is named; add the name of a file to the folder or bucket"
        )
    if schema is not None and list(frame.schema.items()) != list(schema.items()):
        odd = [name for name, _ in {*schema.items()} ^ {*frame.schema.items()}]
        columns = (
            ", ".join(
                dict.fromkeys(name for name in [*schema, *frame.columns] if name in odd)
            )
            or "their order"
        )
        raise SettingsError(
            f"{uri}: the frame has another schema: {columns}; select and cast its"
            " columns first"
        )
    store = open_store(place.parent)
    with store.lock(place.name):
        entry = store.head(place.name)
        with store.temp_path(place.name) as file:
            with naming(file):
                frame.write_parquet(file, compression=compression)
            return store.put(
                place.name, file, if_version=entry.version if entry else None
            )
