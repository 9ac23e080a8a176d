"""Connections to databases, each with the methods that PEP 249 names.

PostgreSQL and SQLite are opened through ADBC, which returns Arrow batches; MySQL and
MariaDB through PyMySQL. Each driver is imported with its first connection.

Open a SQLite file through this module only. Python's own ``sqlite3`` is another copy of
SQLite, and two copies in one process drop each other's locks.
"""

from __future__ import annotations

import os
import threading
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

from reporting_framework import LocationError, SettingsError
from reporting_sql.urls import DatabaseUrl

Connection = Any
"""A connection with `cursor`, `commit`, `rollback` and `close`."""

CONNECT_SECONDS = 10
BUSY_SECONDS = 30
"""Time to wait for a lock."""

APPLICATION = "reporting"
"""Name under which the server lists the connection."""

_POSTGRESQL = {
    "client_min_messages": "error",
    "datestyle": "ISO",
    "extra_float_digits": "1",
    "intervalstyle": "iso_8601",
    "standard_conforming_strings": "on",
    "timezone": "UTC",
}
"""Variables of a PostgreSQL session: forms of texts."""

_READ_ONLY = {
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "0",
}
"""Further variables of one that reads: a snapshot that waits does not end."""


class Limits(NamedTuple):
    """Time limits of a connection.

    Attributes:
        lock_seconds: Time to wait for a lock of somebody else.
        statement_seconds: Time limit of a statement; `None`: that of the server.
    """

    lock_seconds: float = BUSY_SECONDS
    statement_seconds: float | None = None


USUAL = Limits()


def connect(url: DatabaseUrl, limits: Limits = USUAL, *, read_only: bool) -> Connection:
    """Open a connection in autocommit mode to a database.

    Args:
        url: URL of the database.
        limits: Time limits.
        read_only: Whether the connection only reads. SQLite then does not create the
            file, and the other databases refuse to write.

    Raises:
        LocationError: The file of SQLite, or its folder, does not exist.
        SettingsError: A file that the URL names cannot be used.
        Exception: The driver's exception, named as PEP 249 says.
    """
    if url.dialect == "sqlite":
        return _sqlite(url, limits, read_only)
    if url.dialect == "postgresql":
        return _postgresql(url, limits, read_only)
    return _mysql(url, limits, read_only)


def _sqlite(url: DatabaseUrl, limits: Limits, read_only: bool) -> Connection:
    from adbc_driver_sqlite import dbapi

    path = url.path.absolute()
    if not (path if read_only else path.parent).exists():
        what = "file" if read_only else "folder"
        raise LocationError(
            f"{url.shown}: there is no such {what}; correct the path (a relative one"
            f" starts at {path.cwd()})"
        )
    mode = "ro" if read_only else "rwc"
    connection = dbapi.connect(f"file:{quote(str(path))}?mode={mode}", autocommit=True)
    milliseconds = round(limits.lock_seconds * 1000)
    return prepared(connection, f"PRAGMA busy_timeout = {milliseconds}")


def _postgresql(url: DatabaseUrl, limits: Limits, read_only: bool) -> Connection:
    from adbc_driver_manager import AdbcConnection
    from adbc_driver_manager.dbapi import Connection as AdbcDbapiConnection

    parts = urlsplit(url.text)
    options = {
        "application_name": APPLICATION,
        "connect_timeout": str(CONNECT_SECONDS),
        **url.options,
    }
    query = urlencode(options, quote_via=quote)
    uri = f"postgresql://{parts.netloc}{parts.path}?{query}"
    database = _database_of(uri)
    low_level = AdbcConnection(database)
    kept: Any = _Kept()
    try:
        connection = AdbcDbapiConnection(kept, low_level, autocommit=True)
    except BaseException:
        low_level.close()
        raise
    variables = {
        **_POSTGRESQL,
        **(_READ_ONLY if read_only else {}),
        "lock_timeout": str(round(limits.lock_seconds * 1000)),
    }
    if seconds := limits.statement_seconds:
        variables["statement_timeout"] = str(round(seconds * 1000))
    calls = [
        f"set_config('{name}', '{value}', false) AS {name}"
        for name, value in variables.items()
    ]
    return prepared(connection, f"SELECT {', '.join(calls)}")


class _Kept:
    """Stand-in for a driver's database, which connections close with themselves."""

    def close(self) -> None:
        """Keep the database open for other connections."""


def _database_of(uri: str) -> Any:
    """Return the driver's database of a URI, opened once per process.

    Opening it takes longer than a connection, as the driver reads all types.
    """
    import adbc_driver_postgresql

    key = (os.getpid(), uri)
    with _lock:
        if key not in _databases:
            _databases[key] = adbc_driver_postgresql.connect(uri)
        return _databases[key]


_databases: dict[tuple[int, str], Any] = {}
_lock = threading.Lock()


def _mysql(url: DatabaseUrl, limits: Limits, read_only: bool) -> Connection:
    import pymysql

    parts, options = urlsplit(url.text), url.options
    try:
        connection = pymysql.connect(
            host=parts.hostname or "localhost",
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=url.name or None,
            charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS,
            autocommit=True,
            program_name=APPLICATION,
            **options,
        )
    except OSError:  # PyMySQL raises its own error if the server is not reached
        names = ", ".join(name for name in options if name.startswith("ssl_"))
        raise SettingsError(
            f"{url.shown}: a file of {names} does not exist or cannot be used; correct"
            " the URL"
        ) from None
    seconds = max(1, round(limits.lock_seconds))
    settings = [
        f"SESSION lock_wait_timeout = {seconds}",
        f"SESSION innodb_lock_wait_timeout = {seconds}",
        "SESSION time_zone = '+00:00'",
    ]
    if read_only:
        settings.append("SESSION TRANSACTION READ ONLY")
    if limit := limits.statement_seconds:
        settings.append(
            f"SESSION max_statement_time = {limit}"
            if is_mariadb(connection)
            else f"SESSION max_execution_time = {round(limit * 1000)}"
        )
    return prepared(connection, *(f"SET {setting}" for setting in settings))


def is_mariadb(connection: Connection) -> bool:
    """Return whether a connection of PyMySQL is to MariaDB, and not to MySQL."""
    return "mariadb" in str(connection.get_server_info()).lower()


def prepared(connection: Connection, *statements: str) -> Connection:
    """Execute settings of a session; close the connection if one fails."""
    try:
        for statement in statements:
            run(connection, statement)
    except BaseException:
        connection.close()
        raise
    return connection


def run(connection: Connection, statement: str) -> None:
    """Execute a statement without a result."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()
