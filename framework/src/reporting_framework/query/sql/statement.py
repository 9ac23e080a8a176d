"""One SQL query, planned on a table without rows first.

Mistakes show before anything is read.

DuckDB's messages quote values. Messages shown unchanged come from the table without
rows, so they hold no value of a record; of an error on the real table, only its type
and its position in the SQL are shown.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import (
    PLACE_ERRORS,
    did_you_mean,
    one_line,
    system_problem,
)
from reporting_framework.errors import (
    FatalError,
    ReportingError,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.query.sql.engine import engine, identifier

if TYPE_CHECKING:
    import duckdb

    from reporting_framework.query.sql.files import TableFiles

Columns = Sequence[tuple[str, str]]
"""Column names and DuckDB's types."""


class Statement(NamedTuple):
    """A statement that returns rows.

    Attributes:
        text: The user's text.
        query: The text up to the statement's end.
        columns: Columns of its answer.
    """

    text: str
    query: str
    columns: Columns

    def wrapped(self, before: str, after: str = "") -> tuple[str, int]:
        """Return SQL around the statement, and the shift of positions in it.

        The shift is the number of bytes before the statement.
        """
        start = f"{before}(\n"
        return f"{start}{self.query}\n){after}", len(start.encode())


def plan_statement(text: str, tables: Sequence[str], columns: Columns) -> Statement:
    """Plan the one statement of a text, on an empty table with these columns.

    Raises:
        SettingsError: The text is not one statement that returns rows, or it names a
            missing table or column.
    """
    empty = ", ".join(
        f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns
    )
    views = [
        f"CREATE VIEW {identifier(table)} AS SELECT {empty} WHERE false"
        for table in tables
    ]
    with engine(views) as connection:
        with _describe_error(text, tables, columns):
            query = _single(text, connection)
        sql, shift = Statement(text, query, ()).wrapped("EXPLAIN SELECT * FROM ")
        with _describe_error(text, tables, columns, shift):
            connection.execute(sql)
            relation = connection.sql(query)
        described = [
            (name, str(kind))
            for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
    _refuse_twins([name for name, _ in described])
    return Statement(text, query, described)


def _single(text: str, connection: duckdb.DuckDBPyConnection) -> str:
    """Return the one statement, without its semicolon.

    Raises:
        SettingsError: The text is not one query without parameters.
    """
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise SettingsError(
            f"the SQL is {len(statements)} statements; give one that returns rows, such"
            " as a SELECT"
        )
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        raise SettingsError(
            f"the SQL is a statement of type {kind}; give one that returns rows, such"
            " as SELECT, WITH or DESCRIBE: the table is read-only, and there is no"
            " other"
        )
    if statements[0].named_parameters:
        raise SettingsError(
            "the SQL has parameters, which are not supported; write the values"
        )
    return _trimmed(text)


def _trimmed(text: str) -> str:
    """Return the text up to its final semicolon, if there is one."""
    import duckdb

    data = text.encode()
    tokens = [
        start
        for start, kind in duckdb.tokenize(text)
        if kind != duckdb.token_type.comment
    ]
    while tokens and data[tokens[-1] : tokens[-1] + 1] == b";":
        data = data[: tokens.pop()]
    return data.decode()


def _refuse_twins(names: Sequence[str]) -> None:
    """Refuse an answer with two columns of one name: no file can hold it.

    Raises:
        SettingsError: Two columns have one name.
    """
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise SettingsError(
                f"two columns of the answer are called {one_line(name, 80)}; rename one"
                " of them with AS"
            )
        seen.add(name.casefold())


@contextmanager
def _describe_error(
    text: str, tables: Sequence[str], columns: Columns, shift: int = 0
) -> Iterator[None]:
    """Translate the errors of planning on a table without rows.

    The message is DuckDB's, with its position in the SQL and the existing names.

    Raises:
        SettingsError: DuckDB raised an error.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        known = _details(error)
        message, place = known.get("exception_message") or type(error).__name__, ""
        if known.get("error_subtype") == "COLUMN_NOT_FOUND":
            place = _suggestion(
                known, [name for name, _ in columns], f"{tables[0]} has"
            )
        elif (known.get("error_subtype"), known.get("type")) == (
            "MISSING_ENTRY",
            "Table",
        ):
            place = _suggestion(known, tables, "there is the table")
        elif known.get("error_subtype") == "SYNTAX_ERROR":
            names = [*tables, *(name for name, _ in columns)]
            place = _words_of_sql(known, text, names, shift)
        if place:
            message = message.partition("\n")[0].rstrip("!")
        raise SettingsError(
            f"the SQL{_place(known, text, shift)}: {one_line(message)}{place}"
        ) from error


def _suggestion(known: dict[str, Any], names: Sequence[str], words: str) -> str:
    """Return the existing names, with a suggestion for a missing one."""
    return f"{did_you_mean(str(known.get('name')), names)}; {words} {', '.join(names)}"


def _words_of_sql(
    known: dict[str, Any], text: str, names: Sequence[str], shift: int
) -> str:
    """Return a hint if a name at a syntax error, or before it, is a word of SQL too."""
    at, data = int(known.get("position", 0)) - shift, text.encode()
    before = re.search(r"(\w+)\W*$", data[: max(at, 0)].decode(errors="ignore"))
    behind = re.match(r"\w+", data[max(at, 0) :].decode(errors="ignore"))
    near = {match[match.re.groups].casefold() for match in (before, behind) if match}
    quoted = [identifier(name) for name in names if name.casefold() in near]
    if not quoted:
        return ""
    return f"; if a word of SQL is meant as a name, quote it: {', '.join(quoted)}"


@contextmanager
def withheld(text: str, files: TableFiles, shift: int = 0) -> Iterator[None]:
    """Translate errors on the real table to their type and position only.

    DuckDB's message is withheld, since it may quote records.

    Args:
        text: The user's text.
        files: Files that the table is read from.
        shift: Bytes before the text in the executed SQL.

    Raises:
        ReportingError: The error of reading, if reading failed; else an error with
            DuckDB's type and the position in the SQL.
    """
    import duckdb

    try:
        yield
    except Exception as error:
        if isinstance(files.failure, ReportingError):
            raise files.failure from error
        interrupted = type(error) is RuntimeError and "interrupted" in str(
            error
        )  # Ctrl-C becomes this error
        if interrupted or isinstance(error, duckdb.InterruptException):
            raise KeyboardInterrupt from error
        if not isinstance(error, duckdb.Error):
            raise
        kind, place = type(error).__name__, _place(_details(error), text, shift)
        hint = "; its message may quote records and is withheld, --verbose shows it"
        if isinstance(error, duckdb.OutOfMemoryException):
            raise FatalError(
                "the SQL needs more memory than available; ask for fewer columns or"
                " rows"
            ) from error
        if isinstance(error, duckdb.IOException):
            if (full := _full_disk(str(error))) is not None:
                raise StorageUnavailable(
                    f"the SQL could not be answered: {full}"
                ) from error
            raise StorageUnavailable(
                f"the SQL could not be answered: {kind}{hint}"
            ) from error
        if isinstance(
            error, duckdb.DataError | duckdb.ProgrammingError | duckdb.NotSupportedError
        ):
            raise SettingsError(
                f"the SQL{place}: a value does not fit an operation ({kind}); use"
                f" TRY_CAST to get null for such values{hint}"
            ) from error
        raise FatalError(f"the SQL{place} failed: {kind}{hint}") from error


def _full_disk(message: str) -> str | None:
    """Return which of DuckDB's files hit a full disk, and the fix.

    DuckDB's error has no number, and its message names the file.
    """
    for number in PLACE_ERRORS:
        if os.strerror(number) in message:
            match = re.search(r'file \\*"([^"\\\n]+)', message)
            path = (
                match[1] if match and os.path.exists(os.path.dirname(match[1])) else ""
            )
            error = OSError(number, os.strerror(number), path)
            return f"{path}: {system_problem(error)}".removeprefix(": ")
    return None


def _details(error: Exception) -> dict[str, Any]:
    """Return DuckDB's details of an error, by name; empty if they cannot be parsed."""
    try:
        details = json.loads(str(error).partition(": ")[2])
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}


def _place(known: dict[str, Any], text: str, shift: int = 0) -> str:
    """Return line and column of an error in the user's text, as part of a message."""
    try:
        before = text.encode()[: int(known["position"]) - shift].decode(errors="ignore")
    except (KeyError, ValueError):
        return ""
    if int(known["position"]) < shift:
        return ""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f", line {line}, column {column}"
