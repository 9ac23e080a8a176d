"""Every format, compressed or not, in a folder and in S3, gives the same rows."""

import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
import xlsxwriter

from reporting_files.decompress import zstd
from reporting_files.formats import format_of
from tests.plugins.files.reading import put, read, written

ROWS = pl.DataFrame(
    {
        "sku": ["ABC0001", 'ä, "x"\ny', None],
        "price": [Decimal("1.50"), Decimal("-2.00"), Decimal("0.00")],
        "day": [date(2024, 1, 2), date(2024, 2, 29), None],
        "at": [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), None, None],
        "number": [1, -2, 3],
        "ratio": [0.5, 1e300, None],
        "good": [True, None, False],
    },
    schema_overrides={"price": pl.Decimal(10, 2), "at": pl.Datetime("us", "UTC")},
)
TYPES = {
    "sku": "string",
    "price": "decimal(10,2)",
    "day": "date",
    "at": "datetime",
    "number": "int64",
    "ratio": "float64",
    "good": "boolean",
}
TEXTS = ROWS.with_columns(
    pl.col("price").cast(pl.String),
    pl.col("day").dt.to_string("iso"),
    pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
)


def excel(frame):
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, frame.columns)
        formats = {
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "at": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        for row, values in enumerate(frame.iter_rows(named=True), 1):
            for column, (name, value) in enumerate(values.items()):
                if isinstance(value, datetime):
                    value = value.replace(tzinfo=None)
                if name in formats and value is not None:
                    sheet.write_datetime(row, column, value, formats[name])
                elif value is not None:
                    sheet.write(row, column, value)
    return target.getvalue()


FORMATS = {
    "a.csv": TEXTS.write_csv().encode(),
    "a.tsv": TEXTS.write_csv(separator="\t").encode(),
    "a.ndjson": TEXTS.write_ndjson().encode(),
    "a.json": TEXTS.write_json().encode(),
    "a.parquet": written(ROWS.write_parquet),
    "a.avro": written(TEXTS.write_avro),
    "a.xlsx": excel(ROWS),
}
COMPRESSIONS = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}


@pytest.fixture(params=["folder", "bucket"])
def uri(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "place")
    return f"s3://{request.getfixturevalue('reporting_bucket')}/place"


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_each_format_gives_the_same_rows(uri, name, compression):
    put(uri, {f"{name}{compression}": COMPRESSIONS[compression](FORMATS[name])})
    found = read(uri, columns=TYPES)
    assert (found.rejected, found.unread) == ([], [])
    expected = ROWS
    if name == "a.xlsx":  # Excel has no null in a text but an empty cell
        expected = ROWS
    keys = [f"{name}{compression}#{number}" for number in (1, 2, 3)]
    assert found.rows["source_key"].to_list() == keys
    assert found.rows.drop("source_key").to_dicts() == expected.to_dicts()
    assert found.schema == ROWS.schema


@pytest.mark.parametrize("name", FORMATS)
def test_content_says_the_format_if_the_name_does_not(tmp_path, name):
    put(str(tmp_path), {"x": FORMATS[name]})
    separator = {"separator": "\t"} if name == "a.tsv" else {}
    found = read(str(tmp_path), columns=TYPES, **separator)
    assert found.rows.height == 3, found.rejected


def test_a_name_does_not_hide_another_format():
    assert format_of("a.csv", b"PAR1") == "parquet"
    assert format_of("a.parquet", b"[{") == "json"
    assert format_of("a", b'{"a":1}\n{"a":2}\n') == "ndjson"
    assert format_of("a", b'{\n"a":1}') == "json"
    assert format_of("a.csv", b"[a],b\n") == "csv"


def test_several_formats_in_one_place(tmp_path):
    put(str(tmp_path), FORMATS)
    found = read(str(tmp_path), columns=TYPES)
    assert found.rows.height == 3 * len(FORMATS)
    assert not found.rejected
    assert found.rows["price"].to_list() == ROWS["price"].to_list() * len(FORMATS)
