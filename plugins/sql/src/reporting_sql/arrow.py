"""Results of ADBC as frames, and errors in the middle of a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from reporting_sql.connections import Connection
from reporting_sql.errors import OperationalError, code_of


def read_frame(
    connection: Connection, query: str, options: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """Return the result of a query.

    Args:
        connection: Connection of ADBC.
        query: The query.
        options: Options of the driver's statement.

    Raises:
        OperationalError: The query failed after its first rows. polars raises such an
            error of the driver as one of its own.
    """
    cursor = connection.cursor(adbc_stmt_kwargs=options)
    try:
        cursor.execute(query)
        return pl.DataFrame(cursor.fetch_arrow())
    except pl.exceptions.ComputeError as error:
        if "external error" not in str(error):
            raise
        raise OperationalError(code_of(error)) from None
    finally:
        cursor.close()
