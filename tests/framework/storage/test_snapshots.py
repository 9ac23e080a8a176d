"""One version of an object, read in part, whatever lies behind it; and what becomes of it when it is replaced."""

import os

import pytest

from reporting_framework.errors import AccessDenied, StorageUnavailable
from reporting_framework.storage import open_store
from tests.support.plugins import unprivileged


def test_an_object_is_read_in_part(store):
    assert store.pin("sub/k") is None
    version = store.put("sub/k", b"0123456789", if_version=None)
    for held in (True, False):
        found = store.pin("sub/k", held=held)
        assert (found.size, found.version) == (10, version)
        assert found.read(0, 10) == b"0123456789"
        assert found.read(3, 4) == b"3456"
        assert found.read(8, 100) == b"89"
        assert found.read(10, 5) == found.read(3, 0) == b""
        found.close()
        found.close()


def test_a_later_version_is_never_read(store):
    version = store.put("k", b"old content", if_version=None)
    held, loose = store.pin("k"), store.pin("k", held=False)
    store.put("k", b"new content", if_version=version)
    if store.location.scheme == "file":
        assert held.read(0, 3) == b"old"
    else:
        with pytest.raises(
            StorageUnavailable,
            match="k: another run has replaced it while it was read; run again",
        ):
            held.read(0, 3)
    with pytest.raises(
        StorageUnavailable,
        match="k: another run has replaced it while it was read; run again",
    ):
        loose.read(0, 3)
    held.close()


def test_a_file_that_is_gone_or_shut_says_so(public_folder):
    folder_store = open_store(str(public_folder))
    folder_store.put("k", b"content", if_version=None)
    path = f"{folder_store.location.uri}/k"
    held, loose = folder_store.pin("k"), folder_store.pin("k", held=False)
    os.chmod(path, 0)
    with unprivileged():
        with pytest.raises(AccessDenied, match="k: the system denies access"):
            loose.read(0, 1)
        with pytest.raises(AccessDenied, match="k: the system denies access"):
            folder_store.pin("k")
    os.unlink(path)
    assert held.read(0, 4) == b"cont"
    held.close()
    with pytest.raises(
        StorageUnavailable, match="k: another run has replaced it while it was read"
    ):
        loose.read(0, 1)
    assert folder_store.pin("k") is None


def test_a_folder_is_no_file(tmp_path):
    folder_store = open_store(str(tmp_path))
    folder_store.put("sub/k", b"", if_version=None)
    found = folder_store.pin("sub")
    with pytest.raises(Exception, match="expected a file and found something else"):
        found.read(0, 1)
    found.close()


def test_an_object_that_is_gone_says_so(s3, s3_environment, bucket):
    s3_store = open_store(f"s3://{bucket}")
    s3_store.put("k", b"content", if_version=None)
    found = s3_store.pin("k")
    s3.client().delete_object(Bucket=bucket, Key="k")
    with pytest.raises(
        StorageUnavailable,
        match="k: another run has replaced it while it was read; run again",
    ):
        found.read(0, 3)
