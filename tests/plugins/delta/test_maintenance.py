"""A Delta table: compaction, earlier versions, backup and reset."""

import os
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable

from reporting_framework import SOURCE_KEY, CommitContext
from reporting_framework.cli.main import reporting
from reporting_framework.errors import CommitConflict, CorruptCheckpoint, SettingsError
from tests.plugins.delta.tables import Table, prices, versioned

KEYS = prices(range(40))[SOURCE_KEY].to_list()


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "out" / "prices")


def age(table, hours):
    """Make all files older, and their removals in the log too."""
    then = time.time() - hours * 3600
    for path in Path(table.uri).rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_compaction_merges_small_files_and_keeps_earlier_versions(table):
    for number in range(6):
        table.run(prices([number, 10 + number]))
    before = table.named()
    result = table.sink().compact()
    assert (result.before, result.after) == (12, 2)
    assert table.keys == sorted([*KEYS[:6], *KEYS[10:16]])
    assert before < table.files()
    assert table.rows(version=2).height == 6
    actions = pl.DataFrame(table.handle.get_add_actions(flatten=True))
    assert actions["max.source_key"].to_list() == [KEYS[5], KEYS[15]]


def test_a_compaction_is_no_change_of_rows(table):
    table.settings["table_properties"] = {"delta.enableChangeDataFeed": "true"}
    table.run(prices([1]))
    table.run(prices([2]))
    table.sink().compact()
    changes = pl.DataFrame(table.handle.load_cdf(starting_version=0))
    assert changes["_change_type"].to_list() == ["insert", "insert"]


def test_what_no_readable_version_has_is_removed(table):
    table.run(prices(range(5)), context=CommitContext(state={"at": 1}))
    table.run(prices(range(3, 8)), context=CommitContext(state={"at": 2}))
    Path(table.uri, "left.parquet").write_bytes(b"of a killed process")
    age(table, 200)
    table.sink().compact()
    assert table.named() <= table.files() - {"left.parquet"}
    assert "left.parquet" not in table.files()
    assert table.sink().load_state() == {"at": 2}
    states = list(Path(table.uri, "_reporting", "state").iterdir())
    assert len(states) == 1


def test_what_a_run_that_was_killed_after_its_commit_has_written_stays(
    table, monkeypatch
):
    """Its note is still there, and its files are those of an earlier version only."""
    table.settings["partition_by"] = ["shop"]
    shop = partial(prices, year=2000, shop="a b%20/ü")
    schema = shop([1]).schema
    with monkeypatch.context() as killed:
        killed.setattr("reporting_delta.sink.DeltaTableSink._settle", lambda *_: None)
        table.run(shop(range(3)), schema=schema)
    table.run(shop(range(3, 5)), schema=schema)
    table.sink(schema).compact()
    monkeypatch.setattr("reporting_delta.sink.ABANDONED_SECONDS", -1)
    table.run(shop(range(5, 7)), schema=schema)
    assert not list(Path(table.uri, "_reporting", "pending").iterdir())
    assert [table.rows(version).height for version in range(3)] == [3, 5, 5]


def test_rows_are_sorted_by_several_columns_once(table):
    settings = {"z_order_by": ["price", "source_key"], "partition_by": []}
    for number in range(4):
        table.run(prices([number, 10 + number]), partition_by=[])
    table.sink(**settings).compact()
    assert len(table.named()) == 1
    version = table.handle.version()
    table.sink(**settings).compact()
    assert table.handle.version() == version
    table.run(prices(range(2, 5)), partition_by=[])
    assert table.keys == [*KEYS[:5], *KEYS[10:14]]


def test_a_backup_is_a_table_with_which_a_run_can_go_on(table):
    table.mode = "upsert"
    table.run(prices(range(12)))
    table.run(versioned(prices([3]), "2"))
    sink = table.sink()
    stored = sink.stored_artifacts()
    (copy,) = sink.back_up(stored, "one")
    assert DeltaTable(copy).version() == 0
    with pytest.raises(CommitConflict, match="a backup of this name exists"):
        sink.back_up(stored, "one")
    again = Table(copy, "upsert")
    assert again.run(versioned(prices([3, 4]), "2")).upserted[:3] == (0, 1, 1)
    assert again.keys == KEYS[:12]


def test_a_reset_is_one_commit_and_earlier_versions_stay(table):
    table.run(prices(range(5)), context=CommitContext(state={"at": 1}))
    sink = table.sink()
    sink.remove(sink.stored_artifacts())
    assert table.sink().scan() is None
    assert table.sink().load_state() is None
    assert table.rows(version=0).height == 5
    frame = prices(range(3)).cast({"price": pl.String})
    table.run(frame, schema=frame.schema)
    assert table.keys == KEYS[:3]
    assert table.rows().schema["price"] == pl.String
    assert table.sink().load_state() is None


def test_a_check_counts_the_rows_that_are_not_deleted(tmp_path):
    table = Table(tmp_path / "prices", "upsert")
    table.run(prices(range(12)))
    deleted = datetime(2024, 1, 2, tzinfo=UTC)
    table.run(versioned(prices(range(2)), "2", deleted))
    check = table.sink().health_checks(write=False)["delta table"]
    assert check().found.endswith(": 10 rows in 2 files")
    [artifact, *_] = table.sink().stored_artifacts()
    assert artifact.rows == 10


def test_health_is_checked_against_checksums_and_the_log(table):
    check = table.sink().health_checks(write=False)["delta table"]
    assert check().status == "ok"
    table.run(prices(range(12)))
    assert check().found.endswith("12 rows in 2 files")
    for path in table.named():
        file = Path(table.uri, path)
        data = bytearray(file.read_bytes())
        data[40] ^= 1
        file.write_bytes(data)
    with pytest.raises(CorruptCheckpoint, match="does not match its checksums"):
        check()


# -- earlier versions ------------------------------------------------------------------


def test_earlier_versions_can_be_read(table):
    table.run(prices(range(3)))
    between = datetime.now(UTC)
    time.sleep(0.005)
    table.run(prices(range(3, 5)))
    for version in ("0", between.isoformat()):
        sink = table.sink()
        sink.select_version(version)
        assert sink.scan().collect().height == 3
    for version in ("7", "2024-01-01"):
        with pytest.raises(SettingsError, match=f"version {version} cannot be read"):
            table.sink().select_version(version)
    with pytest.raises(SettingsError, match="expected a number, or a time such as"):
        table.sink().select_version("first")


def test_commands_read_an_earlier_version(tmp_path, monkeypatch):
    """The table of the page about it, without partitions, as files for SQL."""
    table = Table(tmp_path / "t", partition_by=[])
    for begin in (0, 3):
        table.run(prices(range(begin, begin + 3)), partition_by=[])
    (tmp_path / "reporting.toml").write_text(
        "[reports.prices]\n"
        'source = { use = "files", uri = "in/", format = "csv" }\n'
        'validator = { use = "frame", columns = { year = { type = "int64" }, price = { type = "float64" } } }\n'
        'sinks = [{ use = "delta-table", uri = "t" }]\n'
    )
    monkeypatch.chdir(tmp_path)
    for options, rows in ((), "6"), (("--as-of", "0"), "3"):
        answer = CliRunner().invoke(
            reporting,
            ["sql", "prices", *options, "SELECT count(*) AS n FROM prices"],
        )
        assert answer.output.split() == ["n", rows], answer.output
