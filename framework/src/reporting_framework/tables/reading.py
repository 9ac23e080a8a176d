"""Table of a database as a lazy frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.tables.session import session

if TYPE_CHECKING:
    from reporting_framework.tables.table_sink import TableSink

READ_ROWS = 50_000
"""Maximum number of rows that are fetched at once."""


class TableReader:
    """Rows of a table, fetched when the frame is collected.

    Args:
        sink: Sink of the table.
        schema: Columns of the frame.
        existing: Names of the columns that the table has; other columns are null.
    """

    def __init__(
        self, sink: TableSink, schema: pl.Schema, existing: Collection[str]
    ) -> None:
        self._sink, self._schema, self._existing = sink, schema, existing

    def lazy(self) -> pl.LazyFrame:
        """Return the frame."""
        return register_io_source(self._read, schema=self._schema)

    def _read(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        rows: int | None,
        batch: int | None,
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of one query, which reads the table's state at its start."""
        names = self._schema.names() if columns is None else columns
        read = {name: self._schema[name] for name in names if name in self._existing}
        sink = self._sink
        read = read or {SOURCE_KEY: pl.String()}  # the number of rows counts
        if rows == 0:
            return
        with session(sink) as database:
            size = min(batch or READ_ROWS, READ_ROWS, rows or READ_ROWS)
            table = sink.quote_table(sink.settings.table)
            for frame in sink.read(database.cursor, table, read, size):
                missing = [
                    pl.lit(None, self._schema[name]).alias(name)
                    for name in names
                    if name not in self._existing
                ]
                part = frame.with_columns(missing).select(names)
                if not names:
                    part = pl.DataFrame(height=frame.height)
                if rows is not None:
                    part = part.head(rows)
                    rows -= part.height
                yield part if predicate is None else part.filter(predicate)
                if rows == 0:
                    return
