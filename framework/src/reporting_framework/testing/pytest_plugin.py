"""Fixtures for tests of plugins.

Pytest loads this module wherever the framework is installed, so its import is light.

- `reporting_s3`: moto's S3 on loopback; the AWS variables of the environment point to
  it.
- `reporting_bucket`: the name of a new, empty bucket there.
- `reporting_s3_faults`: breaks requests to that server (`Faults`), by any library; used
  with `reporting_bucket`.
- `reporting_store_faults`: breaks calls of `reporting_framework.storage`, in a folder
  or a bucket; faster, because no network is involved.
- `reporting_event`: a function that returns an event as AWS sends it to a function, by
  name, such as ``s3-put``.
- `reporting_awkward_records`: unusual payloads, by the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reporting_framework.testing.faults.calls import CallFaults
    from reporting_framework.testing.faults.proxy import S3Proxy
    from reporting_framework.testing.faults.wire import WireFaults
    from reporting_framework.testing.s3 import S3Server

pytest.register_assert_rewrite(f"{__package__}.contracts", f"{__package__}.harness")

_numbers = itertools.count(1)
_UNPROMISED = "not promised: "  # as in contracts/base.py, which is not imported here


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the suites' longer tests."""
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "faults: breaks each call in every way")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Name the promise that a test of a suite does not try.

    In a strict suite a skipped test fails, unless the plugin does not make the
    promise.
    """
    report = yield
    strict = getattr(getattr(item, "cls", None), "strict", None)  # None: not a suite
    if strict is None or not report.skipped or not isinstance(report.longrepr, tuple):
        return report
    path, line, reason = report.longrepr
    promise = item.name.removeprefix("test_").replace("_", " ")
    _, unpromised, why = reason.removeprefix("Skipped: ").rpartition(_UNPROMISED)
    text = f"{unpromised or 'not tried: '}{promise}: {why}"
    report.longrepr = (path, line, text)
    if strict and not unpromised:
        report.outcome, report.longrepr = "failed", f"strict: {text}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Count a promise that a plugin does not make on its own, not as skipped."""
    skipped = report.skipped and isinstance(report.longrepr, tuple)
    if skipped and str(report.longrepr[2]).startswith(_UNPROMISED):
        return "unpromised", "-", "UNPROMISED"
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the promises that plugins do not make where skipped tests are listed."""
    reports = terminalreporter.stats.get("unpromised", [])
    if reports and terminalreporter.hasopt("skipped"):
        terminalreporter.section("promises that a plugin does not make", sep="-")
        for report in reports:
            suite = "::".join(report.nodeid.split("::")[:2])
            terminalreporter.write_line(f"UNPROMISED {suite}: {report.longrepr[2]}")


@pytest.fixture(scope="session")
def reporting_s3_server() -> Iterator[S3Server]:
    """Run the server behind `reporting_s3`, one for the session."""
    from reporting_framework.testing.s3 import moto_server

    with moto_server() as server:
        yield server


@pytest.fixture
def reporting_s3(
    reporting_s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> S3Server:
    """Return an S3 server on loopback, and point this process's AWS variables to it.

    The developer's own variables are removed.
    """
    from reporting_framework.testing.s3 import lead_to

    lead_to(reporting_s3_server, monkeypatch)
    return reporting_s3_server


@pytest.fixture
def reporting_bucket(reporting_s3: S3Server) -> str:
    """Return the name of a new, empty bucket."""
    name, client = f"reporting-{next(_numbers)}", reporting_s3.client()
    client.create_bucket(Bucket=name)
    client.close()
    return name


@pytest.fixture
def reporting_s3_proxy(
    reporting_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Proxy]:
    """Start a proxy in front of `reporting_s3`, and point the environment to it."""
    from reporting_framework.testing.faults.proxy import s3_proxy

    with s3_proxy(reporting_s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


@pytest.fixture
def reporting_s3_faults(
    reporting_s3_proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> WireFaults:
    """Return an object that breaks requests to S3.

    The framework's own storage retries only once.
    """
    from reporting_framework.storage import sending
    from reporting_framework.testing.faults.wire import WireFaults

    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    return WireFaults(reporting_s3_proxy)


@pytest.fixture
def reporting_store_faults(monkeypatch: pytest.MonkeyPatch) -> CallFaults:
    """Return an object that breaks calls of the framework's own storage."""
    from reporting_framework.storage.bucket import BucketStore
    from reporting_framework.storage.folder import FolderStore
    from reporting_framework.testing.faults.calls import CallFaults

    faults = CallFaults()
    for store in (FolderStore, BucketStore):
        for name in ("list", "get", "head", "put", "replace"):
            monkeypatch.setattr(store, name, faults.around(getattr(store, name)))
    return faults


@pytest.fixture
def reporting_event() -> Callable[[str], Any]:
    """Return a function that returns an event by its name.

    `reporting_framework.testing.lambda_events.lambda_events` lists all names.
    """
    from reporting_framework.testing.lambda_events import lambda_event

    return lambda_event


@pytest.fixture
def reporting_awkward_records() -> Mapping[str, bytes]:
    """Return unusual payloads, by the reason."""
    from reporting_framework.testing.contracts.edge_cases import awkward_records

    return awkward_records()
