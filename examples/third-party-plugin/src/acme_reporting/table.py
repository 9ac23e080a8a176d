"""A table of a SQLite file: its keys, and its rows as JSON.

Each question opens the file, read only, and closes it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from reporting_framework import (
    LocationError,
    ReportingError,
    SettingsError,
    StorageUnavailable,
)

PLACE = frozenset(
    {"SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_PERM", "SQLITE_AUTH"}
)
"""Errors that trying again does not help; what else SQLite says is that the file cannot
be read just now.
"""


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        key: Its primary key.
        version: A digest of its content, so that a row that was put right is told from
            what it was.
        payload: The row as a JSON object, or None when it cannot be one: an infinite
            number, text that is not UTF-8.
    """

    key: int
    version: str
    payload: bytes | None


class Table:
    """A table with an ``INTEGER PRIMARY KEY``.

    The value of the key is a row's name for good, and what rows are found by.

    Args:
        path: The file.
        name: The table.
        busy_seconds: How long to wait for whoever has locked the file.
    """

    def __init__(self, path: str, name: str, busy_seconds: float = 5) -> None:
        self.name = name
        self._busy_seconds = busy_seconds
        self._path = path
        self._key = ""

    def keys(self, after: int | None, most: int) -> list[int]:
        """The next keys above `after`, in their order.

        Those of the lowest rows when it is None.
        """
        key, table = self._quoted()
        bound = "" if after is None else f"WHERE {key} > :after"
        query = f"SELECT {key} FROM {table} {bound} ORDER BY {key} LIMIT :most"  # noqa: S608 - names are quoted
        with self._opened() as database:
            return [
                number
                for (number,) in database.execute(query, {"after": after, "most": most})
            ]

    def rows(self, keys: Sequence[int]) -> Iterator[Row]:
        """The rows of these keys that are there, in the order of keys."""
        key, table = self._quoted()
        query = (
            f"SELECT {key}, * FROM {table} WHERE {key} IN"  # noqa: S608 - quoted
            f" (SELECT value FROM json_each(?)) ORDER BY {key}"
        )
        with self._opened() as database:
            cursor = database.execute(query, (json.dumps(list(keys)),))
            names = [column[0] for column in cursor.description][1:]
            for number, *values in cursor:
                yield _row(number, dict(zip(names, values, strict=True)))

    def _quoted(self) -> tuple[str, str]:
        """The key's and the table's name as SQL has them.

        Raises:
            SettingsError: There is no such table, or it has no key that would do.
        """
        if not self._key:
            with self._opened() as database:
                query = (
                    "SELECT name, upper(type) FROM pragma_table_info(?) WHERE pk > 0"
                )
                keys = database.execute(query, (self.name,)).fetchall()
                tables = [
                    name
                    for (name,) in database.execute(
                        "SELECT name FROM sqlite_schema WHERE type = 'table'"
                    )
                ]
            if len(keys) != 1 or keys[0][1] != "INTEGER":
                known = (
                    f"tables of the file: {', '.join(sorted(tables))}"
                    if self.name not in tables
                    else ""
                )
                what = (
                    known
                    or "it has none, and a row is known by it;"
                    " a table that has one will do"
                )
                raise SettingsError(
                    f"{self._path}: no table {self.name} with an INTEGER PRIMARY KEY:"
                    f" {what}"
                )
            self._key = keys[0][0]
        return _identifier(self._key), _identifier(self.name)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file, read only.

        Raises:
            LocationError: It is not there, is not to be opened, or is no database.
            StorageUnavailable: It cannot be read just now.
        """
        try:
            place = f"{Path(self._path).resolve().as_uri()}?mode=ro"
            database = sqlite3.connect(
                place, uri=True, timeout=self._busy_seconds, isolation_level=None
            )
            with closing(database):
                database.text_factory = _text
                yield database
        except sqlite3.Error as error:
            raise _translated(self._path, error) from error


def _translated(path: str, error: sqlite3.Error) -> ReportingError:
    """What whoever runs the report can do about it.

    SQLite's own words may hold parts of a query, so only its code.
    """
    code = getattr(error, "sqlite_errorname", type(error).__name__)
    if code.startswith(tuple(PLACE)):
        return LocationError(
            f"{path}: not a SQLite file that can be opened ({code}); give another path"
        )
    return StorageUnavailable(f"{path}: cannot be read just now ({code}); run again")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(raw: bytes) -> str:
    """Text as it is.

    What is not UTF-8 becomes a lone surrogate, which no JSON text can be made of.
    """
    return raw.decode("utf-8", "surrogateescape")


def _row(key: int, values: Mapping[str, object]) -> Row:
    version = hashlib.blake2b(ascii(values).encode(), digest_size=16).hexdigest()
    try:
        return Row(
            key,
            version,
            json.dumps(
                values, ensure_ascii=False, allow_nan=False, default=_base64
            ).encode(),
        )
    except ValueError:
        return Row(key, version, None)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
