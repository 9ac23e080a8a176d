"""Fixtures of the storage's tests: a store of each kind."""

import itertools

import pytest

from reporting_framework.storage import Store, open_store

_numbers = itertools.count(1)
KINDS = ("folder", "memory", "s3")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind, in turn."""
    return make_store(request.param, request)


@pytest.fixture
def memory() -> Store:
    """An empty store in memory."""
    return open_store(f"memory://test-{next(_numbers)}/a/b")


def make_store(kind: str, request: pytest.FixtureRequest) -> Store:
    """An empty store of this kind."""
    if kind == "folder":
        folder = request.getfixturevalue("tmp_path") / "store"
        folder.mkdir()
        return open_store(str(folder))
    if kind == "memory":
        return request.getfixturevalue("memory")
    request.getfixturevalue("s3_environment")
    return open_store(f"s3://{request.getfixturevalue('bucket')}/a/b")
