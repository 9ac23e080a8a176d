"""Types of columns: declared ones, those of a sample, and values that are of another type."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from reporting_files.column_types import dtype_of, type_name
from tests.plugins.files.reading import put, read, written


def values(tmp_path, texts, dtype, **settings):
    """Return the values that are kept, by text, and the texts that are rejected."""
    lines = "".join(f'"{text}",{at}\n' for at, text in enumerate(texts))
    put(str(tmp_path), {"a.csv": f"x,n\n{lines}".encode()})
    found = read(str(tmp_path), columns={"x": dtype}, **settings)
    kept = {texts[n]: x for x, n in found.rows.select("x", "n").iter_rows()}
    assert all(item[1:] == ("wrong_type", "x") for item in found.rejected)
    wrong = [texts[int(key.rpartition("#")[2]) - 1] for key, *_ in found.rejected]
    return kept, wrong


@pytest.mark.parametrize("bad", [(), ("x",)], ids=["alone", "beside a wrong one"])
@pytest.mark.parametrize(
    ("dtype", "good", "wrong"),
    [
        (
            "int64",
            {"1": 1, " 2": 2, "-3": -3, "007": 7, "": None},
            ["1.5", "1e3", "9223372036854775808"],
        ),
        ("int32", {"1": 1, " 7 ": 7}, ["2147483648"]),
        ("float64", {"1": 1.0, " .5": 0.5, "1e3": 1000.0, "": None}, ["1,5"]),
        (
            "decimal(10,2)",
            {
                "1": Decimal("1.00"),
                " 1.5": Decimal("1.50"),
                "1.500": Decimal("1.50"),
                "1e2": Decimal("100.00"),
                " 1.5e1": Decimal("15.00"),
                "1500000e-6": Decimal("1.50"),
                "0e-400": Decimal("0.00"),
                "": None,
            },
            [
                "1e-400",
                "1e99999999999999999999",
                "1_0e1",
                "0." + "0" * 40 + "1",
                "1.999",
                "1.999999999",
                "1.00000000000000000001",
                "1e-3",
                "123456789.00",
                "1.0x",
            ],
        ),
        (
            "decimal(38,10)",
            {
                "1.5": Decimal("1.5"),
                "-2.10000000000000": Decimal("-2.1"),
                "1e3": Decimal(1000),
                "-1.5E+1": Decimal(-15),
                "1e-10": Decimal("0.0000000001"),
            },
            ["0.00000000001", "1.x", "1e-11", "1e-400", "1e400", "1e28"],
        ),
        (
            "boolean",
            {"true": True, "FALSE": False, "1": True, "no": False, "": None},
            ["2", "maybe"],
        ),
        (
            "date",
            {"2024-02-29": date(2024, 2, 29), "": None},
            ["2023-02-29", "1.2.2024"],
        ),
        (
            "datetime",
            {
                "2024-01-01T10:00:00Z": datetime(2024, 1, 1, 10, tzinfo=UTC),
                "2024-01-01T10:00:00+02:00": datetime(2024, 1, 1, 8, tzinfo=UTC),
                "2024-01-01 10:00:00": datetime(2024, 1, 1, 10, tzinfo=UTC),
                "2024-01-01T10:00:00.123456000Z": datetime(
                    2024, 1, 1, 10, 0, 0, 123456, tzinfo=UTC
                ),
            },
            [
                "2024-01-32T00:00:00Z",
                "yesterday",
                "2024-01-01T10:00:00.1234567Z",
                "2024-01-01T10:00:00.000000001+02:00",
                "2024-01-01 10:00:00.1234560001",
            ],
        ),
        ("string", {"007": "007", " x ": " x "}, []),
    ],
)
def test_values_of_declared_types(tmp_path, dtype, good, wrong, bad):
    bad = () if dtype == "string" else bad
    kept, rejected = values(tmp_path, [*good, *wrong, *bad], dtype)
    assert rejected == [*wrong, *bad]
    assert kept == good


def test_formats_of_dates_and_times(tmp_path):
    text = b"day,at,zoned\n31.12.2024,31.12.2024 10:00,2024-12-31 10:00 +0200\n"
    put(str(tmp_path), {"a.csv": text})
    found = read(
        str(tmp_path),
        columns={"day": "date", "at": "datetime", "zoned": "datetime"},
        column_formats={
            "day": "%d.%m.%Y",
            "at": "%d.%m.%Y %H:%M",
            "zoned": "%Y-%m-%d %H:%M %z",
        },
    )
    assert found.rows.row(0)[:3] == (
        date(2024, 12, 31),
        datetime(2024, 12, 31, 10, tzinfo=UTC),
        datetime(2024, 12, 31, 8, tzinfo=UTC),
    )


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S%.f", "%d.%m.%Y %H:%M:%S.%9f"])
def test_a_fraction_in_a_declared_format_is_not_cut(tmp_path, form):
    texts = [f"31.12.2024 10:00:00.123456{more}" for more in ("000", "001")]
    put(
        str(tmp_path),
        {"a.csv": "\n".join(["id,at", *map("1,{}".format, texts)]).encode()},
    )
    found = read(str(tmp_path), columns={"at": "datetime"}, column_formats={"at": form})
    at = datetime(2024, 12, 31, 10, 0, 0, 123456, tzinfo=UTC)
    assert found.rows["at"].to_list() == [at]
    assert found.rejected == [("a.csv#2", "wrong_type", "at")]


@pytest.mark.parametrize(
    ("dtype", "floats", "kept"),
    [
        ("decimal(10,2)", [2.5, 1e9, -1e300], ["2.50"]),
        ("decimal(10,2)", [99999999.99, 99999999.999, 1e8], ["99999999.99"]),
        ("decimal(38,20)", [0.5, 1e20, float("nan")], ["0.50000000000000000000"]),
    ],
)
@pytest.mark.parametrize("inner", [pl.Float64(), pl.Float32()])
def test_a_float_beyond_a_decimal_rejects_its_row(tmp_path, dtype, floats, kept, inner):
    if inner == pl.Float32():
        floats, kept = [0.1, *floats[1:]], ["0.10"]
        dtype = "decimal(10,2)"
    frame = pl.DataFrame({"v": pl.Series(floats, dtype=inner)})
    put(str(tmp_path), {"a.parquet": written(frame.write_parquet)})
    found = read(str(tmp_path), columns={"v": dtype})
    assert [str(value) for value in found.rows["v"]] == kept
    assert [key for key, *_ in found.rejected] == [
        f"a.parquet#{number}" for number in range(2, len(floats) + 1)
    ]


def test_an_only_column_of_a_type_that_is_not_cast_rejects_its_rows(tmp_path):
    frame = pl.DataFrame({"v": [True, False, None]})
    put(str(tmp_path), {"a.parquet": written(frame.write_parquet)})
    found = read(str(tmp_path), columns={"v": "int64"})
    assert found.rows["v"].to_list() == [None]
    assert found.rejected == [
        ("a.parquet#1", "wrong_type", "v"),
        ("a.parquet#2", "wrong_type", "v"),
    ]


def test_a_day_beyond_all_times_rejects_its_row(tmp_path):
    days = pl.Series("at", [0, 2**31 - 1], pl.Int32).cast(pl.Date)
    put(str(tmp_path), {"a.parquet": written(days.to_frame().write_parquet)})
    found = read(str(tmp_path), columns={"at": "datetime"})
    assert found.rows["at"].to_list() == [datetime(1970, 1, 1, tzinfo=UTC)]
    assert found.rejected == [("a.parquet#2", "wrong_type", "at")]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("dtype", [None, "datetime"])
def test_a_time_in_nanoseconds_is_kept_if_it_has_none(tmp_path, dtype, zone):
    at = pl.Series("at", [1_704_067_200_000_001_000, 1_704_067_200_000_000_001, None])
    frame = pl.DataFrame([at.cast(pl.Datetime("ns", zone))])
    put(str(tmp_path), {"a.parquet": written(frame.write_parquet)})
    found = read(str(tmp_path), columns={"at": dtype} if dtype else {})
    zoned = UTC if zone or dtype else None
    kept = datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=zoned)
    assert found.rows["at"].to_list() == [kept, None]
    assert found.rejected == [("a.parquet#2", "wrong_type", "at")]


def test_a_time_in_nanoseconds_is_a_day_only_at_midnight(tmp_path):
    at = pl.Series("day", [1_704_067_200_000_000_000, 1_704_067_200_000_000_001])
    frame = pl.DataFrame([at.cast(pl.Datetime("ns"))])
    put(str(tmp_path), {"a.parquet": written(frame.write_parquet)})
    found = read(str(tmp_path), columns={"day": "date"})
    assert found.rows["day"].to_list() == [date(2024, 1, 1)]
    assert found.rejected == [("a.parquet#2", "wrong_type", "day")]


def test_a_sample_tells_numbers_from_codes(tmp_path):
    text = b"n,r,code,big,flag,none,day\n1,1,007,1234567890123456789012,true,,2024-01-01\n2,2.5,8,1,false,,2024-01-02\n"
    put(str(tmp_path), {"a.csv": text})
    assert read(str(tmp_path)).schema == pl.Schema(
        {
            "n": pl.Int64(),
            "r": pl.Float64(),
            "code": pl.String(),
            "big": pl.String(),
            "flag": pl.Boolean(),
            "none": pl.String(),
            "day": pl.String(),
        }
    )


def test_files_of_a_sample_agree_on_a_type(tmp_path):
    put(str(tmp_path), {"1.csv": b"a,b\n1,1\n", "2.csv": b"a,b\n1.5,x\n"})
    schema = read(str(tmp_path)).schema
    assert schema == pl.Schema({"a": pl.Float64(), "b": pl.String()})


def test_types_of_parquet_are_kept_and_cast_where_declared(tmp_path):
    frame = pl.DataFrame(
        {
            "n": pl.Series([1, 300], dtype=pl.Int16),
            "r": [1.0, 1.5],
            "tags": [["a"], []],
            "at": [datetime(2024, 1, 1), datetime(2024, 1, 1, 12)],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    found = read(str(tmp_path), columns={"r": "int64", "at": "date"})
    assert found.schema == pl.Schema(
        {
            "n": pl.Int16(),
            "r": pl.Int64(),
            "tags": pl.List(pl.String()),
            "at": pl.Date(),
        }
    )
    assert found.rows.drop("source_key").rows() == [(1, 1, ["a"], date(2024, 1, 1))]
    assert found.rejected == [("a.parquet#2", "wrong_type", "r")]


def test_a_file_with_other_types_is_cast(tmp_path):
    pl.DataFrame({"n": [1], "s": ["x"]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"n": ["2", "x"], "s": [1.0, 2.5]}).write_parquet(
        tmp_path / "2.parquet"
    )
    found = read(str(tmp_path), sample_files=1)
    assert found.rows.drop("source_key").rows() == [(1, "x"), (2, "1")]
    assert found.rejected == [("2.parquet#2", "wrong_type", "n")]


@pytest.mark.parametrize(
    "name", ["int65", "decimal(0,0)", "decimal(39,1)", "decimal(2,3)"]
)
def test_unknown_types_are_refused(name):
    with pytest.raises(ValueError, match="must be one of string, int32"):
        dtype_of(name)


@pytest.mark.parametrize("name", ["string", "datetime", "decimal(10,2)"])
def test_names_of_types(name):
    assert type_name(dtype_of(name)) == name


def test_other_types_have_the_name_of_polars():
    assert type_name(pl.List(pl.Int8())) == "list(int8)"


def test_source_keys_of_another_report_are_left_out(tmp_path):
    put(str(tmp_path), {"a.csv": b"n,source_key\n1,x#1\n"})
    found = read(str(tmp_path))
    assert found.rows.rows() == [(1, "a.csv#1")]
    assert found.schema.names() == ["n"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["12345678901234567890", "12345678901234567891"], pl.String()),
        (["1234567890123456789", "-9223372036854775808"], pl.Int64()),
        (["9223372036854775808"], pl.String()),
        (["12345678901234567", "0.5"], pl.String()),
        (["0.30000000000000004", "-1e3"], pl.Float64()),
        (["0.123456789012345678"], pl.String()),
    ],
)
def test_numbers_with_many_digits_are_not_rounded(tmp_path, values, dtype):
    text = "id,b\n" + "".join(f"{value},1\n" for value in values)
    put(str(tmp_path), {"a.csv": text.encode()})
    found = read(str(tmp_path))
    assert found.schema["id"] == dtype
    assert [dtype.to_python()(value) for value in values] == found.rows["id"].to_list()


@pytest.mark.parametrize(
    ("texts", "dtype"),
    [
        (["E10", "E11"], pl.String()),
        (["-", "5"], pl.String()),
        (["1E10", "2E5"], pl.String()),
        (["."], pl.String()),
        (['""', '""'], pl.String()),
        (['""', "5"], pl.Int64()),
        (['""', "5.5"], pl.Float64()),
        (["1e-5", "2e+5", "7"], pl.Float64()),
        (["1e5", "0.5"], pl.Float64()),
        ([".5", "-.5", "1.5e3"], pl.Float64()),
    ],
    ids=str,
)
def test_only_a_text_with_a_digit_before_its_exponent_is_a_number(
    tmp_path, texts, dtype
):
    lines = [f"{at},{text}" for at, text in enumerate(texts)]
    put(str(tmp_path), {"a.csv": "\n".join(["k,s", *lines, ""]).encode()})
    found = read(str(tmp_path))
    assert found.schema["s"] == dtype
    assert found.rejected == []
    if dtype == pl.String:
        assert found.rows["s"].to_list() == [text.strip('"') for text in texts]


@pytest.mark.parametrize("texts", [["1", "2"], ["true", "false"], ["", ""], [None]])
@pytest.mark.parametrize("write", [pl.DataFrame.write_parquet, pl.DataFrame.write_avro])
def test_a_text_of_a_file_with_types_stays_a_text(tmp_path, texts, write):
    frame = pl.DataFrame({"s": texts}, schema={"s": pl.String})
    name = "a.parquet" if write is pl.DataFrame.write_parquet else "a.avro"
    put(str(tmp_path), {name: written(lambda target: write(frame, target))})
    found = read(str(tmp_path))
    assert found.schema["s"] == pl.String
    assert found.rows["s"].to_list() == texts


def test_a_dot_is_no_decimal_point_if_a_comma_is(tmp_path):
    """1.234 is 1234 in such files, and 1.234 in others."""
    lines = [b"id;n;f;m\n", b"a;1,5;2,5;0,5\n", b"b;1.234;1;1\n", b"c;1;1.234;1\n"]
    more = [b"d;1;1;1.234\n", b"e;1;1;1.234,5\n", b"f; 1,25 ; 1e3 ;-7\n"]
    put(str(tmp_path), {"a.csv": b"".join([*lines, *more])})
    found = read(
        str(tmp_path),
        columns={"n": "decimal(10,3)", "f": "float64"},
        decimal_comma=True,
        sample_rows=1,
    )
    assert found.rejected == [
        ("a.csv#2", "wrong_type", "n"),
        ("a.csv#3", "wrong_type", "f"),
        ("a.csv#4", "wrong_type", "m"),
        ("a.csv#5", "wrong_type", "m"),
    ]
    assert found.rows.select("id", "n", "f", "m").rows() == [
        ("a", Decimal("1.5"), 2.5, 0.5),
        ("f", Decimal("1.25"), 1000.0, -7.0),
    ]


def test_a_column_of_numbers_with_dots_stays_text_if_a_comma_is_decimal(tmp_path):
    put(str(tmp_path), {"a.csv": b"n;m\n1.234;1,5\n2.345;2\n"})
    found = read(str(tmp_path), decimal_comma=True)
    assert found.rows.select("n", "m").rows() == [("1.234", 1.5), ("2.345", 2.0)]


def test_numbers_of_json_and_of_paths_have_dots_beside_csv(tmp_path):
    put(
        str(tmp_path),
        {
            "v1.5/a.csv": b"n;m\n1,5;2,5\n",
            "v2.5/b.ndjson": b'{"n": 1.25, "m": "2,5"}\n',
        },
    )
    found = read(
        str(tmp_path),
        columns={"n": "decimal(10,2)", "m": "float64", "v": "float64"},
        path_columns="v{v}/*",
        decimal_comma=True,
    )
    assert found.rejected == []
    assert found.rows.select("n", "m", "v").rows() == [
        (Decimal("1.50"), 2.5, 1.5),
        (Decimal("1.25"), 2.5, 2.5),
    ]


def test_floats_are_the_decimals_of_their_shortest_texts(tmp_path):
    """A float has about 16 digits; only digits behind its 15th may be noise."""
    exact = [97897453777937.89, 585190113742708.1, -39689038430305.91, 1e22, 0.1]
    noisy = [0.1 + 0.2, None]
    long = [7108795923282.123, 999999999999.999, 0.999999999999999]
    odd = [float("nan"), float("inf"), 1e300]
    frame = pl.DataFrame({"n": [*exact, *noisy, *long, *odd]})
    put(str(tmp_path), {"a.parquet": written(frame.write_parquet)})
    found = read(str(tmp_path), columns={"n": "decimal(38,2)"})
    assert found.rows["n"].to_list() == [
        *(Decimal(repr(value)) for value in exact),
        Decimal("0.30"),
        None,
    ]
    assert found.rejected == [
        (f"a.parquet#{at}", "wrong_type", "n") for at in range(8, 14)
    ]
