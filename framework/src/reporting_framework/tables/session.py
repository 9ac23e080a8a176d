"""Connection to a database for the duration of one step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CommitConflict, StorageUnavailable
from reporting_framework.plugin_api.driver_errors import is_driver_error, translated

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database

_PLACES = re.compile(r"""(?s)"[^"]*"|'[^']*'|`[^`]*`|\?""")
"""Quoted names and texts, and placeholders outside of them."""


def placed(statement: str, placeholder: str) -> str:
    """Return a statement with a driver's placeholders instead of ``?``."""
    if placeholder == "?":
        return statement
    if placeholder == "%s":
        statement = statement.replace("%", "%%")
    numbers = count(1)

    def place(found: re.Match[str]) -> str:
        if found[0] != "?":
            return found[0]
        return f"${next(numbers)}" if placeholder == "$" else placeholder

    return _PLACES.sub(place, statement)


class Session:
    """Statements on one connection.

    Args:
        sink: Sink with the SQL dialect.
        cursor: Cursor of a connection in autocommit mode.
    """

    def __init__(self, sink: Database, cursor: Any) -> None:
        self._sink = sink
        self.cursor = cursor

    def run(self, statement: str, *parameters: Any) -> None:
        """Execute a statement; ``?`` is the placeholder if there are parameters."""
        if parameters:
            statement = placed(statement, self._sink.placeholder)
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
        """Return the only value of a query as a number; 0 if it is null."""
        return int(self.value(query) or 0)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Transaction]:
        """Commit all statements of the block, or none if it raises.

        Raises:
            StorageUnavailable: The answer of the commit was lost, so it may have been
                made.
        """
        self.run(begin)
        transaction = Transaction()
        try:
            yield transaction
            if transaction.changed:
                self._commit()
            else:
                self.run("ROLLBACK")
        except BaseException:
            with suppress(Exception):  # it may be over
                self.run("ROLLBACK")
            raise

    def _commit(self) -> None:
        try:
            self.run("COMMIT")
        except Exception as error:
            if not is_driver_error(error):
                raise
            with suppress(Exception):  # a refused commit may have ended it
                self.run("ROLLBACK")
            try:
                self.value("SELECT 1")  # the database is there, and has refused
            except Exception:
                raise StorageUnavailable(
                    f"{self._sink.subject}: the answer of the commit was lost; all of"
                    " it was written, or nothing; run again, which finds out"
                ) from error
            raise


class Transaction:
    """Open transaction.

    Attributes:
        changed: Whether to commit it; set it to False if nothing was changed.
    """

    changed = True


@contextmanager
def session(sink: Database, *, write: bool = False) -> Iterator[Session]:
    """Connect for the block; the sink translates exceptions of the driver."""
    with (
        translated(sink.problem),
        closing(sink.connect(write=write)) as connection,
        closing(connection.cursor()) as cursor,  # an open one can hold a lock
    ):
        yield Session(sink, cursor)


def lost_race(sink: Database, error: Exception) -> bool:
    """Return whether an exception of the driver means that another run was faster."""
    return is_driver_error(error) and isinstance(sink.problem(error), CommitConflict)
