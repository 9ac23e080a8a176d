"""One version of a parquet file, read in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.storage.store import Pinned

if TYPE_CHECKING:
    import polars as pl


class ParquetSnapshot(NamedTuple):
    """Implementation of `ParquetFile` on a pinned object.

    Attributes:
        uri: URI of the file.
        schema: Its columns.
        content: Its bytes.
    """

    uri: str
    schema: pl.Schema
    content: Pinned

    @property
    def size(self) -> int:
        """See `ParquetFile.size`."""
        return self.content.size

    def read(self, start: int, length: int) -> bytes:
        """See `ParquetFile.read`."""
        return self.content.read(start, length)

    def close(self) -> None:
        """See `ParquetFile.close`."""
        self.content.close()
