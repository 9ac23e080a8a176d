"""Zip files whose bytes depend on nothing but what is in them."""

import hashlib
import os
import zipfile

import pytest

from reporting_framework.lambda_build.archive import sha256, write_zip


@pytest.fixture
def files(tmp_path):
    (tmp_path / "one").write_bytes(b"1" * 3_000_000)
    (tmp_path / "two").write_bytes(b"")
    return {
        "b/one.txt": tmp_path / "one",
        "a.so": tmp_path / "two",
        "lib/libx.so.6": tmp_path / "two",
    }


def test_the_same_content_gives_the_same_bytes(files, tmp_path):
    assert write_zip(tmp_path / "1.zip", files) == 3_000_000
    for path in files.values():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    write_zip(tmp_path / "2.zip", dict(reversed(files.items())))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_sorted_of_one_time_and_with_fixed_permissions(files, tmp_path):
    write_zip(tmp_path / "x.zip", files)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.testzip() is None
        rows = [
            (each.filename, each.date_time, oct(each.external_attr >> 16))
            for each in archive.infolist()
        ]
    start = (1980, 1, 1, 0, 0, 0)
    assert rows == [
        ("a.so", start, "0o100755"), ("b/one.txt", start, "0o100644"), ("lib/libx.so.6", start, "0o100755")
    ]  # fmt: skip


def test_the_hash_of_a_file(files):
    assert sha256(files["b/one.txt"]) == hashlib.sha256(b"1" * 3_000_000).hexdigest()
