"""What bytes look like that are not JSON: a name for each format, and none for JSON."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_object_store.json_source.formats import HEAD, looks_like

FRAME = pl.DataFrame({"study": ["adrc", "leads"], "visit": [1, 2]})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)


def written(write):
    target = io.BytesIO()
    write(target)
    return target.getvalue()


def zipped(target):
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.json", "{}")


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("parquet", written(FRAME.write_parquet)),
        ("arrow", written(FRAME.write_ipc)),
        ("avro", written(FRAME.write_avro)),
        ("csv", FRAME.write_csv().encode()),
        ("csv", FRAME.write_csv(separator="\t").encode()),
        ("csv", b"\xef\xbb\xbf" + FRAME.write_csv(separator=";").encode()),
        ("csv", b"study,visit\r\n" + b"adrc,1\r\n" * HEAD),
        ("gzip", gzip.compress(b"{}", mtime=0)),
        ("bzip2", bz2.compress(b"{}")),
        ("xz", lzma.compress(b"{}")),
        ("zip", written(zipped)),
        ("zstd", b"\x28\xb5\x2f\xfd\x24\x02\x11\x00\x00{}"),
        ("orc", b"ORC\n\x08"),
        ("pdf", b"%PDF-1.7\n"),
        ("sqlite", b"SQLite format 3\x00"),
        ("html", b"<!DOCTYPE html>\n<html><body>404</body></html>"),
        ("html", b"  <html>"),
        ("xml", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
        ("xml", b"<visits/>"),
        *[(name, '{"a": 1}'.encode(name)) for name in ("utf_16", "utf_32")],
        *[
            (name[:6], '{"a": 1}'.encode(name))
            for name in ("utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be")
        ],
        ("latin_1", '{"a": "é"}'.encode("latin-1")),
        ("latin_1", "ré".encode("latin-1")),
        ("binary", b"\x00\x01\x02\x03"),
        (None, b""),
        (None, b"hello"),
        (None, b'"a,b"\n"c,d"'),
        (None, b"a,b\n1,2,3"),
        (None, b'{"a": 1'),
        (None, b"\xef\xbb\xbf{}"),
        (None, b'["' + "é".encode() * HEAD + b'"]'),
        (None, b'"' + "é".encode() * HEAD + b'"'),
    ],
)
def test_the_format_of_foreign_bytes_is_named(expected, data):
    assert looks_like(data) == expected


@given(VALUES, st.none() | st.integers(0, 3))
def test_json_in_utf_8_never_looks_like_another_format(value, indent):
    for ensure_ascii in (True, False):
        assert (
            looks_like(
                json.dumps(value, ensure_ascii=ensure_ascii, indent=indent).encode()
            )
            is None
        )


@given(st.binary(max_size=HEAD + 50))
def test_any_bytes_are_looked_at_without_an_error(data):
    assert looks_like(data) is None or looks_like(data).isidentifier()
