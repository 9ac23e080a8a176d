"""Results of MySQL and MariaDB that are fetched in parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reporting_sql.connections import Connection


@contextmanager
def streamed(connection: Connection) -> Iterator[Any]:
    """Yield a cursor that fetches its result in parts.

    After an error, the rest of the result is not read, as PyMySQL would do to close the
    cursor: the connection may be lost, and PyMySQL's own error would hide that one.

    Args:
        connection: Connection of PyMySQL; it cannot be used after an error.
    """
    from pymysql.cursors import SSCursor

    cursor = connection.cursor(SSCursor)
    try:
        yield cursor
    except Exception:
        if cursor._result is not None:
            cursor._result.unbuffered_active = False
        raise
    finally:
        cursor.close()
