"""Database of a URL."""

from __future__ import annotations

from reporting_sql.connections import Limits
from reporting_sql.database import Database
from reporting_sql.urls import DatabaseUrl


def database_of(
    url: DatabaseUrl, lock_seconds: float, statement_seconds: float | None = None
) -> Database:
    """Return the database of a URL; only its own module is imported."""
    limits = Limits(lock_seconds, statement_seconds)
    if url.dialect == "sqlite":
        from reporting_sql.sqlite import Sqlite

        return Sqlite(url, limits)
    if url.dialect == "postgresql":
        from reporting_sql.postgresql import PostgreSql

        return PostgreSql(url, limits)
    from reporting_sql.mysql import MySql

    return MySql(url, limits)
