"""JSON and NDJSON: values of several types in a column, lines that are no objects, nested values."""

import pytest

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
