"""Files that are too large, expand too much, or are cut off: one rejection, and nothing of them is taken."""

import gzip
import io
import os
import zipfile
from contextlib import suppress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from reporting_files import decompress
from reporting_files.decompress import plain_blocks, zstd
from reporting_files.expanded_size import check_avro, check_zip
from reporting_files.problems import UnreadableError
from tests.plugins.files.reading import put, read, written
from tests.plugins.files.test_formats import FORMATS

GOOD = b"a,b\n1,x\n"
LONG = GOOD + b"".join(
    b"%d,%s\n" % (at, os.urandom(8).hex().encode()) for at in range(5000)
)


def zstd_compress(data):
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


def rejected(tmp_path, name, data, **settings):
    put(str(tmp_path), {name: data, "good.csv": GOOD})
    found = read(str(tmp_path), columns={"a": "int64", "b": "string"}, **settings)
    assert found.rows["source_key"].to_list() == ["good.csv#1"]
    assert not found.unread
    [(key, reason, field)] = found.rejected
    assert (key, field) == (name, None)
    return reason


@pytest.mark.parametrize(
    ("compress", "reason"),
    [(gzip.compress, "gzip_invalid"), (zstd_compress, "zstd_invalid")],
)
@pytest.mark.parametrize("damage", ["cut", "flipped", "no data"])
def test_damaged_compression(tmp_path, compress, reason, damage):
    data = compress(LONG)
    half = len(data) // 2
    if damage == "cut":
        data = data[:-5]
    elif damage == "flipped":
        data = (
            data[:half]
            + bytes(byte ^ 255 for byte in data[half : half + 8])
            + data[half + 8 :]
        )
    else:
        data = data[:4]
    assert rejected(tmp_path, "x.csv.gz", data) in (reason, "not_utf_8")


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_bombs(tmp_path, compress, monkeypatch):
    monkeypatch.setattr(decompress, "RATIO_BYTES", 1024 * 1024)
    bomb = compress(b"a,b\n" + b"1,x\n" * 4_000_000)
    assert len(bomb) < 100_000
    assert rejected(tmp_path, "x.csv.gz", bomb) == "too_large"


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_members_and_frames_follow_each_other(compress):
    data = compress(b"ab") + compress(b"") + compress(b"cd" * 5_000_000)
    for size in (7, 1000, len(data)):
        blocks = [data[at : at + size] for at in range(0, len(data), size)]
        plain = b"".join(plain_blocks(blocks, 10**9))
        assert plain == b"ab" + b"cd" * 5_000_000


@pytest.mark.parametrize("first", [0x50, 0x5F])
@pytest.mark.parametrize("size", [4, 3_000_000])
def test_a_zstd_frame_that_is_skipped_comes_first(tmp_path, first, size):
    frame = bytes([first]) + b"\x2a\x4d\x18" + size.to_bytes(4, "little") + bytes(size)
    parquet = written(pl.DataFrame({"a": [2]}).write_parquet)
    put(
        str(tmp_path),
        {
            "a.csv.zst": frame + zstd.compress(b"a\n1\n") + frame,
            "b.parquet": frame + zstd.compress(parquet),
        },
    )
    found = read(str(tmp_path))
    assert (found.rows["a"].to_list(), found.rejected) == ([1, 2], [])


def test_parts_of_a_bomb_are_small(monkeypatch):
    monkeypatch.setattr(decompress, "MAX_RATIO", 10_000)
    parts = plain_blocks([gzip.compress(bytes(10**8))], 10**9)
    assert max(map(len, parts)) <= decompress.PART


def test_limit_of_content():
    with pytest.raises(UnreadableError, match="too_large"):
        list(plain_blocks([b"x" * 11], 10))
    assert b"".join(plain_blocks([b"x" * 10], 10)) == b"x" * 10


def test_limits_of_sizes(tmp_path):
    assert rejected(tmp_path, "x.csv", LONG, max_streamed_bytes=1000) == "too_large"


def test_a_large_json_file_is_rejected(tmp_path):
    data = pl.DataFrame({"a": range(1000), "b": "x"}).write_json().encode()
    assert rejected(tmp_path, "x.json", data, max_file_bytes=1000) == "too_large"


def test_a_line_that_is_too_large(tmp_path):
    data = GOOD + b"2," + b"y" * 5000 + b"\n"
    assert rejected(tmp_path, "x.csv", data, max_record_bytes=1000) == "too_large"


def test_a_line_that_is_too_large_in_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr("reporting_files.contents.SMALL", 1000)
    monkeypatch.setattr("reporting_files.contents.BLOCK", 777)
    monkeypatch.setattr("reporting_files.text.CHUNK", 2000)
    data = LONG + b"2," + b"y" * 50_000 + b"\n" + LONG[4:]
    assert rejected(tmp_path, "x.csv", data, max_record_bytes=10_000) == "too_large"


def test_a_zip_bomb_named_excel(tmp_path):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(10_000_000))
    data = target.getvalue()
    assert rejected(tmp_path, "x.xlsx", data, max_file_bytes=1_000_000) == "too_large"


def test_an_archive_that_names_wrong_sizes(tmp_path):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(10_000_000))
    data = target.getvalue().replace(
        (10_000_000).to_bytes(4, "little"), bytes([9, 0, 0, 0])
    )
    assert rejected(tmp_path, "x.xlsx", data, max_file_bytes=1_000_000) == "too_large"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.parquet", "parquet_invalid"),
        ("a.xlsx", "excel_invalid"),
        ("a.avro", "avro_invalid"),
        ("a.json", "json_invalid"),
    ],
)
def test_files_that_are_cut_off(tmp_path, name, reason):
    data = FORMATS[name]
    assert rejected(tmp_path, f"x{name}", data[: len(data) * 2 // 3]) == reason


@pytest.mark.parametrize("name", ["x.parquet", "x.xlsx", "x.avro"])
def test_text_with_the_name_of_another_format(tmp_path, name):
    put(str(tmp_path), {name: b"a,b\n2,y\n", "good.csv": GOOD})
    found = read(str(tmp_path), columns={"a": "int64", "b": "string"})
    assert found.rows.height + len(found.rejected) == 2


def test_a_parquet_file_that_is_damaged_within(tmp_path, monkeypatch):
    monkeypatch.setattr("reporting_files.contents.SMALL", 1000)
    frame = pl.DataFrame({"a": range(300_000), "b": "x"})
    data = bytearray(
        written(
            lambda file: frame.write_parquet(
                file, row_group_size=50_000, compression="uncompressed"
            )
        )
    )
    data[len(data) // 2 : len(data) // 2 + 4000] = b"\xff" * 4000
    put(str(tmp_path), {"x.parquet": bytes(data), "good.csv": GOOD})
    found = read(str(tmp_path), columns={"a": "int64", "b": "string"})
    assert found.rejected in ([], [("x.parquet", "parquet_invalid", None)])
    assert found.rows.height == (300_001 if not found.rejected else 1)


def test_a_large_parquet_file_gives_the_rows_of_a_small_one(tmp_path, monkeypatch):
    frame = pl.DataFrame({"a": range(300_000), "b": "x"})
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=70_000)
    whole = read(str(tmp_path))
    monkeypatch.setattr("reporting_files.contents.SMALL", 1000)
    parts = read(str(tmp_path))
    assert whole.rows.equals(parts.rows)
    assert parts.rows["a"].to_list() == list(range(300_000))


@pytest.mark.parametrize("codec", ["uncompressed", "deflate", "snappy"])
def test_an_avro_bomb(tmp_path, codec):
    frame = pl.DataFrame({"a": [1] * 2000, "b": ["x" * 1000] * 2000})
    data = written(lambda file: frame.write_avro(file, compression=codec))
    settings = {"max_file_bytes": max(len(data), 1_900_000)}
    if codec == "uncompressed":
        settings = {"max_file_bytes": len(data) - 1}
    assert rejected(tmp_path, "x.avro", data, **settings) == "too_large"


@pytest.mark.parametrize("codec", ["uncompressed", "deflate", "snappy"])
def test_avro_within_the_limit(tmp_path, codec):
    frame = pl.DataFrame({"a": [1] * 2000, "b": ["x" * 1000] * 2000})
    data = written(lambda file: frame.write_avro(file, compression=codec))
    put(str(tmp_path), {"x.avro": data})
    assert read(str(tmp_path)).rows.height == 2000


@given(st.binary(max_size=200), st.sampled_from([b"PK", b"Obj\x01", b""]))
def test_any_bytes_are_an_archive_or_one_error(data, magic):
    for check in (check_zip, check_avro):
        with suppress(UnreadableError):
            check(magic + data, 1000)


def test_a_parquet_file_of_many_rows_in_few_bytes(tmp_path):
    frame = pl.DataFrame({"a": pl.repeat(1, 1_000_000, dtype=pl.Int64, eager=True)})
    frame.write_parquet(tmp_path / "a.parquet")
    found = read(str(tmp_path))
    assert found.rows["a"].sum() == 1_000_000
    assert found.rows["source_key"][-1] == "a.parquet#1000000"


@pytest.mark.parametrize(
    ("module", "name", "compress"),
    [
        (isal_zlib, "decompressobj", gzip.compress),
        (zstd, "ZstdDecompressor", zstd.compress),
    ],
)
def test_the_work_grows_as_the_number_of_members(monkeypatch, module, name, compress):
    made = getattr(module, name)
    passed = 0

    class Counting:
        def __init__(self, *args, **options):
            self._stream = made(*args, **options)

        def __getattr__(self, attribute):
            return getattr(self._stream, attribute)

        def decompress(self, data, most):
            nonlocal passed
            passed += len(data)
            return self._stream.decompress(data, most)

    monkeypatch.setattr(module, name, Counting)

    def work(members):
        nonlocal passed
        passed = 0
        stored = compress(b"") * members + compress(b"x" * 10) + compress(b"")
        assert b"".join(plain_blocks([stored], 100)) == b"x" * 10
        return passed

    assert work(4000) < 2.1 * work(2000)


def test_nuls_after_a_member_and_between_members():
    stored = gzip.compress(b"a") + bytes(3000) + gzip.compress(b"b") + bytes(5000)
    for size in (7, 1024, 10**6):
        blocks = [stored[at : at + size] for at in range(0, len(stored), size)]
        assert b"".join(plain_blocks(blocks, 10)) == b"ab"


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_byte_order_mark_behind_an_empty_member(tmp_path, compress):
    mark, text = "\ufeff".encode("utf-16-le"), "a,b\nä,1\n".encode("utf-16-le")
    stored = b"".join(map(compress, [b"", mark[:1], mark[1:], text]))
    put(str(tmp_path), {"a.csv.gz": stored})
    assert read(str(tmp_path)).rows.rows() == [("ä", 1, "a.csv.gz#1")]
