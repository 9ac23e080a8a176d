"""Exceptions of database drivers, which PEP 249 names alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    CorruptCheckpoint,
    ReportingError,
    SettingsError,
    StorageUnavailable,
)

_PASSES = {"OperationalError", "InterfaceError", "InternalError"}
_REFUSED = {"IntegrityError", "DataError", "ProgrammingError", "NotSupportedError"}
_ERRORS = {"Error", "DatabaseError", *_PASSES, *_REFUSED}
"""Names that PEP 249 gives to the exceptions of every driver."""

_STATEMENT = {"SQLITE_ERROR"}
"""Codes of a statement that cannot be carried out, whatever the exception is named."""

_LOST_RACE = {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE", "23505"}
"""Error codes for a key that another transaction has inserted meanwhile."""


_CAUSES: Sequence[tuple[tuple[str, ...], type[ReportingError], str]] = (
    (
        ("SQLITE_CANTOPEN", "08"),
        StorageUnavailable,
        "the database cannot be opened ({}); check its location",
    ),
    (
        ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "53100"),
        StorageUnavailable,
        "the disk of the database is full ({}); nothing was changed; make room there",
    ),
    (
        ("SQLITE_IOERR",),
        StorageUnavailable,
        "the disk of the database failed ({}); nothing was changed; check it",
    ),
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"),
        StorageUnavailable,
        "another process has locked it ({}); nothing was changed; run again",
    ),
    (
        ("SQLITE_READONLY", "25006"),
        AccessDenied,
        "the database cannot be written ({}); allow it",
    ),
    (
        ("SQLITE_PERM", "SQLITE_AUTH", "28", "42501"),
        AccessDenied,
        "the database refused the access ({}); grant it",
    ),
)
"""Errors by the beginnings of their codes in SQLite and PostgreSQL, with the fix."""


def is_driver_error(error: Exception) -> bool:
    """Return whether an exception is of a driver that follows PEP 249."""
    return not isinstance(error, ReportingError) and not _ERRORS.isdisjoint(
        _names(error)
    )


@contextmanager
def translated(problem: Callable[[Exception], ReportingError]) -> Iterator[None]:
    """Translate an exception of a driver in the block with `problem`, and raise it."""
    try:
        yield
    except Exception as error:
        if not is_driver_error(error):
            raise
        raise problem(error) from error


def standard_problem(subject: str, error: Exception) -> ReportingError:
    """Return the framework's error for an exception of a driver.

    The driver's message may hold values of records, so only its code is shown.
    """
    code = next(
        (
            str(code)
            for name in ("sqlite_errorname", "sqlstate", "pgcode", "errno")
            if (code := getattr(error, name, None))
        ),
        type(error).__name__,
    )
    names = _names(error)
    if code in _LOST_RACE or code.startswith("40") or "TransactionException" in names:
        return CommitConflict(f"{subject}: other runs were faster ({code}); run again")
    for beginnings, kind, problem in _CAUSES:
        if code.startswith(beginnings):
            return kind(f"{subject}: {problem.format(code)}")
    if names & _PASSES and code not in _STATEMENT:
        return StorageUnavailable(
            f"{subject}: the database failed ({code}); nothing was changed; run again"
        )
    if names & _REFUSED or code in _STATEMENT:
        return SettingsError(
            f"{subject}: the database refused it ({code}); compare the table with the"
            " columns and values of the report"
        )
    return CorruptCheckpoint(
        f"{subject}: not a database that can be read ({code}); give another one"
    )


def _names(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
