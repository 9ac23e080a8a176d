"""Errors of databases that a sink writes to, without the words of the driver."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import (
    AccessDenied,
    CommitConflict,
    CorruptCheckpoint,
    LocationError,
    ReportingError,
    SettingsError,
    StorageUnavailable,
)
from reporting_sql.errors import LOST, UNKNOWN, code_of

_UNIQUE = "UNIQUE constraint failed"
"""Text of SQLite; the driver passes on no code."""

_CAUSES: Sequence[tuple[tuple[str, ...], type[ReportingError], str]] = (
    (
        ("23505", "40001", "40P01", "1062", "1213", "1050", "1060"),
        CommitConflict,
        "other runs were faster; run again",
    ),
    (
        ("55P03", "1205", "SQLITE_BUSY", "SQLITE_LOCKED"),
        StorageUnavailable,
        "another process has locked it; nothing was changed; run again, or raise"
        " lock_seconds",
    ),
    (
        ("57014", "3024", "1969"),
        StorageUnavailable,
        "a statement took longer than its time limit; nothing was changed; raise"
        " statement_seconds, or the server's limit",
    ),
    (
        ("53100", "1021", "1114", "SQLITE_FULL"),
        StorageUnavailable,
        "the disk of the database is full; nothing was changed; make room there",
    ),
    (
        ("SQLITE_IOERR", "58030"),
        StorageUnavailable,
        "the disk of the database failed; nothing was changed; check it",
    ),
    (
        ("53300", "1040"),
        StorageUnavailable,
        "the server has no free connection; run again, or raise its limit",
    ),
    (
        ("25006", "SQLITE_READONLY", "1290", "1792", "1836"),
        AccessDenied,
        "the database cannot be written; allow it, or give another one",
    ),
    (
        ("28", "1045", "1698"),
        AccessDenied,
        "the server refused the user; correct url",
    ),
    (
        ("option ",),
        SettingsError,
        "an option of the URL is unknown or has a wrong value; correct url",
    ),
    (
        ("42501", "1142", "1143", "1044", "1227", "SQLITE_PERM", "SQLITE_AUTH"),
        AccessDenied,
        "the database refused the access; grant it: create tables, read and write them",
    ),
    (
        ("3D000", "1049"),
        SettingsError,
        "there is no such database; create it, or correct url",
    ),
    (
        ("3F000",),
        SettingsError,
        "there is no such schema; create it, or correct table",
    ),
    (
        ("42P10",),
        SettingsError,
        "no unique index of the table has exactly the columns of its key; create one",
    ),
    (
        ("1071",),
        SettingsError,
        "the columns of the key are too long for an index; give another primary_key",
    ),
    (
        ("SQLITE_NOTADB",),
        CorruptCheckpoint,
        "it is not a SQLite file; give another path",
    ),
    (("SQLITE_CORRUPT",), CorruptCheckpoint, "it is damaged; restore it"),
    (
        ("SQLITE_CANTOPEN",),
        LocationError,
        "it cannot be opened; give another path, in a folder that can be written to",
    ),
    (
        LOST,
        StorageUnavailable,
        "the connection was lost or refused; nothing was changed; run again",
    ),
    (
        ("22", "23", "42", "0A", "1264", "1265", "1292", "1366", "1406", "1048"),
        SettingsError,
        "the database refused it; compare the table with the columns and values of the"
        " report",
    ),
)
"""Errors by the beginnings of their codes, with problem and fix."""


def problem_of(subject: str, error: Exception) -> ReportingError | None:
    """Return the framework's error for an error of a driver, `None` if not known.

    Args:
        subject: Subject of the message.
        error: The driver's exception.
    """
    code = code_of(error)
    if code == UNKNOWN and _UNIQUE in str(error):
        code = "23505"
    for beginnings, kind, problem in _CAUSES:
        if code.startswith(beginnings):
            first, _, rest = problem.partition(";")
            return kind(f"{subject}: {first} ({code});{rest}")
    if code == UNKNOWN:
        return None
    return StorageUnavailable(
        f"{subject}: the database failed ({code}); nothing was changed; run again"
    )
