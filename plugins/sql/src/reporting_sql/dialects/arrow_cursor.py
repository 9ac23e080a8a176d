"""Cursor of an ADBC connection, whose values are polars frames.

ADBC's own methods for rows need pyarrow, or do not know the types of an empty result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from reporting_sql.errors import OperationalError, code_of

EVERY_ROW = 1_000_000_000
"""Rows from which SQLite's driver infers types: all rows of a result."""


class ArrowCursor:
    """Cursor with the methods that a table sink needs, and `ingest`.

    Args:
        cursor: Cursor of an ADBC connection in autocommit mode.
    """

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement; the parameters are texts."""
        if parameters:
            names = map(str, range(len(parameters)))
            values = dict(zip(names, parameters, strict=True))
            self._cursor.execute(
                statement, pl.DataFrame(values, dict.fromkeys(values, pl.String))
            )
        else:
            self._cursor.execute(statement)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows of the last statement, which are few."""
        with driver_errors():
            return pl.DataFrame(self._cursor.fetch_arrow()).rows()

    def frames(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the result of the last statement in frames of about `rows` rows."""
        with driver_errors():
            result = pl.scan_arrow_c_stream(self._cursor.fetch_arrow())
            yield from result.collect_batches(chunk_size=rows)

    def ingest(self, table: str, frame: pl.DataFrame) -> None:
        """Insert a frame into a temporary table, by the names of its columns."""
        self._cursor.adbc_ingest(table, frame, mode="append", temporary=True)

    def infer_from(self, rows: int) -> None:
        """Let SQLite's driver infer types from the first rows of a result."""
        self._cursor.adbc_statement.set_options(
            **{"adbc.sqlite.query.batch_rows": str(rows)}
        )

    def close(self) -> None:
        """Close the cursor."""
        self._cursor.close()


class ArrowConnection:
    """ADBC connection whose cursors are `ArrowCursor`.

    Args:
        connection: Connection in autocommit mode.
        infers: Whether types of results are inferred from rows.
    """

    def __init__(self, connection: Any, *, infers: bool = False) -> None:
        self._connection, self._infers = connection, infers

    def cursor(self) -> ArrowCursor:
        """Return a new cursor."""
        cursor = ArrowCursor(self._connection.cursor())
        if self._infers:
            cursor.infer_from(EVERY_ROW)
        return cursor

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def driver_errors() -> Iterator[None]:
    """Raise an error in the middle of a result as an error of the driver.

    polars reads the driver's stream, and raises the driver's error as one of its own.
    """
    try:
        yield
    except pl.exceptions.ComputeError as error:
        if "external error" not in str(error):
            raise
        raise OperationalError(code_of(error)) from None
