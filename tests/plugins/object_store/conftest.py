"""Fixtures of the plugin's tests: a server that keeps every key as it is."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from reporting_framework.storage import Store, open_store
from tests.support import S3Server, moto_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """A server by moto; SeaweedFS tidies some keys up."""
    with moto_server() as server:
        yield server


@pytest.fixture
def moto_place(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> tuple[Store, Callable[..., None]]:
    """A store in a fresh bucket of `moto`, and what puts an object there under any key."""
    for name, value in moto.environment().items():
        monkeypatch.setenv(name, value)
    bucket, client = f"moto-{next(_numbers)}", moto.client()
    client.create_bucket(Bucket=bucket)

    def put(key: str, body: bytes = b"") -> None:
        client.put_object(Bucket=bucket, Key=f"p/{key}", Body=body)

    return open_store(f"s3://{bucket}/p"), put
