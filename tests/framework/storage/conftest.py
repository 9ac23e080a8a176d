"""Fixtures of the storage's tests: a store of each kind."""

import itertools
from collections.abc import Iterator

import pytest

from reporting_framework.storage import Store, open_store
from tests.support.azure_blobs import AzureBlobs, azure_blobs
from tests.support.azurite import Azurite, azurite, azurite_program
from tests.support.gcs import GoogleStorage, google_storage

_numbers = itertools.count(1)
KINDS = ("folder", "memory", "s3", "gs", "az")
CLOUDS = ("gs", "az")


@pytest.fixture(scope="session")
def google_server() -> Iterator[GoogleStorage]:
    """A server of Google Cloud Storage on loopback."""
    with google_storage() as server:
        yield server


@pytest.fixture
def google(
    google_server: GoogleStorage, monkeypatch: pytest.MonkeyPatch
) -> GoogleStorage:
    """The server with a bucket of its own for each test, to which the variables lead."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google_server.address)
    google_server.buckets["bucket"] = {}
    google_server.requests.clear()
    monkeypatch.setattr(google_server, "fault", lambda method, target: None)
    monkeypatch.setattr(google_server, "lost", lambda method, target: False)
    return google_server


@pytest.fixture(scope="session")
def azure_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AzureBlobs | Azurite]:
    """A server of Azure Blob Storage on loopback: Azurite if it is installed."""
    program = azurite_program()
    if program is None:
        with azure_blobs() as server:
            yield server
    else:
        with azurite(program, tmp_path_factory.mktemp("azurite")) as real:
            yield real


@pytest.fixture
def container(
    azure_server: AzureBlobs | Azurite, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The name of a fresh container of Azure, to which the variables lead."""
    name = f"container-{next(_numbers)}"
    azure_server.create_container(name)
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING", azure_server.connection_string
    )
    return name


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
    if kind == "gs":
        request.getfixturevalue("google")
        return open_store("gs://bucket/a/b")
    if kind == "az":
        return open_store(f"az://{request.getfixturevalue('container')}/a/b")
    request.getfixturevalue("s3_environment")
    return open_store(f"s3://{request.getfixturevalue('bucket')}/a/b")
