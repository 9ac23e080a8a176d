"""The fixture `visible` of a sink that can upsert: wrong types are named."""

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import sqlite3
from contextlib import closing

import polars as pl
import pytest
from reporting_framework import DELETED_AT, SOURCE_KEY, TableSink, TableSinkSettings
from reporting_framework.testing import CANARY, SinkContract

class FileSettings(TableSinkSettings):
    path: str

class SqliteTable(TableSink):
    name = "small-sqlite"
    Settings = FileSettings
    begin = "BEGIN IMMEDIATE"

    def connect(self, *, write):
        return sqlite3.connect(
            self.settings.path, isolation_level=None, check_same_thread=False
        )

    def columns(self, cursor, table):
        found = cursor.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return dict(found.fetchall())

class TestMine(SinkContract):
    plugin = SqliteTable

    @pytest.fixture
    def settings(self, tmp_path):
        return {"path": str(tmp_path / "a.db"), "table": "orders"}

    @pytest.fixture
    def rows(self):
        schema = ["number", "note", SOURCE_KEY]
        return lambda numbers: pl.DataFrame(
            [(n, CANARY, f"orders/{n}") for n in numbers], schema, orient="row"
        )

    @pytest.fixture
    def visible(self, settings):
        def read():
            with closing(sqlite3.connect(settings["path"])) as database:
                cursor = database.execute("SELECT * FROM orders")
                names = [column[0] for column in cursor.description]
                frame = pl.DataFrame(
                    cursor.fetchall(), names, orient="row", infer_schema_length=None
                )
            return FRAME

        return read
"""
READ = 'frame.with_columns(pl.col(DELETED_AT).cast(pl.String).str.to_datetime("%+", time_unit="us", time_zone="UTC"))'


@pytest.mark.parametrize(
    ("frame", "outcome", "said"),
    [
        (READ, "passed", ""),
        (
            "frame",
            "failed",
            "`visible` must give _deleted_at as Datetime(time_unit='us',"
            " time_zone='UTC'), not as String",
        ),
        (
            f"{READ}.with_columns(pl.col('_version').cast(pl.Int64))",
            "failed",
            "`visible` must give _version as String, not as Int64",
        ),
    ],
)
def test_a_type_that_visible_gets_wrong_is_named(pytester, frame, outcome, said):
    """Text in place of a time is not taken for a delete at another time."""
    pytester.makepyfile(test_mine=SUITE.replace("FRAME", frame))
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-k", "test_a_delete_is_a_version"
    )
    assert result.parseoutcomes()[outcome] == 1
    assert said in str(result.stdout)
