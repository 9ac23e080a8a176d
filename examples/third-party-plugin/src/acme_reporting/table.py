"""Table of a SQLite file as polars frames.

Each query opens the file, read only, and closes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import polars as pl

from reporting_framework import (
    FAULTY,
    LocationError,
    ReportingError,
    SettingsError,
    StorageUnavailable,
    TableInfo,
    TableQuery,
)

PLACE = frozenset(
    {"SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_PERM", "SQLITE_AUTH"}
)
"""Errors that a retry does not fix; all other errors of SQLite mean that the file
cannot be read for now.
"""


class ColumnType(NamedTuple):
    """Polars type of a declared type of SQLite.

    Attributes:
        words: Words that the declared type contains.
        dtype: Type in the frame.
        fits: Condition that a value is of this type, in SQL; SQLite itself allows any
            value in any column.
        value: The value, in SQL.
    """

    words: tuple[str, ...]
    dtype: pl.DataType
    fits: str
    value: str = "{0}"


UNTYPED = ColumnType(
    (), pl.String(), "typeof({0}) IN ('text', 'integer')", "CAST({0} AS TEXT)"
)
"""A column without a declared type. SQLite has all numbers before all texts there, so
only texts can be a key: a number that is passed as a text is never the greater one.
"""
_TEXT = ColumnType(
    ("CHAR", "CLOB", "TEXT", "DATE", "TIME"),
    pl.String(),
    "typeof({0}) IN ('text', 'integer')",
    "CAST({0} AS TEXT)",
)
TYPES = (
    ColumnType(("INT",), pl.Int64(), "typeof({0}) = 'integer'"),
    ColumnType(("BOOL",), pl.Boolean(), "typeof({0}) = 'integer' AND {0} IN (0, 1)"),
    _TEXT,
    ColumnType(("BLOB",), pl.Binary(), "typeof({0}) = 'blob'"),
    ColumnType(
        ("REAL", "FLOA", "DOUB", "DEC", "NUM"),
        pl.Float64(),
        "typeof({0}) IN ('real', 'integer') AND CAST({0} AS REAL) = {0}",
        "CAST({0} AS REAL)",
    ),
)
"""Types in order of priority: the first applies whose words the declared type contains.
A column of any other type holds texts.
"""


class Table:
    """Table with a primary key.

    Args:
        path: Path of the file.
        name: Name of the table.
        busy_seconds: Maximum time to wait for a lock on the file.
    """

    def __init__(self, path: str, name: str, busy_seconds: float = 5) -> None:
        self.name = name
        self._busy_seconds = busy_seconds
        self._path = path

    def info(self, cursor: str | None) -> TableInfo:
        """Return key and columns of the table.

        Raises:
            SettingsError: There is no such table or column, or the table has no usable
                key.
        """
        with self._opened() as database:
            keys = database.execute(
                "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk",
                (self.name,),
            ).fetchall()
            tables = database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            ).fetchall()
        known = {str(name, "utf-8", "replace") for (name,) in tables}
        if self.name not in known:
            raise SettingsError(
                f"{self._path}: there is no table {self.name}; there are"
                f" {', '.join(sorted(known)) or 'none'}"
            )
        primary_key = [str(name, "utf-8") for (name,) in keys]
        if not primary_key:
            raise SettingsError(
                f"{self._path}: table {self.name} has no primary key, and a row is"
                " known by it; choose a table that has one"
            )
        columns = self._columns
        if cursor is not None and cursor not in columns:
            raise SettingsError(
                f"{self._path}: table {self.name} has no column {cursor}; there are"
                f" {', '.join(columns)}"
            )
        self._check_keys(primary_key)
        schema = pl.Schema({name: column.dtype for name, column in columns.items()})
        return TableInfo(self.name, primary_key, schema, cursor)

    @cached_property
    def _columns(self) -> dict[str, ColumnType]:
        with self._opened() as database:
            declared = database.execute(
                "SELECT name, upper(type) FROM pragma_table_info(?)", (self.name,)
            ).fetchall()
        return {
            str(name, "utf-8"): _column_type(str(declared_type, "utf-8"))
            for name, declared_type in declared
        }

    def _check_keys(self, primary_key: list[str]) -> None:
        """Refuse rows that no query by key would find, which SQLite allows.

        A table with an ``INTEGER PRIMARY KEY`` has no such rows.
        """
        columns = {name: _identifier(name) for name in primary_key}
        fits = [
            f"typeof({column}) = 'text'"
            if self._columns[name] is UNTYPED
            else self._columns[name].fits.format(column)
            for name, column in columns.items()
        ]
        unfit = " OR ".join(f"({condition}) IS NOT 1" for condition in fits)
        query = f"SELECT EXISTS (SELECT 1 FROM {_identifier(self.name)} WHERE {unfit})"  # noqa: S608 - names are quoted
        with self._opened() as database:
            ((found,),) = database.execute(query)
        if found:
            raise SettingsError(
                f"{self._path}: table {self.name} has rows whose key is null or not of"
                " its type (text, if none is declared); correct them"
            )

    def _fault(self, name: str) -> str:
        """Return an SQL condition: a value is neither null nor of its column's type."""
        return f"NOT ({self._columns[name].fits.format(_identifier(name))})"

    def rows(self, query: TableQuery) -> pl.DataFrame:
        """Return the rows of a query; rows with a value of another type are faulty."""
        where, values = query.where(quote=_identifier)
        columns = {name: self._columns[name] for name in query.columns}
        shown = [
            f"CASE WHEN {column.fits} THEN {column.value} END".format(_identifier(name))
            for name, column in columns.items()
        ]
        faults = [
            f"WHEN {_identifier(name)} NOTNULL AND {self._fault(name)} THEN {number}"
            for number, name in enumerate(columns)
        ]
        ordered = [
            f"{_identifier(name)} IS NOT NULL AND NOT {self._fault(name)}"
            for name in query.order
        ]
        text = (
            f"SELECT {', '.join(shown)}, CASE {' '.join(faults)} END"  # noqa: S608
            f" FROM {_identifier(self.name)} WHERE {' AND '.join([where, *ordered])}"
            f" ORDER BY {query.order_by(quote=_identifier)}"
            f" LIMIT {query.limit} OFFSET {query.offset}"
        )
        with self._opened() as database:
            found = database.execute(text, values).fetchall()
        return _frame(found, columns)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file, read only; texts are returned as bytes, as any may be invalid.

        Raises:
            sqlite3.Error: See `problem`.
        """
        place = f"{Path(self._path).resolve().as_uri()}?mode=ro"
        database = sqlite3.connect(
            place, uri=True, timeout=self._busy_seconds, isolation_level=None
        )
        with closing(database):
            database.text_factory = bytes
            yield database


def _frame(
    found: list[tuple[object, ...]], columns: dict[str, ColumnType]
) -> pl.DataFrame:
    """Return rows of SQLite as a frame; a row with invalid UTF-8 is faulty."""
    given: dict[str, pl.DataType] = {
        name: _given(column.dtype) for name, column in columns.items()
    }
    frame = pl.DataFrame(found, {**given, FAULTY: pl.Int64()}, orient="row")
    names = pl.Series(list(columns))
    fault = pl.Series(FAULTY, names).gather(frame[FAULTY].fill_null(0))
    fault = fault.zip_with(frame[FAULTY].is_not_null(), _nulls(frame.height))
    result = frame.select(
        _cast(frame[name], column.dtype) for name, column in columns.items()
    )
    for name in columns:
        broken = result[name].is_null() & frame[name].is_not_null()
        fault = _nulls(frame.height).fill_null(name).zip_with(broken, fault)
    return result.with_columns(fault.alias(FAULTY))


def _given(dtype: pl.DataType) -> pl.DataType:
    """Return the type in which SQLite's module gives values."""
    if isinstance(dtype, pl.String):
        return pl.Binary()
    return pl.Int64() if isinstance(dtype, pl.Boolean) else dtype


def _cast(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return a column in its type; a text that is not UTF-8 becomes null."""
    try:
        return column.cast(dtype)
    except pl.exceptions.ComputeError:  # seldom, so that one by one will do
        texts = [None if value is None else _decoded(value) for value in column]
        return pl.Series(column.name, texts, dtype=pl.String)


def _decoded(text: bytes) -> str | None:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _nulls(height: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, height)


def _column_type(declared: str) -> ColumnType:
    if not declared:
        return UNTYPED
    return next(
        (known for known in TYPES if any(word in declared for word in known.words)),
        _TEXT,
    )


def problem(path: str, error: Exception) -> ReportingError:
    """Return the error for an error of SQLite, with the fix.

    SQLite's message may hold parts of a query, so only its code is shown.
    """
    code = getattr(error, "sqlite_errorname", type(error).__name__)
    if code.startswith(tuple(PLACE)):
        return LocationError(
            f"{path}: not a SQLite file that can be opened ({code}); give another path,"
            " and let the folder of a file with a write-ahead log be written to"
        )
    if code == "SQLITE_ERROR":
        return SettingsError(
            f"{path}: the table or a column is gone since the run began ({code}); run"
            " again when it is back, or give another table"
        )
    return StorageUnavailable(f"{path}: cannot be read just now ({code}); run again")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
