"""JSON and NDJSON: values of several types in a column, lines that are no objects, nested values."""

import polars as pl
import pytest

from reporting_framework import run_report
from tests.plugins.files.reading import put, read


def test_a_line_that_cannot_be_read_is_rejected_alone(tmp_path):
    lines = [b'{"a": %d}' % at for at in range(100)]
    lines[50], lines[70] = b'{"a": ', b"[1]"
    lines.insert(10, b"")
    put(str(tmp_path), {"a.ndjson": b"\r\n".join(lines)})
    found = read(str(tmp_path), columns={"a": "int64"})
    assert found.rejected == [
        ("a.ndjson#51", "json_invalid", None),
        ("a.ndjson#71", "json_invalid", None),
    ]
    assert found.rows["a"].sum() == sum(range(100)) - 50 - 70


def test_values_of_several_types(tmp_path):
    text = b'{"a": 1, "b": true}\n{"a": "x", "b": 2}\n{"a": 2.5}\n{"a": null, "new": [1]}\n{}\n'
    put(str(tmp_path), {"a.ndjson": text})
    found = read(str(tmp_path), columns={"a": "int64", "b": "boolean"})
    assert found.rows.select("a", "b").rows() == [(1, True), (None, None), (None, None)]
    assert found.rejected == [
        ("a.ndjson#2", "wrong_type", "a"),
        ("a.ndjson#3", "wrong_type", "a"),
    ]


def test_objects_of_an_array_over_several_lines(tmp_path):
    text = b'[\n {"a": 1,\n "b": {"c": [1, 2]}},\n {"a": 2, "b": null}\n]\n'
    put(str(tmp_path), {"a.json": text})
    found = read(str(tmp_path))
    assert found.rows.rows() == [
        (1, {"c": [1, 2]}, "a.json#1"),
        (2, None, "a.json#2"),
    ]


def test_an_item_that_is_no_object_is_rejected(tmp_path):
    put(str(tmp_path), {"a.json": b'[{"a": 1}, 2, null, {"a": 3}]'})
    found = read(str(tmp_path))
    assert found.rows["source_key"].to_list() == ["a.json#1", "a.json#4"]
    assert [item[:2] for item in found.rejected] == [
        ("a.json#2", "json_invalid"),
        ("a.json#3", "json_invalid"),
    ]


@pytest.mark.parametrize(
    "text", [b"3", b'"x"', b'[{"a":1}', b'{"a":1} x', b"[" * 100_000]
)
def test_a_file_that_is_no_json(tmp_path, text):
    put(str(tmp_path), {"a.json": text, "b.json": b'{"a": 1}'})
    found = read(str(tmp_path))
    assert found.rejected == [("a.json", "json_invalid", None)]
    assert found.rows["source_key"].to_list() == ["b.json#1"]


def test_an_empty_array_has_no_record(tmp_path):
    put(str(tmp_path), {"a.json": b"[]", "b.json": b'[{"a": 1}]'})
    found = read(str(tmp_path))
    assert (found.rows.height, found.rejected) == (1, [])


def test_a_large_file_gives_the_rows_of_a_small_one(tmp_path, monkeypatch):
    text = b"".join(b'{"n": %d, "t": "x%d"}\n' % (at, at) for at in range(20_000))
    put(str(tmp_path), {"a.ndjson": text})
    whole = read(str(tmp_path))
    monkeypatch.setattr("reporting_files.text.CHUNK", 4096)
    monkeypatch.setattr("reporting_files.contents.SMALL", 1000)
    monkeypatch.setattr("reporting_files.contents.BLOCK", 1777)
    parts = read(str(tmp_path))
    assert whole.rows.equals(parts.rows)
    assert parts.rows["n"].to_list() == list(range(20_000))


RECORDS = [
    b'{"id": %d, "name": "n", "amount": %d.5, "tags": {"k": 1}, "list": [1.5], "big": %d}'
    % (at, at, 2**70)
    for at in range(5)
]
TYPES = {
    "id": pl.Int64(),
    "name": pl.String(),
    "amount": pl.Float64(),
    "tags": pl.Struct({"k": pl.Int64()}),
    "list": pl.List(pl.Float64()),
    "big": pl.String(),
}


@pytest.mark.parametrize("columns", [{}, {"id": "int64"}])
@pytest.mark.parametrize(
    "line",
    [
        b'{"id": 9, "name": "x", "am',
        b'{"id": 9, "amount": NaN}',
        b'{"id": 9, "amount": 1e400}',
        b'{"id": 9, "big": 1%s}' % (b"0" * 400),
        b'{"id": 9} {"id": 10}',
        rb'{"id": 9, "name": "\ud83d"}',
        rb'{"id": 9, "name": "\uD83d and more"}',
        rb'{"id": 9, "name": "\ud83d\ud83d\ude00"}',
        rb'{"id": 9, "name": "\ude00"}',
        rb'{"id": 9, "name": "\ud83d\u0041"}',
        rb'{"id": 9, "tags": {"\ud83d": 1}}',
        b"[1]",
    ],
)
def test_a_line_that_cannot_be_read_takes_no_column_with_it(tmp_path, line, columns):
    put(str(tmp_path), {"a.ndjson": b"\n".join([*RECORDS, line])})
    found = read(str(tmp_path), columns=columns)
    assert found.schema == TYPES
    assert found.rejected == [("a.ndjson#6", "json_invalid", None)]
    put(str(tmp_path / "good"), {"a.ndjson": b"\n".join(RECORDS)})
    assert found.rows.equals(read(str(tmp_path / "good"), columns=columns).rows)


@pytest.mark.parametrize("columns", [{}, {"id": "int64"}])
@pytest.mark.parametrize("form", ["ndjson", "json"])
@pytest.mark.parametrize(
    ("name", "value", "texts"),
    [
        ("amount", "true", ["0.5", "true"]),
        ("amount", "[1]", ["0.5", "[1]"]),
        ("amount", '{"a": 1}', ["0.5", '{"a": 1}']),
        ("tags", "false", ['{"k": 1}', "false"]),
        ("tags", '"x"', ['{"k": 1}', "x"]),
        ("tags", '{"k": true}', ['{"k": 1}', '{"k": true}']),
        ("tags", "[1]", ['{"k": 1}', "[1]"]),
        ("list", "7", ["[1.5]", "7"]),
        ("list", "[true]", ["[1.5]", "[true]"]),
    ],
)
def test_a_column_with_values_of_several_types_is_of_texts(
    tmp_path, form, columns, name, value, texts
):
    records = [*RECORDS, b'{"id": 9, "%s": %s}' % (name.encode(), value.encode())]
    text = b"\n".join(records)
    text = text if form == "ndjson" else b"[" + b",".join(records) + b"]"
    put(str(tmp_path), {f"a.{form}": text})
    found = read(str(tmp_path), columns=columns)
    assert found.schema == {**TYPES, name: pl.String()}
    assert found.rows[name][0, -1].to_list() == texts
    assert found.rows["big"].to_list() == [*[str(2**70)] * 5, None]
    assert not found.rejected


@pytest.mark.parametrize("value", ["false", '"x"', '"[1"', "[1]", '{"k": true}'])
def test_an_object_that_fits_is_kept_beside_a_value_that_does_not(tmp_path, value):
    odd = b'{"id": 9, "tags": %s}' % value.encode()
    files = {f"{name}.ndjson": RECORDS[0] for name in "abce"}
    files["d.ndjson"] = b"\n".join([RECORDS[0], odd, RECORDS[1]])
    put(str(tmp_path), files)
    found = read(str(tmp_path), sample_files=1)
    assert found.rejected == [("d.ndjson#2", "wrong_type", "tags")]
    assert found.rows["tags"].to_list() == [{"k": 1}] * 6


def test_an_object_in_a_column_of_texts_is_its_json(tmp_path):
    texts = [b'{"a": 1, "more": 1}', b'{"a": 2, "tags": {"k": [1, "x"]}, "more": [2]}']
    put(str(tmp_path), {f"{at}.ndjson": text for at, text in enumerate(texts)})
    found = read(str(tmp_path), columns={"tags": "string", "a": "int64"})
    assert found.rows["tags"].to_list() == [None, '{"k": [1, "x"]}']
    assert found.rows["more"].to_list() == ["1", "[2]"]


def test_fields_that_are_not_known_are_passed_on_of_a_text_with_an_odd_line(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("reporting_files.sampling.MAX_HEADERS", 1)
    files = {f"{name}.ndjson": b'{"id": 1}' for name in "abce"}
    files["d.ndjson"] = b'{"id": 2, "more": {"k": 1}}\n{"id": true}\n'
    put(str(tmp_path), files)
    found = read(str(tmp_path), columns={"id": "int64"}, sample_files=1)
    assert found.rejected == [("d.ndjson#2", "wrong_type", "id")]
    assert '{"k": 1}' in found.rows["more"].to_list()


def test_a_whole_number_with_a_point_stays_one_beside_an_odd_line(tmp_path):
    put(str(tmp_path), {"a.ndjson": b'{"id": 1.0, "a": 1}\n{"id": 2, "a": true}\n{"'})
    found = read(str(tmp_path), columns={"id": "int64"})
    assert found.rows["id"].to_list() == [1, 2]
    assert found.rejected == [("a.ndjson#3", "json_invalid", None)]


def test_characters_that_are_escaped(tmp_path):
    texts = [r'"\ud83d\uDE00"', r'"\u0000"', r'"\\ud83d"', r'"\\\ud83d\ude00"']
    lines = [f'{{"name": {text}}}' for text in texts]
    put(str(tmp_path), {"a.ndjson": "\n".join(lines).encode()})
    found = read(str(tmp_path))
    assert found.rows["name"].to_list() == [
        "\U0001f600",
        "\0",
        r"\ud83d",
        "\\\U0001f600",
    ]
    assert not found.rejected


def test_a_column_that_a_later_file_adds_is_taken_beside_an_odd_value(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(
        """
        [reports.a]
        source = { use = "files", uri = "in/" }
        validator = { use = "frame" }
        sinks = [{ use = "parquet-checkpoint", uri = "out.parquet" }]
        write_mode = "upsert"
        """
    )
    put("in", {"1.ndjson": b'{"id": 1, "name": "a"}'})
    assert run_report("a").accepted == 1
    lines = [b'{"id": %d, "price": %d}' % (at, at) for at in (10, 11)]
    put("in", {"2.ndjson": b"\n".join([*lines, b'{"id": 12, "price": false}'])})
    assert run_report("a").accepted == 3
    table = pl.read_parquet("out.parquet").sort("id")
    assert table["price"].to_list() == [None, "10", "11", "false"]
