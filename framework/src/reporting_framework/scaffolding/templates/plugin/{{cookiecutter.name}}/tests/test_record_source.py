"""The promises of every plugin, and those of a source that is read page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from reporting_framework import Batch, Split
from reporting_framework.testing import CANARY, PluginContract

from {{ cookiecutter.__package }}.record_source import ApiRecords


class Api(BaseHTTPRequestHandler):
    """Two records after the one that is named, up to number 6; `broken` says what there is instead."""

    broken: ClassVar[dict[int, bytes]] = {}

    def do_GET(self) -> None:
        last = int(parse_qs(urlsplit(self.path).query)["after"][0])
        records = [{"id": last + 1, "note": CANARY}, {"id": last + 2, "note": CANARY}] if last < 6 else []
        data = json.dumps(records).encode()
        self.send_response(503 if self.broken.get(last) == b"" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(self.broken.get(last, data))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, Any]]:
    """The API on loopback."""
    monkeypatch.setattr(Api, "broken", {})
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield {"url": f"http://127.0.0.1:{server.server_port}/records"}
        server.shutdown()


class TestApiRecords(PluginContract):
    plugin = ApiRecords

    @pytest.fixture
    def settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return settings


def read(settings: Mapping[str, Any], after: Mapping[str, Any] | None) -> list[Batch]:
    """What a run reads that goes on after a position."""
    source = ApiRecords(ApiRecords.Settings.model_validate(settings))
    return list(source.read(Split("records", {"after": after})))


def keys(batches: list[Batch]) -> list[str]:
    return [key for batch in batches for key in batch.source_keys]


def test_every_record_is_read_once(settings: Mapping[str, Any]) -> None:
    assert keys(read(settings, None)) == [f"records/{number}" for number in range(1, 7)]


def test_a_run_goes_on_after_each_position(settings: Mapping[str, Any]) -> None:
    pages = read(settings, None)
    for number, page in enumerate(pages, 1):
        assert keys(read(settings, page.position)) == keys(pages[number:])


@pytest.mark.parametrize("broken", [b"", b"[", b"<html>"], ids=["503", "cut off", "not JSON"])
def test_a_page_that_cannot_be_fetched_ends_the_reading(settings: Mapping[str, Any], broken: bytes) -> None:
    Api.broken[2] = broken
    *pages, last = read(settings, None)
    assert keys(pages) == ["records/1", "records/2"]
    assert [failure.reason for failure in last.unread] == ["unavailable"]
    del Api.broken[2]
    assert keys(read(settings, pages[-1].position)) == ["records/3", "records/4", "records/5", "records/6"]
