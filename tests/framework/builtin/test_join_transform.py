"""The transform `join`: columns of another table by a key."""

import os
from datetime import date

import polars as pl
import pytest

from reporting_framework.builtin.join_settings import JoinSettings
from reporting_framework.builtin.join_transform import JoinTransform
from reporting_framework.errors import LocationError, SettingsError
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY
from reporting_framework.testing import CANARY

ORDERS = pl.DataFrame(
    {
        "sku": ["A", "B", None, "Z"],
        "day": [date(2024, 1, day) for day in (1, 2, 3, 4)],
        SOURCE_KEY: ["o/1", "o/2", "o/3", "o/4"],
    }
)
PRICES = pl.DataFrame({"sku": ["A", "B", "C", None], "price": [1.5, 2.5, 3.5, 9.0]})


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.parquet"
    PRICES.write_parquet(path)
    return path


def join(uri, **settings):
    settings = {"on": ["sku"], "columns": ["price"], **settings}
    return JoinTransform(JoinSettings(uri=str(uri), **settings))


def test_rows_get_the_columns_of_the_row_with_their_key(prices):
    joined = join(prices).apply(ORDERS)
    assert joined.columns == ["sku", "day", "price", SOURCE_KEY]
    assert joined["price"].to_list() == [1.5, 2.5, None, None]
    assert joined[SOURCE_KEY].to_list() == ORDERS[SOURCE_KEY].to_list()


def test_rows_without_a_match_may_be_dropped(prices):
    dropped = join(prices, unmatched="drop").apply(ORDERS)
    assert dropped[SOURCE_KEY].to_list() == ["o/1", "o/2"]


def test_a_match_of_nulls_is_not_dropped(tmp_path):
    table = pl.DataFrame(
        {"sku": ["A"], "price": [None]}, {"sku": pl.String, "price": pl.Float64}
    )
    table.write_parquet(tmp_path / "p.parquet")
    dropped = join(tmp_path / "p.parquet", unmatched="drop").apply(ORDERS)
    assert dropped[SOURCE_KEY].to_list() == ["o/1"]


def test_columns_may_have_other_names_there(tmp_path):
    PRICES.rename({"sku": "article"}).write_parquet(tmp_path / "p.parquet")
    transform = join(
        tmp_path / "p.parquet", on={"sku": "article"}, columns={"list_price": "price"}
    )
    joined = transform.apply(ORDERS)
    assert joined["list_price"].to_list() == [1.5, 2.5, None, None]


def test_the_schema_is_known_without_rows(prices):
    assert (
        join(prices).apply(ORDERS.clear()).schema == join(prices).apply(ORDERS).schema
    )


def test_a_folder_is_one_table_with_columns_in_its_paths(tmp_path):
    for month in (1, 2):
        folder = tmp_path / "prices" / f"month=2024-0{month}"
        folder.mkdir(parents=True)
        PRICES[month - 1 : month].write_parquet(folder / "part.parquet")
    for hidden in ("_old", ".tmp"):
        (tmp_path / "prices" / hidden).mkdir()
        PRICES.write_parquet(tmp_path / "prices" / hidden / "part.parquet")
    (tmp_path / "prices" / "README.txt").write_text("prices")
    joined = join(tmp_path / "prices", columns=["price", "month"]).apply(ORDERS)
    assert joined["price"].to_list() == [1.5, 2.5, None, None]
    assert joined["month"].to_list() == ["2024-01", "2024-02", None, None]


def test_a_day_in_a_path_is_a_key(tmp_path):
    folder = tmp_path / "day=2024-01-02"
    folder.mkdir()
    pl.DataFrame({"price": [7.0]}).write_parquet(folder / "part.parquet")
    joined = join(tmp_path, on=["day"]).apply(ORDERS)
    assert joined["price"].to_list() == [None, 7.0, None, None]


def test_deleted_rows_are_no_match(tmp_path):
    stamp = pl.Series(DELETED_AT, [None, date(2024, 1, 1), None, None]).cast(
        pl.Datetime("us", "UTC")
    )
    PRICES.with_columns(stamp).write_parquet(tmp_path / "p.parquet")
    joined = join(tmp_path / "p.parquet").apply(ORDERS)
    assert joined["price"].to_list() == [1.5, None, None, None]


def test_the_other_table_is_read_once_in_a_run(prices):
    transform = join(prices)
    transform.apply(ORDERS)
    os.unlink(prices)
    assert transform.apply(ORDERS)["price"].to_list() == [1.5, 2.5, None, None]


def test_a_table_in_a_bucket(s3_client, bucket, s3_environment, tmp_path):
    PRICES.write_parquet(tmp_path / "p.parquet")
    s3_client.upload_file(str(tmp_path / "p.parquet"), bucket, "t/y=1/p.parquet")
    joined = join(f"s3://{bucket}/t/", columns=["price", "y"]).apply(ORDERS)
    assert joined["price"].to_list() == [1.5, 2.5, None, None]
    assert joined["y"].to_list() == ["1", "1", None, None]


@pytest.mark.parametrize(
    ("table", "settings", "message"),
    [
        (
            PRICES,
            {"on": ["article"]},
            r"on: there is no column article; there are sku, day",
        ),
        (
            PRICES,
            {"columns": ["cost"]},
            r"there is no column cost; there are sku, price",
        ),
        (
            PRICES.rename({"price": "day"}),
            {"columns": ["day"]},
            r"columns: day exist already; choose other names",
        ),
        (
            PRICES.with_columns(sku=pl.Series([1, 2, 3, 4])),
            {},
            r"column sku is Int64, and sku is String here; join columns of one type",
        ),
        (
            pl.concat([PRICES, PRICES[:2]]).with_columns(n=pl.lit(CANARY)),
            {},
            r"2 rows have a key \(sku\) that another row has; name more columns in on",
        ),
        (PRICES, {"max_rows": 3}, r"has more than 3 rows; raise max_rows if they fit"),
    ],
    ids=["on", "columns", "taken", "type", "repeated", "large"],
)
def test_what_does_not_fit_is_refused(tmp_path, table, settings, message):
    table.write_parquet(tmp_path / "p.parquet")
    with pytest.raises(SettingsError, match=message) as refused:
        join(tmp_path / "p.parquet", **settings).apply(ORDERS)
    assert CANARY not in str(refused.value)


def test_types_that_differ_between_files_are_refused(tmp_path):
    PRICES.write_parquet(tmp_path / "a.parquet")
    PRICES.with_columns(pl.col("price").cast(pl.String)).write_parquet(
        tmp_path / "b.parquet"
    )
    with pytest.raises(
        SettingsError, match="column price is Float64 in one file and String"
    ):
        join(tmp_path).apply(ORDERS)


@pytest.mark.parametrize("place", ["none.parquet", "none", "missing/"])
def test_a_table_that_does_not_exist_is_refused(tmp_path, place):
    (tmp_path / "none").mkdir()
    with pytest.raises(LocationError, match="there is no parquet file; run the report"):
        join(tmp_path / place).apply(ORDERS.clear())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"on": []}, "name at least one column"),
        ({"columns": {}}, "name at least one column"),
        ({"columns": ["sku"]}, "sku exist already"),
        ({"columns": {SOURCE_KEY: "price"}}, f"{SOURCE_KEY} exist already"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        JoinSettings(
            **{"uri": "p.parquet", "on": ["sku"], "columns": ["price"], **settings}
        )
