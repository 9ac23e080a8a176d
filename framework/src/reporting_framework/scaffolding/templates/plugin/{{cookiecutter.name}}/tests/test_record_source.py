"""The promises of every source of pages, with an API of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from reporting_framework import Split
from reporting_framework.testing import CANARY, CallFaults, Faults, RecordSourceContract

from {{ cookiecutter.__package }}.record_source import ApiRecords


class Records:
    """The API behind the source: records by their last change, two a page. `broken` is sent after a number instead."""

    def __init__(self) -> None:
        self.records: dict[int, Mapping[str, Any]] = {}
        self.broken: dict[int, bytes] = {}
        self._changes = 0
        self._requests: list[str] = []

    def put(self, number: int, tick: int) -> tuple[str, bytes]:
        self.records.pop(number, None)
        self._changes += 1
        record = {"id": number, "change": self._changes, "tick": tick, "note": CANARY * 3_000}
        self.records[number] = record
        return f"records/{number}", json.dumps(record).encode()

    def fetched(self) -> Sequence[str]:
        requests, self._requests = self._requests, []
        return requests

    def answer(self, path: str) -> bytes:
        self._requests.append(path)
        last = int(parse_qs(urlsplit(path).query)["after"][0])
        page = [record for record in self.records.values() if record["change"] > last][:2]
        return self.broken.get(last, json.dumps(page).encode())


class TestApiRecords(RecordSourceContract):
    plugin = ApiRecords
    strict = True
    crowd = 500

    @pytest.fixture
    def feed(self) -> Records:
        return Records()

    @pytest.fixture
    def settings(self, feed: Records) -> Iterator[Mapping[str, Any]]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = feed.answer(self.path)
                self.send_response(200 if data else 503)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield {"url": f"http://127.0.0.1:{server.server_port}/records"}
            server.shutdown()

    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        faults = CallFaults()
        monkeypatch.setattr(ApiRecords, "_fetch", faults.around(ApiRecords._fetch))
        return faults

    @pytest.mark.parametrize("broken", [b"", b"[", b"<html>"], ids=["503", "cut off", "not JSON"])
    def test_a_page_that_cannot_be_fetched_ends_the_reading(
        self, feed: Records, settings: Mapping[str, Any], broken: bytes
    ) -> None:
        for number in range(1, 7):
            feed.put(number, number)
        feed.broken[2] = broken
        source = ApiRecords(ApiRecords.Settings.model_validate(settings))
        *pages, last = source.read(Split("records", {"after": None}))
        assert [page.source_keys for page in pages] == [["records/1", "records/2"]]
        assert [failure.reason for failure in last.unread] == ["unavailable"]
