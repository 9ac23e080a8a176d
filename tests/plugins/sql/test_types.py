"""Each type of a database arrives as it is, or is refused or rejected by name."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import polars as pl
import pytest

from reporting_framework import FAULTY, SettingsError, TableQuery
from reporting_sql.source import SqlTable

DAY, MOMENT = date(2024, 2, 3), datetime(2024, 2, 3, 4, 5, 6, 123456)

POSTGRESQL = [
    ("smallint", "-5", pl.Int16(), -5),
    ("integer", "5", pl.Int32(), 5),
    ("bigint", "9223372036854775807", pl.Int64(), 9223372036854775807),
    ("oid", "4294967295", pl.Int64(), 4294967295),
    ("numeric(12,2)", "1234567890.10", pl.Decimal(12, 2), Decimal("1234567890.10")),
    ("numeric(38,10)", "-0.0000000001", pl.Decimal(38, 10), Decimal("-1e-10")),
    ("numeric(5,-2)", "12345", pl.Decimal(7, 0), Decimal(12300)),
    ("numeric(2,4)", "0.0012", pl.Decimal(4, 4), Decimal("0.0012")),
    ("numeric", "5.10", pl.String(), "5.10"),
    ("numeric", "'NaN'", pl.String(), "NaN"),
    ("numeric(50,2)", "1.5", pl.String(), "1.50"),
    ("real", "1.5", pl.Float32(), 1.5),
    ("double precision", "0.1", pl.Float64(), 0.1),
    ("boolean", "true", pl.Boolean(), True),
    ("text", "'ü''\\'", pl.String(), "ü'\\"),
    ("varchar(5)", "'x '", pl.String(), "x "),
    ("char(3)", "'x'", pl.String(), "x  "),
    ('"char"', "'x'", pl.String(), "x"),
    ("name", "'x'", pl.String(), "x"),
    ("bytea", "'\\x00ff'", pl.Binary(), b"\x00\xff"),
    ("date", "'2024-02-03'", pl.Date(), DAY),
    ("time", "'04:05:06.5'", pl.Time(), time(4, 5, 6, 500_000)),
    ("timetz", "'04:05:06+02'", pl.String(), "04:05:06+02"),
    ("timestamp", f"'{MOMENT}'", pl.Datetime("us"), MOMENT),
    (
        "timestamptz",
        f"'{MOMENT}+02'",
        pl.Datetime("us", "UTC"),
        MOMENT.replace(hour=2, tzinfo=UTC),
    ),
    ("interval", "'1 mon 2 days 3 hours'", pl.String(), "P1M2DT3H"),
    ("json", "'{\"a\":  1}'", pl.String(), '{"a":  1}'),
    ("jsonb", "'{\"a\":  1}'", pl.String(), '{"a": 1}'),
    (
        "uuid",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        pl.String(),
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    ("mood", "'glad'", pl.String(), "glad"),
    ("positive", "5", pl.Decimal(10, 2), Decimal("5.00")),
    ("more_positive", "6", pl.Decimal(10, 2), Decimal("6.00")),
    ("inet", "'10.0.0.1'", pl.String(), "10.0.0.1/32"),
    ("macaddr", "'08:00:2b:01:02:03'", pl.String(), "08:00:2b:01:02:03"),
    ("bit(3)", "B'101'", pl.String(), "101"),
    ("xml", "'<a/>'", pl.String(), "<a/>"),
    ("int4range", "'[1,5)'", pl.String(), "[1,5)"),
    ("integer[]", "'{1,2,null}'", pl.List(pl.Int32()), [1, 2, None]),
    ("text[]", "'{a,\"b,c\"}'", pl.List(pl.String()), ["a", "b,c"]),
    ("numeric(5,2)[]", "'{1.5}'", pl.List(pl.Decimal(5, 2)), [Decimal("1.50")]),
    (
        "uuid[]",
        "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'",
        pl.List(pl.String()),
        ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    ),
    ("jsonb[]", "ARRAY['{}'::jsonb]", pl.List(pl.String()), ["{}"]),
    ("mood[]", "'{sad}'", pl.List(pl.String()), ["sad"]),
    (
        "timestamptz[]",
        "'{2024-01-01}'",
        pl.List(pl.Datetime("us", "UTC")),
        [datetime(2024, 1, 1, tzinfo=UTC)],
    ),
]
TYPES_OF_THEIR_OWN = (
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    "CREATE DOMAIN positive AS numeric(10,2) CHECK (value > 0)",
    "CREATE DOMAIN more_positive AS positive CHECK (value > 5)",
    "CREATE TYPE pair AS (x int, y text)",
)

SQLITE = [
    ("INTEGER", "9223372036854775807", pl.Int64(), 9223372036854775807),
    ("BOOLEAN", "1", pl.Boolean(), True),
    ("REAL", "0.1", pl.Float64(), 0.1),
    ("NUMERIC", "2", pl.Float64(), 2.0),
    ("DECIMAL(10,2)", "12.10", pl.Decimal(10, 2), Decimal("12.10")),
    ("DECIMAL(10,2)", "12345678.10", pl.Decimal(10, 2), Decimal("12345678.10")),
    ("DECIMAL(10,2)", "0.1 + 0.2", pl.Decimal(10, 2), Decimal("0.30")),
    ("DECIMAL(20,2)", "9007199254740993", pl.Decimal(20, 2), Decimal(9007199254740993)),
    ("DECIMAL(20,2)", "1234567890123456.75", pl.Decimal(20, 2), Decimal("1234567890123456.75")),
    ("DECIMAL(38,0)", "-9223372036854775808", pl.Decimal(38, 0), Decimal(-(2**63))),
    ("TEXT", "'ü''\\'", pl.String(), "ü'\\"),
    ("TEXT", "CAST(X'610062' AS TEXT)", pl.String(), "a\0b"),
    ("VARCHAR(5)", "'x '", pl.String(), "x "),
    ("DATE", "'2024-02-03'", pl.String(), "2024-02-03"),
    ("DATETIME", "'2024-02-03 04:05:06'", pl.String(), "2024-02-03 04:05:06"),
    ("JSON", "'{}'", pl.String(), "{}"),
    ("BLOB", "X'00ff'", pl.Binary(), b"\x00\xff"),
    ("", "'x'", pl.String(), "x"),
    ("", "7", pl.String(), "7"),
    ("", "0.1 + 0.2", pl.String(), "0.30000000000000004"),
]  # fmt: skip

MYSQL = [
    ("tinyint", "-5", pl.Int8(), -5),
    ("tinyint(1)", "1", pl.Int8(), 1),
    ("smallint unsigned", "65535", pl.UInt16(), 65535),
    ("mediumint", "-5", pl.Int32(), -5),
    ("int", "5", pl.Int32(), 5),
    ("bigint unsigned", "18446744073709551615", pl.UInt64(), 18446744073709551615),
    ("decimal(12,2)", "1234567890.10", pl.Decimal(12, 2), Decimal("1234567890.10")),
    ("decimal(65,2)", "1.5", pl.String(), "1.50"),
    ("float", "16777217", pl.Float32(), 16777216.0),
    ("double", "0.1", pl.Float64(), 0.1),
    ("bit(3)", "b'101'", pl.UInt64(), 5),
    ("char(3)", "'x'", pl.String(), "x"),
    ("varchar(5) CHARACTER SET utf8mb4", "'ü😀'", pl.String(), "ü😀"),
    ("text", "'x'", pl.String(), "x"),
    ("json", "'{\"a\":  1}'", pl.String(), '{"a":  1}'),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", pl.String(), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("enum('a','b')", "'b'", pl.String(), "b"),
    ("set('a','b')", "'a,b'", pl.String(), "a,b"),
    ("varbinary(5)", "X'00ff'", pl.Binary(), b"\x00\xff"),
    ("blob", "X'00ff'", pl.Binary(), b"\x00\xff"),
    ("year", "2024", pl.Int16(), 2024),
    ("date", "'2024-02-03'", pl.Date(), DAY),
    ("time(1)", "'04:05:06.5'", pl.Time(), time(4, 5, 6, 500_000)),
    ("datetime(6)", f"'{MOMENT}'", pl.Datetime("us"), MOMENT),
    ("timestamp(6) NULL", f"'{MOMENT}'", pl.Datetime("us", "UTC"), MOMENT.replace(tzinfo=UTC)),
]  # fmt: skip


def rows_of(url, **settings):
    """Return the rows that the source fetches in one page."""
    source = SqlTable(SqlTable.Settings(url=url, **settings))
    try:
        info = source.info
        frame = source.fetch(TableQuery(info.schema.names(), info.primary_key, 1_000))
    finally:
        source.close()
    wanted = dict(info.schema)
    assert {name: frame.schema[name] for name in wanted} == wanted
    return frame


def matrix(writer, types, key="INTEGER"):
    """Create a table with a column of each type, a row of values and a row of nulls."""
    columns = [f"c{number} {kind}" for number, (kind, *_) in enumerate(types)]
    values = [value for _, value, *_ in types]
    nulls = ["NULL"] * len(types)
    writer.run(
        f"CREATE TABLE kinds (id {key} PRIMARY KEY, {', '.join(columns)})",
        f"INSERT INTO kinds VALUES (1, {', '.join(values)})",
        f"INSERT INTO kinds VALUES (2, {', '.join(nulls)})",
    )


def check(frame, types):
    for number, (kind, _, dtype, value) in enumerate(types):
        column = frame[f"c{number}"]
        assert column.dtype == dtype, kind
        assert column.to_list() == [value, None], kind
    assert FAULTY not in frame.columns


def test_postgresql(postgres_url, writer):
    open_writer = writer(postgres_url)
    open_writer.run(*TYPES_OF_THEIR_OWN)
    matrix(open_writer, POSTGRESQL)
    check(rows_of(postgres_url, table="kinds"), POSTGRESQL)


def test_sqlite(sqlite_url, writer):
    matrix(writer(sqlite_url), SQLITE)
    check(rows_of(sqlite_url, table="kinds"), SQLITE)


def test_mysql(mysql_url, writer):
    matrix(writer(mysql_url), MYSQL)
    check(rows_of(mysql_url, table="kinds"), MYSQL)


def test_a_query_of_postgresql_has_its_types_too(postgres_url, writer):
    """Only a number without a declared precision is a text."""
    open_writer = writer(postgres_url)
    open_writer.run(*TYPES_OF_THEIR_OWN)
    matrix(open_writer, POSTGRESQL)
    frame = rows_of(postgres_url, query="SELECT * FROM kinds;", primary_key=["id"])
    for number, (kind, _, dtype, value) in enumerate(POSTGRESQL):
        column = frame[f"c{number}"]
        if "Decimal" in str(dtype) and kind not in ("positive", "more_positive"):
            assert "String" in str(column.dtype)
        else:
            assert (column.dtype, column.to_list()) == (dtype, [value, None]), kind


def test_a_query_of_sqlite_has_its_types_too(sqlite_url, writer):
    matrix(writer(sqlite_url), SQLITE)
    check(rows_of(sqlite_url, query="SELECT * FROM kinds", primary_key=["id"]), SQLITE)
    query = "SELECT id + 1 AS id, CAST(c0 AS TEXT) AS c0, count(*) AS n FROM kinds GROUP BY 1"
    frame = rows_of(sqlite_url, query=query, primary_key=["id"], cursor="n")
    assert frame.rows() == [(2, "9223372036854775807", 1), (3, None, 1)]
    assert frame.schema["n"] == pl.Int64()


def test_a_key_of_sqlite_without_a_type_has_that_of_its_values(sqlite_url, writer):
    writer(sqlite_url).run(
        "CREATE TABLE t (id PRIMARY KEY)", "INSERT INTO t VALUES (1), (10), (9)"
    )
    assert rows_of(sqlite_url, table="t").rows() == [(1,), (9,), (10,)]
    writer(sqlite_url).run("INSERT INTO t VALUES ('a')")
    with pytest.raises(SettingsError, match="or not of the column's type"):
        rows_of(sqlite_url, table="t")


def test_a_float_of_sqlite_that_no_literal_finds_is_no_key(sqlite_url, writer):
    opened = writer(sqlite_url)
    opened.run(
        "CREATE TABLE t (id DECIMAL(9,2) PRIMARY KEY)", "INSERT INTO t VALUES (0.3)"
    )
    assert rows_of(sqlite_url, table="t").rows() == [(Decimal("0.30"),)]
    opened.run("INSERT INTO t VALUES (0.1 + 0.2)")
    with pytest.raises(SettingsError, match="or not of the column's type"):
        rows_of(sqlite_url, table="t")


def test_a_query_of_mysql_has_its_types_too(mysql_url, writer):
    types = [kind for kind in MYSQL if kind[0] not in ("float",)]
    matrix(writer(mysql_url), types)
    check(rows_of(mysql_url, query="SELECT * FROM kinds", primary_key=["id"]), types)


@pytest.mark.parametrize("kind", ["pair", "point", "tsvector", "money", "point[]"])
def test_a_type_that_cannot_be_kept_is_refused_by_name(postgres_url, writer, kind):
    open_writer = writer(postgres_url)
    open_writer.run(
        *TYPES_OF_THEIR_OWN, f"CREATE TABLE t (id int PRIMARY KEY, place {kind})"
    )
    with pytest.raises(
        SettingsError,
        match=rf"table t: column place is {kind.replace('[', '.')[:5]}.*cannot be kept;"
        " leave it out with columns, or cast it to text in query",
    ):
        rows_of(postgres_url, table="t")
    assert rows_of(postgres_url, table="t", columns=["id"]).columns == ["id"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "infinity"),
        ("date", "0044-03-15 BC"),
        ("timestamptz", "-infinity"),
        ("timestamp", "20000-01-01"),
        ("time", "24:00:00"),
        ("numeric(5,2)", "NaN"),
        ("integer[]", "{{1,2},{3,4}}"),
        ("integer[]", "[2:3]={1,2}"),
        ("text[]", "[0:0]={a}"),
        ("numeric[]", "[2:2]={1.5}"),
        ("uuid[]", "[2:2]={a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"),
        ("timestamptz[]", "[2:2]={2024-01-01}"),
        ("timestamptz[]", "{2024-01-01,infinity}"),
        ("date[]", "{0044-03-15 BC}"),
        ("time[]", "{24:00:00}"),
        ("numeric(5,2)[]", "{1,NaN}"),
    ],
)
def test_a_value_of_postgresql_that_no_frame_can_hold_is_rejected(
    postgres_url, writer, kind, value
):
    writer(postgres_url).run(
        f"CREATE TABLE t (id int PRIMARY KEY, v {kind})",
        f"INSERT INTO t VALUES (1, '{value}'), (2, NULL)",
    )
    assert rows_of(postgres_url, table="t")[FAULTY].to_list() == ["v", None]


def test_a_faulty_array_leaves_the_arrays_around_it_as_they_are(postgres_url, writer):
    writer(postgres_url).run(
        "CREATE TABLE t (id int PRIMARY KEY, v int[], d date[])",
        "INSERT INTO t VALUES (1, '{1}', NULL), (2, '[2:3]={1,2}', '{2024-02-03}'),"
        " (3, '{}', '{infinity}'), (4, '{NULL,4}', '{NULL}'), (5, NULL, '{}')",
    )
    frame = rows_of(postgres_url, table="t")
    assert frame["v"].to_list() == [[1], None, [], [None, 4], None]
    assert frame["d"].to_list() == [None, [DAY], None, [None], []]
    assert frame[FAULTY].to_list() == [None, "v", "d", None, None]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INTEGER", "'x'"),
        ("BOOLEAN", "2"),
        ("TEXT", "CAST(X'ff' AS TEXT)"),
        ("TEXT", "X'00'"),
        ("BLOB", "'x'"),
        ("REAL", "'x'"),
        ("DECIMAL(5,2)", "1.005"),
        ("DECIMAL(5,2)", "1.9999999999999"),
        ("DECIMAL(5,2)", "999.999"),
        ("DECIMAL(5,2)", "1000"),
        ("DECIMAL(5,2)", "-1e400"),
    ],
)
def test_a_value_of_sqlite_of_another_type_is_rejected(sqlite_url, writer, kind, value):
    writer(sqlite_url).run(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind})",
        f"INSERT INTO t VALUES (1, {value}), (2, NULL)",
    )
    assert rows_of(sqlite_url, table="t")[FAULTY].to_list() == ["v", None]


def test_a_day_of_mysql_that_is_none_is_rejected(mysql_url, writer):
    writer(mysql_url).run(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE t (id int PRIMARY KEY, v date)",
        "INSERT INTO t VALUES (1, '0000-00-00'), (2, NULL)",
    )
    assert rows_of(mysql_url, table="t")[FAULTY].to_list() == ["v", None]
