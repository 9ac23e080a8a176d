"""Changes of a Delta table as a source, from this package's sink and other programs."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake

from reporting_delta.source import DeltaTableSource
from reporting_framework import SOURCE_KEY
from reporting_framework.cli.main import reporting
from reporting_framework.errors import LocationError, SettingsError
from tests.plugins.delta.tables import Table, prices, versioned

FEED = {"delta.enableChangeDataFeed": "true"}
AT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "t", "upsert", table_properties=FEED)


def read(table, after, **settings):
    source = DeltaTableSource(DeltaTableSource.Settings(uri=table.uri, **settings))
    return list(source.pages(after))


def test_rows_that_a_commit_has_only_written_again_are_no_changes(table):
    table.run(prices(range(10)))
    gone = prices([3]).with_columns(pl.lit(None, pl.Int64).alias("year"), price=None)
    table.run(versioned(prices([7], price=[1.0]), "2"), versioned(gone, "2", AT))
    (page,) = read(table, {"version": 0})
    assert page.source_keys.to_list() == ["prices/000007"]
    assert page.frame.columns == ["year", "price"]
    assert page.frame.row(0) == (2000, 1.0)
    assert page.deletes.rows() == [("prices/000003", page.versions[0], AT)]
    assert page.position == {"version": 1}


def test_a_compaction_has_no_changes(table):
    for number in range(3):
        table.run(prices([number]))
    table.sink().compact()
    *_, last = read(table, {"version": 2})
    assert (last.frame.height, last.deletes) == (0, None)


def test_hard_deletes_are_deletes(table):
    table.settings["deletes"] = "hard"
    table.run(prices(range(3)))
    table.run(versioned(prices([1]), "2", AT))
    (page,) = read(table, {"version": 0})
    assert page.deletes[SOURCE_KEY].to_list() == ["prices/000001"]
    assert page.frame.height == 0


def test_changes_are_found_without_a_change_feed(tmp_path):
    """Files that were replaced are compared."""
    table = Table(tmp_path / "t")
    write_deltalake(table.uri, prices(range(5)))
    table.handle.update({"price": "9.0"}, predicate="year = 2000 AND price = 3.0")
    table.handle.delete("price = 6.0")
    first, second = read(table, {"version": 0})
    assert first.frame.rows() == [(2000, 9.0)]
    assert first.source_keys.to_list() == ["prices/000002"]
    assert second.deletes[SOURCE_KEY].to_list() == ["prices/000004"]


def test_changes_that_the_log_has_no_more_are_an_error(tmp_path):
    table = Table(tmp_path / "t")
    for number in range(3):
        write_deltalake(table.uri, prices([number]), mode="append")
    table.handle.create_checkpoint()
    (tmp_path / "t" / "_delta_log" / f"{1:020}.json").unlink()
    assert sum(page.source_keys.len() for page in read(table, None)[:-1]) == 3
    with pytest.raises(SettingsError, match="the changes of version 1 are no longer"):
        read(table, {"version": 0})


def test_a_table_without_a_key_is_refused(tmp_path):
    uri = str(tmp_path / "t")
    with pytest.raises(LocationError, match="there is no Delta table"):
        read(Table(uri), None)
    write_deltalake(uri, pl.DataFrame({"a": [1]}))
    for settings, problem in (
        ({}, "has no column source_key; set primary_key"),
        ({"primary_key": ["b"]}, "there is no column b in"),
    ):
        with pytest.raises(SettingsError, match=problem):
            read(Table(uri), None, **settings)


@pytest.mark.slow
def test_a_table_follows_another_one(tmp_path, monkeypatch):
    """Inserted, changed and deleted rows, by the commands."""
    write_deltalake(
        tmp_path / "a",
        pl.DataFrame({"id": [1, 2, 3], "name": ["x", "y", "z"]}),
        configuration=FEED,
    )
    (tmp_path / "reporting.toml").write_text(
        "[reports.copy]\n"
        'write_mode = "upsert"\n'
        'source = { use = "delta-table", uri = "a", primary_key = ["id"] }\n'
        'validator = { use = "frame" }\n'
        'sinks = [{ use = "delta-table", uri = "b", deletes = "hard" }]\n'
    )
    monkeypatch.chdir(tmp_path)

    def run():
        done = CliRunner().invoke(
            reporting, ["run", "copy", "--quiet", "--format", "json"]
        )
        assert done.exit_code == 0, done.output
        result = json.loads(done.stdout)
        return [result[name] for name in ("inserted", "updated", "deleted")]

    assert run() == [3, 0, 0]
    source = DeltaTable(tmp_path / "a")
    source.update({"name": "'new'"}, predicate="id = 2")
    source.delete("id = 3")
    write_deltalake(source, pl.DataFrame({"id": [4], "name": ["w"]}), mode="append")
    assert run() == [1, 1, 1]
    assert run() == [0, 0, 0]
    copy = pl.read_delta(str(tmp_path / "b")).sort("id")
    assert copy.select("id", "name").rows() == [(1, "x"), (2, "new"), (4, "w")]
