"""Table of a database as a lazy frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from reporting_framework.tables.session import session
from reporting_framework.tables.values import decoded

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
        listed = ", ".join(
            self._sink.quote(name) if name in self._existing else "NULL"
            for name in names
        )
        table = self._sink.quote(self._sink.settings.table)
        with session(self._sink) as database:
            database.run(f"SELECT {listed or '1'} FROM {table}")
            while rows is None or rows > 0:
                size = min(batch or READ_ROWS, READ_ROWS, rows or READ_ROWS)
                fetched = database.cursor.fetchmany(size)
                if not fetched:
                    return
                frame = self._frame(names, fetched)
                rows = None if rows is None else rows - frame.height
                yield frame if predicate is None else frame.filter(predicate)

    def _frame(self, names: list[str], rows: list[tuple[object, ...]]) -> pl.DataFrame:
        if not names:
            return pl.DataFrame(height=len(rows))
        values = zip(*rows, strict=True)
        return pl.DataFrame(
            [
                decoded(name, column, self._schema[name])
                for name, column in zip(names, values, strict=True)
            ]
        )
