"""A question to a table, and the answer.

The answer is some rows for people, or all of them in a file, written as they come.
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
"""Types whose values the table for people takes as Python has them; all others come as
text.
"""

_WIDE = frozenset({"HUGEINT", "UHUGEINT"})
"""Types that parquet has no room for: DuckDB would make fractions of them, and a sum of
whole numbers is one.
"""


class Some(NamedTuple):
    """The first rows of an answer.

    Attributes:
        columns: Names.
        rows: Values.
        more: How many rows follow.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]
    more: int


class SqlAnswer(NamedTuple):
    """A table that a statement has been tried out for."""

    statement: Statement
    connection: duckdb.DuckDBPyConnection
    files: TableFiles

    def first(self, count: int) -> Some:
        """The first rows, and how many there are behind them.

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
        """Write all rows to a file that is there already.

        Nothing of the answer is collected first.

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
        """Run a query in a thread, so that an interrupt need not wait for its end.

        DuckDB looks for signals between the parts of a query only.
        """
        sql, shift = self.statement.wrapped(before, after)

        def execute() -> list[tuple[Any, ...]]:
            with withheld(self.statement.text, self.files, shift):
                return self.connection.execute(sql).fetchall()

        with ThreadPoolExecutor(1, thread_name_prefix="reporting-sql") as thread:
            answer = thread.submit(execute)
            try:
                while wait([answer], 0.1).not_done:
                    pass  # the signal may go to a thread of DuckDB, and wake nobody
                return answer.result()
            except KeyboardInterrupt:
                while wait([answer], 0.1).not_done:  # it may not have begun
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
    """The table's columns.

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
    """A table for a statement, which has been tried out.

    Args:
        text: One statement that gives rows.
        table: The table.
        paths: Files that an answer may be written to.

    Raises:
        SettingsError: The text is something else, or names what there is not.
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
