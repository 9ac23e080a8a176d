"""Fixtures for every test: a real S3 server for the session, a bucket and an environment for each test."""

import gc
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from reporting_framework.testing.s3 import lead_to
from tests.support import S3Proxy, S3Server, s3_proxy, s3_server

_numbers = itertools.count(1)

os.environ.pop(
    "HATCH_ENV_ACTIVE", None
)  # what is printed must not depend on how the tests were begun

# The server of moto would give itself a handler with the stderr of the test that asks first.
logging.getLogger("werkzeug").addHandler(logging.NullHandler())

# A machine that is busy with something else is no failure of a property.
hypothesis.settings.register_profile("tests", deadline=None, max_examples=100)
hypothesis.settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """Let polars work on one thread, as the workers share the cores; in the slow run on as many as users have."""
    if config.option.markexpr != "slow":
        os.environ.setdefault("POLARS_MAX_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start half as many workers more as there are cores: a quarter of their time is waiting for programs and servers."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_finish() -> None:
    """Collect garbage less often: with thousands of tests loaded that took a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logging is set up as before the test: commands and functions set it up for their whole process."""
    known = logging.root.manager.loggerDict
    names = [name for name in known if "reporting" in name]
    loggers = [logging.root, *map(logging.getLogger, names)]
    before = [(each.handlers[:], each.level, each.propagate) for each in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
    for name in [name for name in known if "reporting" in name and name not in names]:
        logging.getLogger(name).setLevel(
            logging.NOTSET
        )  # it is new: of a package that the test has imported first
    # That of a function is set up once, for the standard output of that time.
    for name in [name for name in known if name.startswith("reporting.function")]:
        del known[name]


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS on loopback; signatures are checked."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_client(s3: S3Server) -> Any:
    """A boto3 client of `s3`: making one takes longer than making a bucket."""
    return s3.client()


@pytest.fixture
def bucket(s3_client: Any) -> str:
    """The name of a fresh, empty bucket on `s3`; it goes with the server."""
    name = f"bucket-{next(_numbers)}"
    s3_client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_environment(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server `s3`, to which the AWS variables of this process now lead; nothing of the developer's own is left."""
    lead_to(s3, monkeypatch)
    return s3


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[S3Proxy]:
    """A proxy in front of `s3`, without delays or faults yet; reach it as `s3.behind(proxy.endpoint)`."""
    with s3_proxy(s3.endpoint) as running:
        yield running


@pytest.fixture
def public_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that anybody may go to, whatever the mode of TMPDIR; those that pytest makes are closed to others.

    Temporary files go to another such folder meanwhile, since the other user needs room, too.
    """
    path = Path(
        tempfile.mkdtemp(
            dir=next(
                filter(
                    _open_to_all,
                    (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"),
                )
            )
        )
    )
    for each in (path, path / "public", path / "temporary"):
        each.mkdir(exist_ok=True)
        each.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(path / "temporary"))
    yield path / "public"
    shutil.rmtree(path)


def _open_to_all(folder: str) -> bool:
    """Whether another user gets to a folder, in which this one may write."""
    path = Path(folder).resolve()
    return os.access(path, os.W_OK) and all(
        each.stat().st_mode & 0o001 for each in (path, *path.parents)
    )
