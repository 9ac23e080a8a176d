"""Connection to a database for the duration of one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.driver_errors import is_driver_error, translated

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database


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
        """Return the only value of a query as a number; 0 if it is null."""
        return int(self.value(query) or 0)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Transaction]:
        """Commit all statements of the block, or none if it raises."""
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
