"""The sink sql-table: names, types, tables of a user, keys."""

import math
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    CorruptCheckpoint,
    LocationError,
    SettingsError,
    Split,
    UpsertCounts,
)
from reporting_sql.table_sink import SqlTableSink
from tests.framework.tables.primary_key_model import (
    commits,
    deliveries,
    expected,
    newest_of,
)
from tests.plugins.sql.conftest import Writer

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def url(request):
    return request.getfixturevalue(f"{request.param}_url")


def sink_of(url, **more):
    return SqlTableSink(
        SqlTableSink.Settings(**{"url": url, "table": "prices", **more})
    )


def run(url, frame, mode="upsert", version="1", more=None, **context):
    """Commit a frame; a column `gone` marks deleted records."""
    sink = sink_of(url, **(more or {}))
    gone = pl.col("gone") if "gone" in frame.columns else pl.lit(False)
    added = {
        VERSION: pl.lit(version),
        DELETED_AT: pl.when(gone).then(pl.lit(AT, MOMENT)),
    }
    if VERSION in frame.columns:
        del added[VERSION]
    staged = frame.with_columns(**added) if mode != "append" else frame
    schema = frame.drop("gone", VERSION, strict=False).schema
    sink.open(schema, mode)
    try:
        part = sink.stage(staged.drop("gone", strict=False), Split("s", {}), 0)
        return sink.commit([part], CommitContext(**context))
    finally:
        sink.close()


def table(url, schema, **more):
    sink = sink_of(url, **more)
    sink.open(schema, "upsert")
    try:
        return sink.scan().collect()
    finally:
        sink.close()


def rows(url, query):
    with closing(Writer(url)) as writer:
        return writer.rows(query)


def prepare(url, *statements):
    with closing(Writer(url)) as writer:
        writer.run(*statements)


def keyed(*values, **more):
    return pl.DataFrame({"value": list(values), **more}).with_columns(
        pl.format("{}.json", pl.int_range(pl.len())).alias(SOURCE_KEY)
    )


def valued(values):
    return pl.DataFrame({"value": values}).with_columns(pl.lit("1").alias(SOURCE_KEY))


# -- types ---------------------------------------------------------------------------


def test_values_come_back_as_they_were(url):
    moment = datetime(2024, 5, 1, 9, 15, 0, 5, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "yes": [True, None],
            "small": pl.Series([-128, None], dtype=pl.Int8),
            "float": [0.1, None],
            "short": pl.Series([0.1, None], dtype=pl.Float32),
            "price": pl.Series([Decimal("-1.50"), None], dtype=pl.Decimal(38, 9)),
            "bytes": [b"\x00\xff", None],
            "text": ["2024 ü 'x' \\ \"y\"", None],
            "empty": ["", None],
            "kind": pl.Series(["a", None], dtype=pl.Enum(["a"])),
            "day": [date(1, 1, 1), None],
            "time": [time(23, 59, 59, 999999), None],
            "took": [timedelta(microseconds=-5), None],
            "here": pl.Series([moment, None]).dt.convert_time_zone("Europe/Paris"),
            "naive": [moment.replace(tzinfo=None), None],
            "millis": pl.Series([AT, None]).dt.cast_time_unit("ms"),
            "nanos": pl.Series([moment, None]).dt.cast_time_unit("ns"),
            "list": [[1, None], None],
            "texts": [["a", ""], None],
            "nested": [[{"a": 1, "b": ["x"]}], None],
            "struct": [{"a": {"b": None, "c": 0.5}}, None],
            SOURCE_KEY: ["1", "2"],
        }
    )
    assert run(url, frame).upserted == UpsertCounts(inserted=2)
    found = table(url, frame.schema).sort(SOURCE_KEY).drop(VERSION, DELETED_AT)
    assert found.equals(frame)
    assert run(url, frame).upserted == UpsertCounts(unchanged=2)


@pytest.mark.slow
def test_values_come_back_from_mariadb(mysql_url):
    test_values_come_back_as_they_were(mysql_url)


def test_the_types_of_postgresql_are_those_of_the_values(postgres_url):
    frame = pl.DataFrame(
        {
            "price": pl.Series([Decimal("1.5")], dtype=pl.Decimal(10, 2)),
            "at": pl.Series([AT]),
            "naive": pl.Series([AT.replace(tzinfo=None)]),
            "big": pl.Series([2**64 - 1], dtype=pl.UInt64),
            "tags": [["a"]],
            "more": [{"a": 1}],
            SOURCE_KEY: ["1"],
        }
    )
    run(postgres_url, frame)
    query = (
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'prices'::regclass AND attnum > 0"
    )
    assert dict(rows(postgres_url, query)) == {
        "price": "numeric(10,2)",
        "at": "timestamp with time zone",
        "naive": "timestamp without time zone",
        "big": "numeric(20,0)",
        "tags": "text[]",
        "more": "jsonb",
        SOURCE_KEY: "text",
        VERSION: "text",
        DELETED_AT: "timestamp with time zone",
    }
    assert table(postgres_url, frame.schema)["big"].to_list() == [2**64 - 1]


@pytest.mark.parametrize(
    ("dtype", "shown"),
    [
        (pl.Int128(), "Int128"),
        (pl.Struct({"a": pl.Date()}), "Struct"),
        (pl.List(pl.Binary()), "List"),
        (pl.Null(), "Null"),
    ],
)
def test_types_that_cannot_be_kept_are_refused_by_the_columns_name(url, dtype, shown):
    with pytest.raises(
        SettingsError,
        match=rf"column odd: values of type {shown}.* cannot be kept; con",
    ):
        sink_of(url).open(pl.Schema({"odd": dtype, SOURCE_KEY: pl.String()}))


def test_values_that_postgresql_cannot_keep_are_refused_by_the_columns_name(
    postgres_url,
):
    nanoseconds = pl.Series([1], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    nul = "column value: PostgreSQL cannot keep a text with the character NUL"
    refused = (
        (["a\0b"], nul),
        ([["", "a\0b"]], nul),
        ([{"a": "a\0b"}], nul),
        ([[{"a": ["x", "a\0b"]}]], nul),
        (
            nanoseconds,
            "column value: PostgreSQL keeps microseconds, and values are more",
        ),
    )
    for number, (values, message) in enumerate(refused):
        with pytest.raises(SettingsError, match=message) as caught:
            run(postgres_url, valued(values), more={"table": f"t{number}"})
        assert "a\0b" not in str(caught.value)


NOT_IN_JSON = pytest.mark.parametrize(
    "value",
    [[math.inf], {"a": math.nan}, [[1.0], [-math.inf]], [{"a": [None, math.inf]}]],
)


@NOT_IN_JSON
def test_a_float_that_json_has_not_is_refused_by_the_columns_name(sqlite_url, value):
    with pytest.raises(
        SettingsError, match="column value: JSON has neither infinity nor a float"
    ):
        run(sqlite_url, valued([value]))


@pytest.mark.slow
@NOT_IN_JSON
def test_a_float_that_json_has_not_is_refused_in_mariadb(mysql_url, value):
    test_a_float_that_json_has_not_is_refused_by_the_columns_name(mysql_url, value)


def test_postgresql_keeps_any_float_in_an_array_and_refuses_it_in_json(postgres_url):
    frame = valued([[math.inf, math.nan, None]])
    run(postgres_url, frame, more={"table": "arrays"})
    found = table(postgres_url, frame.schema, table="arrays")
    assert found["value"].equals(frame["value"])
    with pytest.raises(SettingsError, match="column value: JSON has neither infinity"):
        run(postgres_url, valued([{"a": math.inf}]))


# -- names -----------------------------------------------------------------------------

ODD = ['Mixed "Case"', "select", "a b", "ü" * 31, "100% ?", "it's", "`tick`", "$1"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_quoted(url, name):
    frame = pl.DataFrame({name: [1], SOURCE_KEY: ["a.json#1"]})
    for _ in range(2):
        result = run(url, frame, more={"table": name}, state={"a": 1})
    assert result.upserted == UpsertCounts(unchanged=1)
    assert table(url, frame.schema, table=name)[name].to_list() == [1]
    sink = sink_of(url, table=name)
    sink.open(frame.schema, "upsert")
    assert sink.ledger().filter_new(["a.json", "b.json"]) == ["b.json"]
    sink.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_quoted_in_mariadb(mysql_url, name):
    test_odd_names_are_quoted(mysql_url, name)


@pytest.mark.parametrize("name", ["x" * 64, "ü" * 32])
def test_names_that_postgresql_would_cut_are_refused(postgres_url, name):
    schema = pl.Schema({SOURCE_KEY: pl.String()})
    with pytest.raises(SettingsError, match="takes no names of more than 63 bytes"):
        sink_of(postgres_url, table=name).open(schema)
    with pytest.raises(SettingsError, match=f"{name}: the database takes no names"):
        sink_of(postgres_url).open(pl.Schema({name: pl.Int64(), **schema}))


def test_a_table_of_another_schema_has_its_state_there(postgres_url):
    prepare(postgres_url, 'CREATE SCHEMA IF NOT EXISTS "Sales.x"')
    name = '"Sales.x".prices'
    try:
        run(postgres_url, keyed(1), more={"table": name}, state={"a": 1})
        run(postgres_url, keyed(2), more={"table": "prices"}, state={"a": 2})
        query = 'SELECT value FROM "Sales.x".prices'
        assert rows(postgres_url, query) == [(1,)]
        sink = sink_of(postgres_url, table=name)
        sink.open(keyed(1).schema, "upsert")
        assert sink.load_state() == {"a": 1}
        artifacts = sink.stored_artifacts()
        [copy] = sink.back_up(artifacts, "2024")
        assert copy == '"Sales.x"."_reporting_2024_prices"'
        sink.remove(artifacts)
        assert sink.scan() is None
        assert 'INSERT INTO "Sales.x"."prices" ("value"' in sink.restore_command(copy)
        sink.close()
    finally:
        prepare(postgres_url, 'DROP SCHEMA "Sales.x" CASCADE')


def test_a_schema_that_does_not_exist_is_named(postgres_url):
    with pytest.raises(
        SettingsError, match=r"there is no such schema \(3F000\); create"
    ):
        run(postgres_url, keyed(1), more={"table": "nowhere.prices"})


def test_a_name_of_three_parts_is_refused(postgres_url):
    with pytest.raises(
        SettingsError, match="table: it has more parts than a schema and"
    ):
        sink_of(postgres_url, table="a.b.c").open(keyed(1).schema)


def test_a_dot_is_part_of_a_name_in_sqlite(sqlite_url):
    run(sqlite_url, keyed(1), more={"table": "sales.prices"})
    assert rows(sqlite_url, 'SELECT value FROM "sales.prices"') == [(1,)]


# -- tables that are there -------------------------------------------------------------


def test_a_table_of_other_types_and_more_columns_is_kept(postgres_url):
    prepare(
        postgres_url,
        "CREATE TABLE prices (note text DEFAULT 'own', data jsonb, id uuid, day date,"
        " amount numeric, sku varchar(4), at timestamptz(6), number integer,"
        f' {SOURCE_KEY} text COLLATE "C" PRIMARY KEY)',
    )
    frame = pl.DataFrame(
        {
            "number": [7],
            "sku": ["abcd"],
            "amount": pl.Series([Decimal("1.25")], dtype=pl.Decimal(10, 2)),
            "id": ["9b2d4b6e-6f3c-4b8e-9d2a-0123456789ab"],
            "data": ['{"b": 1, "a": [1, 2]}'],
            "day": [date(2024, 1, 1)],
            "at": [AT],
            SOURCE_KEY: ["1.json"],
        }
    )
    for counts in (UpsertCounts(inserted=1), UpsertCounts(unchanged=1)):
        assert run(postgres_url, frame).upserted == counts
    query = "SELECT note, data->>'b', id::text, amount::text, number FROM prices"
    assert rows(postgres_url, query) == [("own", "1", frame["id"][0], "1.25", 7)]
    found = table(postgres_url, frame.schema)
    assert found["data"].to_list() == ['{"a": [1, 2], "b": 1}']
    assert found["number"].dtype == pl.Int64


def test_a_value_that_a_column_would_cut_is_refused(postgres_url):
    prepare(
        postgres_url,
        "CREATE TABLE prices (sku varchar(4),"
        f' {SOURCE_KEY} text COLLATE "C" PRIMARY KEY)',
    )
    frame = pl.DataFrame({"sku": ["abcde"], SOURCE_KEY: ["1"]})
    with pytest.raises(
        SettingsError, match=r"refused it \(22001\); compare the"
    ) as caught:
        run(postgres_url, frame)
    assert "abcde" not in str(caught.value)
    assert rows(postgres_url, "SELECT * FROM prices") == []


@pytest.mark.parametrize(
    ("declared", "values", "needed"),
    [
        ("integer", ["a"], "text"),
        (
            "numeric(10,1)",
            pl.Series([Decimal("1.25")], dtype=pl.Decimal(9, 2)),
            "numer",
        ),
        ("real", [0.1], "double precision"),
        ("timestamp", [AT], "timestamp with time zone"),
        ("json", ["{}"], "text"),
        ("timestamptz(3)", [AT], "timestamp with time zone"),
    ],
)
def test_a_column_that_would_lose_values_is_refused(
    postgres_url, declared, values, needed
):
    prepare(
        postgres_url,
        f'CREATE TABLE prices (value {declared}, {SOURCE_KEY} text COLLATE "C"'
        " PRIMARY KEY)",
    )
    with pytest.raises(
        CorruptCheckpoint, match=rf"column value: it is .*, the report needs {needed}"
    ):
        sink_of(postgres_url).open(valued(values).schema, "upsert")


def test_a_table_of_sqlite_with_other_type_names_is_kept(sqlite_url):
    prepare(
        sqlite_url,
        "CREATE TABLE prices (sku VARCHAR(20), number INT, day DATETIME,"
        f" {SOURCE_KEY} VARCHAR PRIMARY KEY)",
    )
    frame = pl.DataFrame(
        {"sku": ["a"], "number": [1], "day": [date(2024, 1, 1)], SOURCE_KEY: ["1"]}
    )
    assert run(sqlite_url, frame).upserted == UpsertCounts(inserted=1)
    assert table(sqlite_url, frame.schema).drop(VERSION, DELETED_AT).equals(frame)


def test_a_table_with_a_text_after_many_nulls_is_read(sqlite_url):
    number = 150_000
    frame = pl.DataFrame({"value": [None] * number + ["x"]}, {"value": pl.String})
    frame = frame.with_columns(
        pl.format("{}", pl.int_range(pl.len())).alias(SOURCE_KEY)
    )
    run(sqlite_url, frame)
    assert table(sqlite_url, frame.schema)["value"].drop_nulls().to_list() == ["x"]


# -- the primary key -------------------------------------------------------------------

KEYS = {"primary_key": ["sku", "day"]}


def prices(*lines):
    """Return rows of (source key, sku, price, version, gone)."""
    made = pl.DataFrame(
        lines,
        schema={
            SOURCE_KEY: pl.String,
            "sku": pl.String,
            "price": pl.Int64,
            VERSION: pl.String,
            "gone": pl.Boolean,
        },
        orient="row",
    )
    day = pl.when(pl.col("sku").is_not_null()).then(pl.lit(date(2024, 1, 1)))
    return made.with_columns(day.alias("day"))


def live(url):
    query = (
        f"SELECT sku, price, {SOURCE_KEY} FROM prices WHERE {DELETED_AT} IS NULL"
        " ORDER BY sku"
    )
    return rows(url, query)


def test_the_newest_row_of_a_primary_key_wins_whatever_file_it_is_from(url):
    first = prices(
        ("a#1", "x", 1, "1", False),
        ("b#1", "x", 2, "2", False),
        ("a#2", "y", 3, "1", False),
    )
    result = run(url, first, more=KEYS)
    assert (result.upserted, result.duplicates) == (UpsertCounts(inserted=2), 1)
    assert live(url) == [("x", 2, "b#1"), ("y", 3, "a#2")]
    later = prices(
        ("c#1", "x", 9, "1", False),
        ("c#2", "y", 4, "3", False),
        ("c#3", "z", 5, "3", False),
    )
    result = run(url, later, more=KEYS)
    assert result.upserted == UpsertCounts(inserted=1, updated=1)
    assert live(url) == [("x", 2, "b#1"), ("y", 4, "c#2"), ("z", 5, "c#3")]
    assert run(url, later, more=KEYS).upserted == UpsertCounts(unchanged=2)


@pytest.mark.parametrize("deletes", ["soft", "hard"])
def test_a_delete_by_source_key_deletes_the_row_of_that_source_key(url, deletes):
    more = {**KEYS, "deletes": deletes}
    run(
        url, prices(("a#1", "x", 1, "1", False), ("b#1", "y", 2, "2", False)), more=more
    )
    gone = prices(
        ("a#1", None, None, "2", True),
        ("b#1", None, None, "1", True),  # older than the row
        ("c#1", None, None, "2", True),  # of no row
    )
    assert run(url, gone, more=more).upserted == UpsertCounts(deleted=1)
    assert live(url) == [("y", 2, "b#1")]
    left = rows(url, f"SELECT count(*) AS n FROM prices WHERE {DELETED_AT} IS NOT NULL")
    assert left == [(1 if deletes == "soft" else 0,)]
    again = prices(("a#1", "x", 7, "3", False))
    assert run(url, again, more=more).upserted == UpsertCounts(inserted=1)


def test_a_line_that_is_inserted_in_a_file_moves_the_others(url):
    lines = [("f#1", "x", 1, "1", False), ("f#2", "y", 2, "1", False)]
    run(url, prices(*lines), more=KEYS)
    moved = [
        ("f#1", "w", 0, "2", False),
        ("f#2", "x", 1, "2", False),
        ("f#3", "y", 2, "2", False),
    ]
    result = run(url, prices(*moved), more=KEYS)
    assert result.upserted == UpsertCounts(inserted=1, updated=2)
    assert live(url) == [("w", 0, "f#1"), ("x", 1, "f#2"), ("y", 2, "f#3")]


def test_a_row_whose_source_key_has_another_primary_key_now_is_deleted(url):
    run(url, prices(("f#1", "x", 1, "1", False)), more=KEYS)
    result = run(url, prices(("f#1", "y", 1, "2", False)), more=KEYS, at=AT)
    assert result.upserted == UpsertCounts(inserted=1, deleted=1)
    assert live(url) == [("y", 1, "f#1")]


@pytest.mark.parametrize("deletes", ["soft", "hard"])
def test_a_line_that_is_removed_from_a_file_moves_the_others(url, deletes):
    more = {**KEYS, "deletes": deletes}
    lines = [(f"f#{n}", sku, 1, "1", False) for n, sku in enumerate("xyz", 1)]
    run(url, prices(*lines), more=more)
    moved = [
        ("f#1", "y", 1, "2", False),
        ("f#2", "z", 1, "2", False),
        ("f#3", None, None, "2", True),
    ]
    result = run(url, prices(*moved), more=more, at=AT)
    assert result.upserted == UpsertCounts(updated=2, deleted=1)
    assert live(url) == [("y", 1, "f#1"), ("z", 1, "f#2")]
    assert run(url, prices(*moved), more=more).upserted == UpsertCounts(unchanged=2)


@pytest.mark.parametrize("deletes", ["soft", "hard"])
def test_a_key_that_a_record_leaves_goes_to_an_older_record(url, deletes):
    more = {**KEYS, "deletes": deletes}
    lines = [("a#1", "x", 1, "1", False), ("b#1", "y", 2, "1", False)]
    run(url, prices(*lines), more=more)
    left = [
        ("a#1", None, None, "5", True),
        ("b#1", "z", 3, "5", False),
        ("c#1", "x", 4, "3", False),
        ("c#2", "y", 5, "0", False),
    ]
    result = run(url, prices(*left), more=more, at=AT)
    assert result.upserted == UpsertCounts(inserted=1, updated=2)
    assert live(url) == [("x", 4, "c#1"), ("y", 5, "c#2"), ("z", 3, "b#1")]


def test_a_record_takes_the_key_of_one_that_was_deleted_in_the_same_version(url):
    run(url, prices(("a#1", "x", 1, "1", False)), more=KEYS)
    run(url, prices(("a#1", None, None, "2", True)), more=KEYS)
    run(url, prices(("a#1", "x", 1, "2", False)), more=KEYS)
    assert live(url) == []
    run(url, prices(("b#1", "x", 2, "2", False)), more=KEYS)
    assert live(url) == [("x", 2, "b#1")]


@pytest.mark.parametrize("deletes", ["soft", "hard"])
def test_a_record_that_loses_its_new_key_leaves_no_old_row(url, deletes):
    more = {**KEYS, "deletes": deletes}
    run(url, prices(("f#1", "x", 1, "1", False)), more=more)
    both = [("f#1", "y", 1, "2", False), ("f#2", "y", 2, "2", False)]
    result = run(url, prices(*both), more=more, at=AT)
    assert result.upserted == UpsertCounts(inserted=1, deleted=1)
    assert live(url) == [("y", 2, "f#2")]


def test_rows_are_those_of_a_dict_by_primary_key(postgres_url):
    table = {}
    for number, lines in enumerate(commits(seed=1)):
        table = expected(table, lines)
        run(postgres_url, prices(*lines), more=KEYS)
        rows = [(sku, row[2], row[0]) for sku, row in sorted(table.items())]
        assert live(postgres_url) == rows, f"commit {number}"


@pytest.mark.slow
@pytest.mark.parametrize("deletes", ["soft", "hard"])
@pytest.mark.parametrize("name", ["postgres_url", "mysql_url"])
def test_records_that_come_late_leave_one_row_each(request, name, deletes):
    url, lines = request.getfixturevalue(name), []
    more = {**KEYS, "deletes": deletes}
    for delivered in deliveries(seed=1):
        run(url, prices(*delivered), more=more)
        lines += delivered
        records = [record for *_, record in live(url)]
        assert len(records) == len(set(records))
    newest = newest_of(lines)
    run(url, prices(*newest), more=more)
    wanted = expected({}, newest).items()
    assert sorted(live(url)) == [(sku, row[2], row[0]) for sku, row in sorted(wanted)]


def test_a_null_in_the_primary_key_is_refused(url):
    with pytest.raises(
        SettingsError, match="column sku of primary_key is null in 1 rows; reject such"
    ):
        run(url, prices(("f#1", None, 1, "1", False)), more=KEYS)


def test_a_primary_key_needs_its_columns_and_a_mode(url):
    with pytest.raises(SettingsError, match="primary_key: there is no column sku;"):
        sink_of(url, **KEYS).open(keyed(1).schema, "upsert")
    with pytest.raises(
        SettingsError, match="primary_key: with append, each source key"
    ):
        sink_of(url, primary_key=["value"]).open(keyed(1).schema, "append")


def test_a_replacement_has_one_row_of_each_primary_key(url):
    run(url, prices(("a#1", "w", 1, "1", False)), "replace", more=KEYS)
    lines = prices(("a#1", "x", 1, "1", False), ("b#1", "x", 2, "2", False))
    result = run(url, lines, "replace", more=KEYS)
    assert (result.outputs[0].rows, result.duplicates) == (1, 1)
    assert rows(url, f"SELECT sku, {SOURCE_KEY} FROM prices") == [("x", "b#1")]


# -- places ----------------------------------------------------------------------------


def test_what_is_shown_has_no_password():
    sink = sink_of("postgresql://me:hidden@db.example.org/shop")
    assert sink.location == "postgresql://db.example.org/shop#prices"
    assert "hidden" not in repr(sink.settings)


def test_a_reference_is_shown_and_not_resolved(monkeypatch, sqlite_url):
    sink = sink_of("secret:ssm:/db/url")
    assert sink.location == "secret:ssm:/db/url#prices"
    [permission] = SqlTableSink.aws_permissions(sink.settings)
    assert permission.actions == ("ssm:GetParameter",)
    assert sink.metadata_location() is None
    monkeypatch.setenv("DB_URL", sqlite_url)
    run("secret:env:DB_URL", keyed(1))
    assert rows(sqlite_url, "SELECT value FROM prices") == [(1,)]


def test_a_dry_run_creates_no_file(tmp_path):
    sink = sink_of(f"sqlite:///{tmp_path}/a.db")
    sink.open(keyed(1).schema, "upsert")
    assert (sink.scan(), sink.load_state(), sink.stored_artifacts()) == (None, None, [])
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(
        LocationError, match="there is no such folder; correct the path"
    ):
        run(f"sqlite:///{tmp_path}/none/a.db", keyed(1))
