"""Exceptions of drivers: the error says what is wrong and how to fix it, by the code alone."""

import sqlite3
from contextlib import closing

import pytest

from reporting_framework.errors import (
    AccessDenied,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.driver_errors import standard_problem, translated

CREATE = "CREATE TABLE t (a TEXT)"


class ProgrammingError(Exception):
    """An error as PostgreSQL's drivers have it."""

    def __init__(self, sqlstate):
        super().__init__("SECRET-VALUE")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("prepared", "statement", "kind", "message"),
    [
        (
            "PRAGMA max_page_count = 1",
            "CREATE TABLE u (a)",
            StorageUnavailable,
            "the disk of the database is full (SQLITE_FULL); nothing was changed; make"
            " room there",
        ),
        (
            "PRAGMA query_only = 1",
            "INSERT INTO t VALUES ('SECRET-VALUE')",
            AccessDenied,
            "the database cannot be written (SQLITE_READONLY); allow it",
        ),
        (
            "DROP TABLE t",
            "INSERT INTO t VALUES ('SECRET-VALUE')",
            SettingsError,
            "the database refused it (SQLITE_ERROR); compare the table with the columns"
            " and values of the report",
        ),
    ],
)
def test_an_error_of_sqlite_has_a_class_and_a_fix(
    tmp_path, prepared, statement, kind, message
):
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute(CREATE)
        database.execute(prepared)
        with (
            pytest.raises(kind) as raised,
            translated(lambda error: standard_problem("s", error)),
        ):
            database.execute(statement)
    assert str(raised.value) == f"s: {message}"


def test_a_locked_database_is_named_as_such(tmp_path):
    path = tmp_path / "a.db"
    with (
        closing(sqlite3.connect(path)) as one,
        closing(sqlite3.connect(path, timeout=0)) as other,
    ):
        one.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(StorageUnavailable, match="another process has locked it"),
            translated(lambda error: standard_problem("s", error)),
        ):
            other.execute(CREATE)


@pytest.mark.parametrize(
    ("sqlstate", "kind", "message"),
    [
        ("53100", StorageUnavailable, "disk of the database is full"),
        ("55P03", StorageUnavailable, "another process has locked it"),
        ("25006", AccessDenied, "the database cannot be written"),
        ("28P01", AccessDenied, "the database refused the access"),
        ("42501", AccessDenied, "the database refused the access"),
        ("42P01", SettingsError, "the database refused it"),
    ],
)
def test_an_error_of_postgresql_has_a_class_and_a_fix(sqlstate, kind, message):
    error = standard_problem("s", ProgrammingError(sqlstate))
    assert type(error) is kind
    assert f"{message} ({sqlstate})" in str(error)
