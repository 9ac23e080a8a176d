"""Connections to databases, each with the methods that PEP 249 names.

PostgreSQL and SQLite are opened through ADBC, which returns Arrow batches; MySQL and
MariaDB through PyMySQL. Each driver is imported with its first connection.

Open a SQLite file through this module only. Python's own ``sqlite3`` is another copy of
SQLite, and two copies in one process drop each other's locks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any
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


def connect(
    url: DatabaseUrl,
    *,
    read_only: bool,
    autocommit: bool = False,
    lock_seconds: float = BUSY_SECONDS,
) -> Connection:
    """Open a connection to a database.

    Args:
        url: URL of the database.
        read_only: Whether the connection only reads. SQLite then does not create the
            file, and the other databases refuse to write.
        autocommit: Whether each statement is a transaction of its own.
        lock_seconds: Time to wait for a lock of somebody else.

    Raises:
        LocationError: The file of SQLite, or its folder, does not exist.
        SettingsError: A file that the URL names cannot be used.
        Exception: The driver's exception, named as PEP 249 says.
    """
    if url.dialect == "sqlite":
        return _sqlite(url, read_only, autocommit, lock_seconds)
    if url.dialect == "postgresql":
        return _postgresql(url, read_only, autocommit, lock_seconds)
    return _mysql(url, read_only, autocommit, lock_seconds)


def _sqlite(
    url: DatabaseUrl, read_only: bool, autocommit: bool, lock_seconds: float
) -> Connection:
    from adbc_driver_sqlite import dbapi

    path = url.path.absolute()
    if not (path if read_only else path.parent).exists():
        what = "file" if read_only else "folder"
        raise LocationError(
            f"{url.shown}: there is no such {what}; correct the path (a relative one"
            f" starts at {path.cwd()})"
        )
    mode = "ro" if read_only else "rwc"
    connection = dbapi.connect(
        f"file:{quote(str(path))}?mode={mode}", autocommit=autocommit
    )
    return _prepared(connection, f"PRAGMA busy_timeout = {round(lock_seconds * 1000)}")


def _postgresql(
    url: DatabaseUrl, read_only: bool, autocommit: bool, lock_seconds: float
) -> Connection:
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
        connection = AdbcDbapiConnection(kept, low_level, autocommit=autocommit)
    except BaseException:
        low_level.close()
        raise
    settings = {"lock_timeout": str(round(lock_seconds * 1000))}
    if read_only:
        settings["default_transaction_read_only"] = "on"
    return _prepared(connection, set_config(settings))


def set_config(settings: Mapping[str, str]) -> str:
    """Return one statement that sets variables of a PostgreSQL session."""
    calls = [
        f"set_config('{name}', '{value}', false) AS {name}"
        for name, value in settings.items()
    ]
    return f"SELECT {', '.join(calls)}"


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


def _mysql(
    url: DatabaseUrl, read_only: bool, autocommit: bool, lock_seconds: float
) -> Connection:
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
            autocommit=autocommit,
            program_name=APPLICATION,
            **options,
        )
    except OSError:  # PyMySQL raises its own error if the server is not reached
        names = ", ".join(name for name in options if name.startswith("ssl_"))
        raise SettingsError(
            f"{url.shown}: a file of {names} does not exist or cannot be used; correct"
            " the URL"
        ) from None
    seconds = max(1, round(lock_seconds))
    return _prepared(
        connection,
        f"SET SESSION lock_wait_timeout = {seconds}",
        f"SET SESSION innodb_lock_wait_timeout = {seconds}",
        "SET SESSION time_zone = '+00:00'",
        *(["SET SESSION TRANSACTION READ ONLY"] if read_only else []),
    )


def _prepared(connection: Connection, *statements: str) -> Connection:
    """Execute settings of a session; close the connection if one fails."""
    try:
        for statement in statements:
            run(connection, statement)
        connection.commit()
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
