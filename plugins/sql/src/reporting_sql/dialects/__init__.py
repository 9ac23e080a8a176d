"""SQL of the databases that the sink writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reporting_sql.connections import Limits
    from reporting_sql.dialects.dialect import Dialect
    from reporting_sql.urls import DatabaseUrl


def dialect_of(url: DatabaseUrl, limits: Limits, subject: str) -> Dialect:
    """Return the SQL of a database; only its module is imported."""
    if url.dialect == "sqlite":
        from reporting_sql.dialects.sqlite import SqliteDialect

        return SqliteDialect(url, limits, subject)
    if url.dialect == "postgresql":
        from reporting_sql.dialects.postgresql import PostgresDialect

        return PostgresDialect(url, limits, subject)
    from reporting_sql.dialects.mysql import MySqlDialect

    return MySqlDialect(url, limits, subject)
