"""Execution of an SQL statement, and its answer.

The answer is some rows for people, or all rows written to a file as they arrive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from reporting_framework.query.sql.engine import engine, identifier, literal
from reporting_framework.query.sql.files import TableFiles, names
from reporting_framework.query.sql.statement import (
    Columns,
    Statement,
    plan_statement,
    withheld,
)

if TYPE_CHECKING:
    import duckdb

    from reporting_framework.query.sql.table import Table

OutputFormat = Literal["csv", "json", "parquet"]

_FORMS: dict[str, str] = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
_INTEGERS = {
    f"{sign}{size}INT"
    for sign in ("", "U")
    for size in ("TINY", "SMALL", "BIG", "HUGE")
}
_PLAIN = _INTEGERS | {"VARCHAR", "BOOLEAN", "INTEGER", "UINTEGER", "FLOAT", "DOUBLE"}
"""Types whose Python values the table for people shows directly; other types are cast
to text.
"""

_WIDE = frozenset({"HUGEINT", "UHUGEINT"})
"""Types that are too wide for parquet: DuckDB would turn them into floats, and a sum of
integers has such a type.
"""


class Some(NamedTuple):
    """The first rows of an answer.

    Attributes:
        columns: Column names.
        rows: Values of the rows.
        more: Number of rows that follow.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]
    more: int


class SqlAnswer(NamedTuple):
    """A table with a statement that was planned on it."""

    statement: Statement
    connection: duckdb.DuckDBPyConnection
    files: TableFiles

    def first(self, count: int) -> Some:
        """Return the first rows, and the number of rows after them.

        Raises:
            ReportingError: See `statement.withheld`.
        """
        columns = [name for name, _ in self.statement.columns]
        rows = self._run(
            f"SELECT {self._columns(_display_expression)} FROM ", f" LIMIT {count + 1}"
        )
        more = 0
        if len(rows) > count:
            more = self._run("SELECT count(*) FROM ")[0][0] - count
        return Some(columns, rows[:count], more)

    def write(self, form: OutputFormat, path: Path) -> None:
        """Write all rows to an existing file, without holding them in memory.

        Raises:
            ReportingError: See `statement.withheld`.
        """
        expression = _for_parquet if form == "parquet" else _text_expression
        self._run(
            f"COPY (SELECT {self._columns(expression)} FROM ",
            f") TO {literal(str(path))} ({_FORMS[form]}, USE_TMP_FILE false)",
        )

    def _columns(self, expression: Any) -> str:
        return ", ".join(
            f"{expression(identifier(name), kind)} AS {identifier(name)}"
            for name, kind in self.statement.columns
        )

    def _run(self, before: str, after: str = "") -> list[tuple[Any, ...]]:
        """Run a query in a thread, so that an interrupt takes effect at once.

        DuckDB checks for signals only between the parts of a query.
        """
        sql, shift = self.statement.wrapped(before, after)

        def execute() -> list[tuple[Any, ...]]:
            with withheld(self.statement.text, self.files, shift):
                return self.connection.execute(sql).fetchall()

        with ThreadPoolExecutor(1, thread_name_prefix="reporting-sql") as thread:
            answer = thread.submit(execute)
            try:
                while wait([answer], 0.1).not_done:
                    pass  # a thread of DuckDB may get the signal and wake no other
                return answer.result()
            except KeyboardInterrupt:
                while wait([answer], 0.1).not_done:  # the query may not have begun
                    self.connection.interrupt()
                raise


def _display_expression(column: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({column}, '%Y-%m-%d %H:%M:%SZ')"
    if kind == "TIMESTAMP":
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S')"
    return column if kind in _PLAIN else f"CAST({column} AS VARCHAR)"


def _text_expression(column: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return (
        f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f')" if kind == "TIMESTAMP" else column
    )


def _for_parquet(column: str, kind: str) -> str:
    return f"CAST({column} AS DECIMAL(38, 0))" if kind in _WIDE else column


def columns_of(table: Table) -> Columns:
    """Return the table's columns.

    Raises:
        ReportingError: See `statement.withheld`.
    """
    files = TableFiles(table.files)
    with (
        withheld("", files),
        engine(_views(table), files=files, paths=names(len(table.files))) as connection,
    ):
        return [
            (name, kind)
            for name, kind, *_ in connection.execute(
                f"DESCRIBE {identifier(table.names[0])}"
            ).fetchall()
        ]


@contextmanager
def open_answer(
    text: str, table: Table, paths: Sequence[Path] = ()
) -> Iterator[SqlAnswer]:
    """Open a table for a statement, and plan the statement.

    Args:
        text: One statement that returns rows.
        table: The table.
        paths: Files that an answer may be written to.

    Raises:
        SettingsError: The text is not such a statement, or names a missing table or
            column.
        ReportingError: See `statement.withheld`.
    """
    files, open_names = (
        TableFiles(table.files),
        [*names(len(table.files)), *map(str, paths)],
    )
    with (
        withheld(text, files),
        engine(
            _views(table), files=files, paths=open_names, spill=table.spill
        ) as connection,
    ):
        columns = connection.execute(
            f"DESCRIBE {identifier(table.names[0])}"
        ).fetchall()
        statement = plan_statement(
            text, table.names, [(name, kind) for name, kind, *_ in columns]
        )
        yield SqlAnswer(statement, connection, files)


def _views(table: Table) -> list[str]:
    return [f"CREATE VIEW {identifier(name)} AS {table.rows}" for name in table.names]
