"""Sessions of a source: connections by snapshot, reconnection, retries.

A query is retried on a new connection if the connection is lost; a page is returned as
a whole or not at all, so nothing is read twice. A result counts once its connection has
answered another query after it, so a read that was cut is never taken for a whole one,
even if the driver reports no error.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import polars as pl

from reporting_sql.connections import Connection
from reporting_sql.database import Database
from reporting_sql.errors import UNKNOWN, OperationalError, code_of, is_lost
from reporting_sql.urls import DatabaseUrl

T = TypeVar("T")

ATTEMPTS = 5
FIRST_WAIT_SECONDS = 0.25
"""The wait doubles with each attempt, about four seconds in all: a restarting server
is back by then.
"""

_log = logging.getLogger(__name__)


class Alone:
    """Snapshot of a database in which only one connection can read it.

    Attributes:
        lock: Lock of the connection.
        connection: The connection; `None` if it was lost.
        url: The database.
    """

    def __init__(self, url: DatabaseUrl, connection: Connection | None = None) -> None:
        self.lock = threading.Lock()
        self.url = url
        self.connection = connection

    def close(self) -> None:
        """Close the connection, and with it the snapshot."""
        with self.lock:
            if self.connection is not None:
                _discard(self.connection)
                self.connection = None


_snapshots: dict[str, Alone] = {}
"""Snapshots of this process, for other sources of the same run, by token."""


def is_read(url: DatabaseUrl) -> bool:
    """Return whether this process has a snapshot of a file of SQLite."""
    return any(
        snapshot.url.dialect == "sqlite"
        and snapshot.url.path.resolve() == url.path.resolve()
        for snapshot in list(_snapshots.values())
    )


class Sessions:
    """Connections of a source, each with the snapshot that it reads.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: dict[Any, list[Connection]] = {}
        self._own: dict[str, Alone] = {}
        self._lock = threading.Lock()
        self._closed = False

    def open_snapshot(self) -> str:
        """Begin a snapshot, and return its token.

        The session stays open, since the snapshot ends with it.
        """
        return self._retried(self._begin)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return the result of work on a connection without a snapshot."""
        return self._retried(lambda: self._with_session(None, work))

    def frame(self, query: str, rows: int, snapshot: Any) -> pl.DataFrame:
        """Return the result of a query.

        Args:
            query: The query.
            rows: Number of rows that it returns at most.
            snapshot: Token of the snapshot that it reads.

        Raises:
            Exception: The driver's exception; that of the last attempt if the
                connection was lost.
        """
        try:
            return self._read(query, rows, snapshot)
        except OperationalError as error:
            if error.sqlstate != UNKNOWN:
                raise
            self._read(query, rows, snapshot, coded=True)
            raise  # rows of a query that has failed once may not be all

    def _read(
        self, query: str, rows: int, snapshot: Any, *, coded: bool = False
    ) -> pl.DataFrame:
        def read(connection: Connection) -> pl.DataFrame:
            return self._database.frame(connection, query, rows, coded=coded)

        if self._database.shares_snapshots or snapshot is None:
            return self._retried(lambda: self._with_session(snapshot, read))
        return self._retried(lambda: self._with_snapshot(snapshot, read))

    def close(self) -> None:
        """Close all connections, and with them the snapshots."""
        with self._lock:
            self._closed = True
            connections = [each for idle in self._idle.values() for each in idle]
            self._idle.clear()
        for connection in connections:
            _discard(connection)
        for token, snapshot in self._own.items():
            _snapshots.pop(token, None)
            snapshot.close()

    # -- connections -------------------------------------------------------------------

    def _begin(self) -> str:
        connection = self._take(None)
        try:
            shared = self._database.begin(connection)
        except BaseException:
            _discard(connection)
            raise
        if shared is not None:
            self._give_back(str(shared), connection)
            return str(shared)
        token = str(uuid.uuid4())
        self._own[token] = _snapshots[token] = Alone(self._database.url, connection)
        return token

    def _with_snapshot(self, token: str, work: Callable[[Connection], T]) -> T:
        """Return the result of work on the only connection with a snapshot."""
        with self._lock:
            snapshot = _snapshots.get(token) or self._own.setdefault(
                token, Alone(self._database.url)
            )
        with snapshot.lock:
            if snapshot.connection is None:
                snapshot.connection = self._joined(token)
            try:
                return self._confirmed(snapshot.connection, work)
            except BaseException:
                _discard(snapshot.connection)
                snapshot.connection = None
                raise

    def _with_session(self, snapshot: Any, work: Callable[[Connection], T]) -> T:
        connection = self._take(snapshot)
        try:
            result = self._confirmed(connection, work)
        except BaseException:
            _discard(connection)
            raise
        self._give_back(snapshot, connection)
        return result

    def _confirmed(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        result = work(connection)
        self._database.confirm(connection)
        return result

    def _take(self, snapshot: Any) -> Connection:
        with self._lock:
            if idle := self._idle.get(snapshot):
                return idle.pop()
        return self._database.open() if snapshot is None else self._joined(snapshot)

    def _joined(self, snapshot: Any) -> Connection:
        """Return a new connection with a snapshot, or with one of its own."""
        connection = self._database.open()
        try:
            joined = self._database.join(connection, snapshot)
        except BaseException:
            _discard(connection)
            raise
        if not joined:
            _log.warning(
                "%s: the snapshot cannot be read by a new connection; what follows is"
                " read as it is now",
                self._database.url.shown,
            )
        return connection

    def _give_back(self, snapshot: Any, connection: Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.setdefault(snapshot, []).append(connection)
                return
        _discard(connection)

    def _retried(self, attempt: Callable[[], T]) -> T:
        for number in range(ATTEMPTS):
            try:
                return attempt()
            except Exception as error:
                if number + 1 == ATTEMPTS or not is_lost(error):
                    raise
                _log.warning(
                    "%s: connection lost or refused (%s); trying again",
                    self._database.url.shown,
                    code_of(error),
                )
                time.sleep(FIRST_WAIT_SECONDS * 2**number)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _discard(connection: Connection) -> None:
    with suppress(Exception):
        connection.close()
