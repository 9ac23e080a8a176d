"""Columns of a Delta table: types, partitions, changes, and other readers."""

from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest
from pydantic import ValidationError

from reporting_delta.settings import DeltaTableSinkSettings
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import CorruptCheckpoint, NotSupported, SettingsError
from tests.plugins.delta.tables import SCHEMA, Table, prices, versioned

MOMENT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "out" / "prices")


def test_every_type_is_read_as_it_was_written(tmp_path):
    frame = pl.DataFrame(
        {
            "small": pl.Series([1, None], dtype=pl.UInt8),
            "large": pl.Series([2**32 - 1, 0], dtype=pl.UInt32),
            "kind": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
            "day": [date(2024, 1, 1), None],
            "naive": [datetime(2024, 1, 1), None],
            "local": pl.Series([MOMENT, None]).dt.convert_time_zone("Europe/Berlin"),
            "fast": pl.Series([MOMENT, None]).cast(pl.Datetime("ms", "UTC")),
            "amount": pl.Series(["1.50", None]).str.to_decimal(scale=2),
            "tags": [["x", None], []],
            "pair": [{"a": 1, "b": "x"}, None],
            "raw": [b"\x00", None],
            "odd": [float("nan"), 1.5],
            SOURCE_KEY: ["k1", "k2"],
        }
    )
    table = Table(tmp_path / "types", partition_by=[])
    table.run(frame, schema=frame.schema)
    read = table.sink(frame.schema).scan().collect()
    assert read.schema == frame.schema
    assert read.sort(SOURCE_KEY).equals(frame)
    assert table.rows()["large"].to_list() == [2**32 - 1, 0]


def test_a_type_that_delta_lacks_is_refused(table):
    schema = pl.Schema({"at": pl.Time(), **SCHEMA})
    with pytest.raises(SettingsError, match="column at is Time, which a Delta table"):
        table.sink(schema)


def read_by_duckdb(table):
    """The rows as DuckDB reads them from Arrow; its extension needs a download."""
    with duckdb.connect() as database:
        database.register("rows", table.handle.scan())
        found = database.execute("SELECT * FROM rows")
        names = [column[0] for column in found.description]
        return pl.DataFrame(found.fetchall(), names, orient="row")


PLACES = ["a b", "ü/é", "x=1", "50%", None, "__x", "", "..", "true"]


def test_values_of_partitions_are_read_back_by_other_readers(tmp_path):
    keys = [f"{number}" for number in range(len(PLACES))]
    frame = pl.DataFrame({"place": PLACES, SOURCE_KEY: keys})
    table = Table(tmp_path / "places", partition_by=["place"])
    table.run(frame, schema=frame.schema)
    wanted = [place or None for place in PLACES]  # an empty text is a null, as in Hive
    sink = table.sink(frame.schema).scan().collect()
    found = read_by_duckdb(table)
    for read in (sink, table.rows(), pl.read_delta(table.uri), found):
        assert read.sort(SOURCE_KEY)["place"].to_list() == wanted, read


def test_partitions_of_every_type_are_read_back(tmp_path):
    frame = pl.DataFrame(
        {
            "day": [date(2024, 1, 1), None],
            "flag": [True, False],
            "number": pl.Series([-3, 4], dtype=pl.Int32),
            SOURCE_KEY: ["k1", "k2"],
        }
    )
    table = Table(tmp_path / "typed", partition_by=["day", "flag", "number"])
    table.run(frame, schema=frame.schema)
    read = table.sink(frame.schema).scan().collect()
    assert read.sort(SOURCE_KEY).equals(frame)
    assert table.rows().select(frame.columns).equals(frame)


def test_other_readers_agree_on_all_rows(table):
    """DuckDB and polars, after an upsert has replaced files."""
    table.mode = "upsert"
    table.run(prices(range(25)))
    table.run(versioned(prices([3, 12, 30], price=[9.0, 9.0, 9.0]), "2"))
    found = read_by_duckdb(table).sort(SOURCE_KEY)
    names = [*SCHEMA, "_version"]
    assert found.height == 26
    for read in (pl.read_delta(table.uri), table.sink().scan().collect()):
        assert found.select(names).equals(read.sort(SOURCE_KEY).select(names))


# -- changes of columns ----------------------------------------------------------------


def test_a_new_column_is_added_and_a_missing_one_is_null(table):
    table.run(prices(range(2)))
    wide = prices(range(2, 4), shop=["a", "b"])
    table.run(wide, schema=wide.schema)
    table.run(prices(range(4, 5)))
    assert table.rows()["shop"].to_list() == [None, None, "a", "b", None]
    assert table.sink().scan().collect().columns == [*SCHEMA, "shop"]


def test_a_column_that_is_added_meanwhile_is_null_in_new_rows(table):
    """One staged part is added as it is, the other one is written again."""
    table.run(prices(range(2)))
    sink, parts = table.staged(prices(range(1, 4)), prices(range(4, 6)))
    wide = prices(range(6, 7), shop=["a"])
    table.run(wide, schema=wide.schema)
    assert sink.commit(parts).duplicates == 1
    assert table.rows()["shop"].to_list() == [None] * 6 + ["a"]


def test_a_narrower_type_is_kept_and_a_wider_one_is_refused(table):
    table.run(prices(range(2)))
    small = prices(range(2, 3)).cast({"year": pl.Int32, "price": pl.Float32})
    table.run(small, schema=small.schema)
    assert table.rows().schema["price"] == pl.Float64
    assert table.sink(small.schema).scan().collect().schema["price"] == pl.Float32
    text = prices(range(3, 4)).cast({"price": pl.String})
    with pytest.raises(
        CorruptCheckpoint, match="column price is Float64, not String; a column keeps"
    ):
        table.run(text, schema=text.schema)
    assert table.rows().height == 3


def test_a_replacement_replaces_the_columns_too(table):
    table.mode = "replace"
    table.run(
        prices(range(3), shop=["a"] * 3),
        schema=pl.Schema({**SCHEMA, "shop": pl.String()}),
    )
    text = prices(range(2, 4)).cast({"price": pl.String})
    table.run(text, schema=text.schema)
    assert table.rows().columns == text.columns
    assert table.rows()["price"].to_list() == ["3.0", "4.5"]
    assert table.rows(version=0).height == 3


def test_another_partition_is_refused(table):
    table.run(prices(range(2)))
    with pytest.raises(SettingsError, match=r"has year; set it back"):
        table.run(prices(range(2)), partition_by=[])
    with pytest.raises(SettingsError, match=r"month\(…\) is not a column"):
        table.sink(pl.Schema({"at": pl.Date(), **SCHEMA}), partition_by=["month(at)"])


def test_a_table_with_files_that_cannot_be_read_alone_is_refused(table):
    from deltalake import TableFeatures

    table.run(prices(range(2)))
    table.handle.alter.add_feature(
        TableFeatures.DeletionVectors, allow_protocol_versions_increase=True
    )
    with pytest.raises(NotSupported, match="the table has deletionVectors, which"):
        table.sink().ledger()


@pytest.mark.parametrize("setting", ["partition_by", "z_order_by"])
def test_an_empty_name_of_a_column_is_refused_by_the_settings(setting):
    with pytest.raises(ValidationError, match="at least 1 character"):
        DeltaTableSinkSettings(uri="out/prices", **{setting: ["day", ""]})
