"""An upserted checkpoint without a timestamp is sorted by the versions of its rows."""

from datetime import UTC, datetime

import polars as pl
import pytest

from reporting_framework import CommitContext, SettingsError, Split
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

SCHEMA = pl.Schema({"id": pl.Int64(), "source_key": pl.String()})


def sink(tmp_path, mode="upsert", **settings):
    uri = str(tmp_path / "orders.parquet")
    opened = ParquetCheckpoint(ParquetCheckpoint.Settings(uri=uri, **settings))
    opened.open(SCHEMA, mode)
    opened.ledger()
    return opened


def rows(*given):
    """Return rows of a number, a version and a time of deletion."""
    schema = {
        "id": pl.Int64,
        "_version": pl.String,
        "_deleted_at": pl.Datetime("us", "UTC"),
    }
    frame = pl.DataFrame(given, schema, orient="row")
    key = pl.concat_str(pl.lit("t/"), pl.col("id").cast(pl.String)).alias("source_key")
    return frame.select("id", key, "_version", "_deleted_at")


def commit(tmp_path, frame, mode="upsert"):
    opened = sink(tmp_path, mode)
    part = opened.stage(frame, Split("s", {}), 0)
    opened.commit([part], CommitContext())
    opened.close()
    return pl.read_parquet(tmp_path / "orders.parquet")


def time(minute):
    return f"2024-01-01T00:{minute:02}:00.000000Z"


def test_rows_are_in_the_order_of_their_versions(tmp_path):
    first = commit(
        tmp_path, rows((1, time(3), None), (2, time(1), None), (3, None, None))
    )
    assert first["id"].to_list() == [3, 2, 1]
    assert first.columns == ["id", "source_key", "_version", "_deleted_at"]
    at = datetime(2024, 1, 2, tzinfo=UTC)
    second = commit(
        tmp_path, rows((2, time(5), None), (4, time(2), None), (1, time(4), at))
    )
    live = second.filter(pl.col("_deleted_at").is_null())
    assert live["id"].to_list() == [3, 4, 2]


def test_numbers_are_versions_too(tmp_path):
    versions = [2**64 - 1, 2**63 + 5, 2**63 - 5, 0]
    frame = rows(*((at, f"{number:020}", None) for at, number in enumerate(versions)))
    assert commit(tmp_path, frame)["id"].to_list() == [3, 2, 1, 0]


def test_a_replaced_table_needs_no_timestamp_either(tmp_path):
    frame = commit(tmp_path, rows((1, time(2), None), (2, time(1), None)), "replace")
    assert frame.columns == ["id", "source_key"]
    assert frame["id"].to_list() == [2, 1]


def test_a_file_is_checked_by_a_command_that_knows_no_schema(tmp_path):
    commit(tmp_path, rows((1, time(2), None)))
    uri = str(tmp_path / "orders.parquet")
    checks = ParquetCheckpoint(ParquetCheckpoint.Settings(uri=uri)).health_checks(
        write=False
    )
    result = checks["checkpoint"]()
    assert (result.status, "1 rows" in result.found) == ("ok", True)


def test_a_check_counts_the_rows_that_are_not_deleted(tmp_path):
    commit(tmp_path, rows((1, time(2), None), (2, time(2), None)))
    commit(tmp_path, rows((1, time(3), datetime(2024, 1, 2, tzinfo=UTC))))
    uri = str(tmp_path / "orders.parquet")
    unopened = ParquetCheckpoint(ParquetCheckpoint.Settings(uri=uri))
    for each in (sink(tmp_path), unopened):
        found = each.health_checks(write=False)["checkpoint"]().found
        assert found == f"{uri}: 1 rows"
    [artifact] = sink(tmp_path).stored_artifacts()
    assert artifact.rows == 1


@pytest.mark.parametrize(
    ("mode", "settings", "problem"),
    [
        ("append", {}, "with a time zone, and there is none; use mode upsert or repl"),
        ("upsert", {"timestamp": "id"}, "timestamp names id, which is not a column"),
    ],
)
def test_an_appended_table_or_a_named_column_must_have_a_time(
    tmp_path, mode, settings, problem
):
    with pytest.raises(SettingsError, match=problem):
        sink(tmp_path, mode, **settings)


def test_an_appended_table_is_advised_of_columns_with_a_time_alone(tmp_path):
    moments = {"at": pl.Datetime("us", "UTC"), "until": pl.Datetime("ms", "UTC")}
    others = {"local": pl.Datetime("us"), "fine": pl.Datetime("ns", "UTC")}
    uri = str(tmp_path / "orders.parquet")
    opened = ParquetCheckpoint(ParquetCheckpoint.Settings(uri=uri))
    with pytest.raises(
        SettingsError,
        match="and timestamp is none; set timestamp to one of at, until, use mode upsert",
    ):
        opened.open(pl.Schema({**SCHEMA, **others, **moments}), "append")
