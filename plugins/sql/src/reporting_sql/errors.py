"""Errors of databases, without the words of the driver, which may hold values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reporting_framework import (
    AccessDenied,
    LocationError,
    ReportingError,
    SettingsError,
    StorageUnavailable,
)

_SQLITE = {
    "database is locked": "SQLITE_BUSY",
    "database table is locked": "SQLITE_LOCKED",
    "disk I/O error": "SQLITE_IOERR",
    "database disk image is malformed": "SQLITE_CORRUPT",
    "file is not a database": "SQLITE_NOTADB",
    "unable to open database file": "SQLITE_CANTOPEN",
    "attempt to write a readonly database": "SQLITE_READONLY",
    "database or disk is full": "SQLITE_FULL",
    "access permission denied": "SQLITE_PERM",
    "not authorized": "SQLITE_AUTH",
    "no such table": "no such table",
    "no such column": "no such column",
    "no such function": "no such function",
    "ambiguous column name": "SQLITE_ERROR",
    "misuse of": "SQLITE_ERROR",
    "SELECTs to the left and right": "SQLITE_ERROR",
    "malformed JSON": "SQLITE_ERROR",
    "integer overflow": "SQLITE_ERROR",
    "[SQLite] Failed to prepare query": "SQLITE_ERROR",
    "parameter count mismatch": "SQLITE_ERROR",
}
"""Codes by the texts that SQLite has for them; ADBC passes on no code."""

_POSTGRESQL = {
    "statement timeout": "57014",
    "lock timeout": "55P03",
    "terminating connection due to": "57P01",
    "database system is shutting down": "57P03",
    "database system is starting up": "57P03",
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "permission denied": "42501",
}
"""SQLSTATEs by texts, for errors that ADBC passes on without one."""

_OPTION = re.compile(
    r'invalid URI query parameter: "(\w+)"|invalid "?(\w+)"? value: '
    r'|for connection option "(\w+)"|invalid value for parameter "(client_encoding)"'
)
_OPTIONS = {
    "invalid port number": "port",
    "could not parse network address": "hostaddr",
    "definition of service": "service",
    "unrecognized configuration parameter": "options",
    "invalid value for parameter": "options",
    "invalid command-line argument": "options",
    "requirepeer specifies": "requirepeer",
    "root certificate": "sslrootcert",
    "certificate verify failed": "sslrootcert",
    "does not match host name": "sslmode",
    "does not support SSL": "sslmode",
    "certificate file": "sslcert",
    "private key file": "sslkey",
}
"""Options of a PostgreSQL URL, by texts of the errors of a connection."""

_UNREACHED = ("Failed to connect", "no connection to the server", "server closed")
_MISSING_DATABASE = re.compile(r'(?:database|role) "[^"]*" does not exist')
_SQLSTATE = re.compile(r"SQLSTATE: ([0-9A-Z]{5})\b")

UNKNOWN = "unknown"
"""Code of an error that has none."""

LOST = (
    "08",
    "57P",
    "2002",
    "2003",
    "2006",
    "2013",
    "2055",
    "1053",
    "1927",
    "connection",
)
"""Beginnings of the codes of a lost connection."""

_REFUSED_BY_MYSQL = (
    "1052",
    "1054",
    "1055",
    "1056",
    "1060",
    "1064",
    "1066",
    "1109",
    "1111",
    "1140",
    "1146",
    "1222",
    "1241",
    "1242",
    "1248",
    "1305",
    "1365",
    "1690",
)
"""Codes of queries that name what is not there, or that are wrong in themselves."""

_CAUSES: Sequence[tuple[tuple[str, ...], type[ReportingError], str]] = (
    (("1045", "28"), AccessDenied, "the server refused the user; correct the URL"),
    (
        ("3D000", "1049"),
        SettingsError,
        "there is no such database; correct the URL",
    ),
    (
        ("option ",),
        SettingsError,
        "an option of the URL is unknown or has a wrong value; correct the URL",
    ),
    (
        ("42501", "1142", "1143", "1044", "SQLITE_PERM", "SQLITE_AUTH"),
        AccessDenied,
        "the database refused the access; grant SELECT",
    ),
    (
        ("57014", "3024", "1969"),
        StorageUnavailable,
        "a query took longer than its time limit; raise statement_seconds or the"
        " server's limit, create an index on the cursor and the key, or lower page_rows"
        " and split_rows",
    ),
    (
        ("55P03", "1205", "SQLITE_BUSY", "SQLITE_LOCKED"),
        StorageUnavailable,
        "somebody else holds a lock; run again, or raise lock_seconds",
    ),
    (
        ("53300", "1040"),
        StorageUnavailable,
        "the server has no free connection; lower partitions, or run again",
    ),
    (
        ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CANTOPEN"),
        LocationError,
        "not a SQLite file that can be opened; correct the path, and let the folder of"
        " a file with a write-ahead log be written to",
    ),
    (
        ("40001", "40P01", "1213", "72000"),
        StorageUnavailable,
        "the server ended the transaction; run again",
    ),
    (
        LOST,
        StorageUnavailable,
        "the connection was lost or refused; check host and port of the URL, or run"
        " again",
    ),
    (
        ("42", "21", "22", "no such", "SQLITE_ERROR", *_REFUSED_BY_MYSQL),
        SettingsError,
        "the database refused the query; compare table, columns and query with the"
        " database",
    ),
)
"""Errors by the beginnings of their codes, with problem and fix."""


class DriverError(Exception):
    """Error in the middle of a result, which the driver raises as another library's.

    Attributes:
        sqlstate: Its code.
    """

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class OperationalError(DriverError):
    """Name by which the framework recognises an error of a driver (PEP 249)."""


def code_of(error: Exception) -> str:
    """Return the code of an error: an SQLSTATE, MySQL's number or SQLite's name.

    The code of a wrong option of the URL is ``option`` and the option's name.
    """
    if error.args and isinstance(error.args[0], int):
        return str(error.args[0])
    if known := getattr(error, "sqlstate", None):
        return str(known)
    text = str(error)
    if match := _SQLSTATE.search(text):
        return match[1]
    if "Failed to connect" in text and (option := _option(text)):
        return f"option {option}"
    for table in (_POSTGRESQL, _SQLITE):
        if code := _found(text, table):
            return code
    if _MISSING_DATABASE.search(text):
        return "28000" if 'role "' in text else "3D000"
    return "connection" if any(part in text for part in _UNREACHED) else UNKNOWN


def _option(text: str) -> str | None:
    """Return the option of the URL that the server or the client has refused."""
    if match := _OPTION.search(text):
        return str(match[match.lastindex or 0])
    return _found(text, _OPTIONS)


def _found(text: str, table: Mapping[str, str]) -> str | None:
    return next((code for part, code in table.items() if part in text), None)


def is_database_error(error: Exception) -> bool:
    """Return whether an exception is of a driver: its base has the name of PEP 249."""
    return any(kind.__name__ == "DatabaseError" for kind in type(error).__mro__)


def is_lost(error: Exception) -> bool:
    """Return whether an error means that the connection was lost."""
    return code_of(error).startswith(LOST)


def problem_of(subject: str, error: Exception) -> ReportingError:
    """Return the framework's error for an error of a database.

    Args:
        subject: Subject of the message.
        error: The driver's exception.
    """
    code = code_of(error)
    for beginnings, kind, problem in _CAUSES:
        if code.startswith(beginnings):
            before, _, after = problem.partition(";")
            return kind(f"{subject}: {before} ({code});{after}")
    return StorageUnavailable(f"{subject}: the database failed ({code}); run again")
