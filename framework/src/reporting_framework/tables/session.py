"""A connection to a database, for as long as one step takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    ReportingError,
    SettingsError,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database

_PASSES = {"OperationalError", "InterfaceError", "InternalError"}
_REFUSED = {"IntegrityError", "DataError", "ProgrammingError", "NotSupportedError"}
_ERRORS = {"Error", "DatabaseError", *_PASSES, *_REFUSED}
"""Names that PEP 249 gives to the exceptions of every driver."""

_LOST_RACE = {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE", "23505"}
"""Codes of a key that another transaction has inserted meanwhile."""


class Session:
    """Statements on one connection.

    Args:
        sink: Says how the database's SQL differs.
        cursor: That of a connection that commits each statement by itself, unless a
            transaction is begun.
    """

    def __init__(self, sink: Database, cursor: Any) -> None:
        self._sink = sink
        self.cursor = cursor

    def run(self, statement: str, *parameters: Any) -> None:
        """Carry out a statement; ``?`` stands for a parameter if there are some."""
        if parameters:
            if (placeholder := self._sink.placeholder) != "?":
                statement = statement.replace("%", "%%").replace("?", placeholder)
            self.cursor.execute(statement, parameters)
        else:
            self.cursor.execute(statement)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        self.run(query, *parameters)
        rows: list[tuple[Any, ...]] = self.cursor.fetchall()
        return rows

    def value(self, query: str) -> Any:
        """Return the only value of a query."""
        return self.rows(query)[0][0]

    def number(self, query: str) -> int:
        """Return the only value of a query, a number; 0 if it is null."""
        return int(self.value(query) or 0)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Transaction]:
        """Commit what the block does, or nothing of it if it raises."""
        self.run(begin)
        transaction = Transaction()
        try:
            yield transaction
            self.run("COMMIT" if transaction.changed else "ROLLBACK")
        except BaseException:
            with suppress(Exception):  # it may be over
                self.run("ROLLBACK")
            raise


class Transaction:
    """A transaction that is under way.

    Attributes:
        changed: Whether it is to be committed; set to False where it changes nothing.
    """

    changed = True


@contextmanager
def session(sink: Database, *, write: bool = False) -> Iterator[Session]:
    """Connect for the block; raise errors of the driver as the sink translates them."""
    try:
        with (
            closing(sink.connect(write=write)) as connection,
            closing(connection.cursor()) as cursor,  # an open one can hold a lock
        ):
            yield Session(sink, cursor)
    except Exception as error:
        if _ERRORS.isdisjoint(_names(error)):
            raise
        raise sink.problem(error) from error


def lost_race(sink: Database, error: Exception) -> bool:
    """Return whether an exception of the driver says that another run was faster."""
    if _ERRORS.isdisjoint(_names(error)):
        return False
    return isinstance(sink.problem(error), CommitConflict)


def standard_problem(subject: str, error: Exception) -> ReportingError:
    """Return what an exception of a driver means.

    The driver's own words may hold values of records, so only its code is shown.
    """
    code = next(
        (
            str(code)
            for name in ("sqlite_errorname", "sqlstate", "pgcode", "errno")
            if (code := getattr(error, name, None))
        ),
        type(error).__name__,
    )
    names = _names(error)
    if code in _LOST_RACE or code.startswith("40") or "TransactionException" in names:
        return CommitConflict(f"{subject}: other runs were faster ({code}); run again")
    if names & _PASSES:
        return StorageUnavailable(
            f"{subject}: the database did not do it ({code}); nothing was changed: run"
            " again"
        )
    if names & _REFUSED:
        return SettingsError(
            f"{subject}: the database refused it ({code}); compare the table with the"
            " columns and values of the report"
        )
    return CorruptCheckpoint(
        f"{subject}: not a database that can be read ({code}); give another one"
    )


def _names(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
