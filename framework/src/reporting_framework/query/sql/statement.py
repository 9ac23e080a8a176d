"""One statement that asks, tried out on a table without rows first.

What is wrong shows before anything is read.

DuckDB's messages quote values. Those that are shown as they are were made where there
are no records, so they can hold none; of an error on the real table only its type and
its place in the SQL are told.
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
"""Names and DuckDB's types."""


class Statement(NamedTuple):
    """A statement that gives rows.

    Attributes:
        text: What the user gave.
        query: The text up to the statement's end.
        columns: Those of its answer.
    """

    text: str
    query: str
    columns: Columns

    def wrapped(self, before: str, after: str = "") -> tuple[str, int]:
        """Return SQL around the statement, and the shift of positions in it.

        The shift is by how many bytes a position in it is behind the same one in the
        text.
        """
        start = f"{before}(\n"
        return f"{start}{self.query}\n){after}", len(start.encode())


def plan_statement(text: str, tables: Sequence[str], columns: Columns) -> Statement:
    """Return the one statement of a text, after it was planned.

    It is planned on a table that has these columns and no rows.

    Raises:
        SettingsError: It is not one statement that gives rows, or names what there is
            not.
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
    """The one statement, without what ends it."""
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise SettingsError(
            f"the SQL is {len(statements)} statements; give one that gives rows, such"
            " as a SELECT"
        )
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        raise SettingsError(
            f"the SQL is a statement of type {kind}; only one that gives rows is taken,"
            " such as SELECT, WITH or DESCRIBE: the table cannot be changed, and there"
            " is no other"
        )
    if statements[0].named_parameters:
        raise SettingsError(
            "the SQL has parameters, and there is nothing to put in their place; write"
            " the values"
        )
    return _trimmed(text)


def _trimmed(text: str) -> str:
    """The text up to the semicolon that ends it, if there is one."""
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
    """Refuse an answer in which two columns have one name: no file can hold it.

    Raises:
        SettingsError: Two have.
    """
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise SettingsError(
                f"two columns of the answer are called {one_line(name, 80)}; name one"
                " of them with AS"
            )
        seen.add(name.casefold())


@contextmanager
def _describe_error(
    text: str, tables: Sequence[str], columns: Columns, shift: int = 0
) -> Iterator[None]:
    """Tell the errors of a table without rows.

    The message is DuckDB's, with where in the SQL it is, and what there is instead.
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
        if place:
            message = message.partition("\n")[0].rstrip("!")
        raise SettingsError(
            f"the SQL{_place(known, text, shift)}: {one_line(message)}{place}"
        ) from error


def _suggestion(known: dict[str, Any], names: Sequence[str], words: str) -> str:
    """What there is in the place of a name."""
    return f"{did_you_mean(str(known.get('name')), names)}; {words} {', '.join(names)}"


@contextmanager
def withheld(text: str, files: TableFiles, shift: int = 0) -> Iterator[None]:
    """Tell which errors of the real table there are and where, and no more.

    Nothing is told of what DuckDB says, since that may be of records.

    Args:
        text: What the user gave.
        files: What the table is read through.
        shift: By how many bytes a position in what is run differs from one in the text.

    Raises:
        ReportingError: What reading raised, if that was it; else what became of the
            SQL.
    """
    import duckdb

    try:
        yield
    except Exception as error:
        if isinstance(files.failure, ReportingError):
            raise files.failure from error
        interrupted = type(error) is RuntimeError and "interrupted" in str(
            error
        )  # what Ctrl-C becomes
        if interrupted or isinstance(error, duckdb.InterruptException):
            raise KeyboardInterrupt from error
        if not isinstance(error, duckdb.Error):
            raise
        kind, place = type(error).__name__, _place(_details(error), text, shift)
        hint = "; its message may quote records and is withheld, --verbose shows it"
        if isinstance(error, duckdb.OutOfMemoryException):
            raise FatalError(
                "the SQL needs more memory than there is; ask for fewer columns or rows"
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
                f"the SQL{place}: a value does not fit what is done with it ({kind});"
                f" TRY_CAST makes nulls of those that do not{hint}"
            ) from error
        raise FatalError(f"the SQL{place} failed: {kind}{hint}") from error


def _full_disk(message: str) -> str | None:
    """Return which place of DuckDB's files is full, and what to do about it.

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
    """Return what DuckDB says of an error, by name.

    There is nothing where it says it in another form.
    """
    try:
        details = json.loads(str(error).partition(": ")[2])
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}


def _place(known: dict[str, Any], text: str, shift: int = 0) -> str:
    """Line and column of an error in what the user gave."""
    try:
        before = text.encode()[: int(known["position"]) - shift].decode(errors="ignore")
    except (KeyError, ValueError):
        return ""
    if int(known["position"]) < shift:
        return ""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f", line {line}, column {column}"
