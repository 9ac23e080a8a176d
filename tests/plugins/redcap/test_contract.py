"""The source keeps the promises of every record source."""

from datetime import UTC, datetime, timedelta

import pytest

from reporting_framework.errors import StorageUnavailable
from reporting_framework.testing import CANARY, CallFaults, RecordSourceContract
from reporting_redcap.api import RedcapApi
from reporting_redcap.source import Redcap
from reporting_redcap.testing import Project, Row, field, serving

START = datetime(2024, 1, 1, tzinfo=UTC)


class Feed:
    """Project behind the source; a tick is a second, and the server's clock stops."""

    def __init__(self, server):
        self._server, self._seen = server, 0

    def put(self, number, tick):
        project = self._server.project
        project.now = START + timedelta(seconds=tick)
        note = f"{CANARY} ü{tick} {'.' * 2000}"
        project.put([Row(f"s/{number}#1", {"note": note, "number": str(number)})])
        row = {"record_id": f"s/{number}#1", "note": note, "number": number}
        return f"s%2F{number}#1", {**row, "form_1_complete": None}

    def fetched(self):
        new = self._server.requests[self._seen :]
        self._seen += len(new)
        return [str(params) for params in new if params["content"] == ["record"]]


class TestRedcap(RecordSourceContract):
    plugin = Redcap
    crowd = 60

    @pytest.fixture
    def server(self):
        fields = [
            field("record_id"),
            field("note", "notes"),
            field("number", validation="integer"),
        ]
        project = Project(fields, now=START)
        with serving(project, clock=lambda: project.now) as server:
            yield server

    @pytest.fixture
    def settings(self, server):
        return {
            "url": server.url,
            "token": server.token,
            "allow_private": True,
            "chunk_records": 2,
            "parallelism": 1,
            "time_zone": "UTC",
            "overlap_seconds": 0,
            "infer_deletes": True,
        }

    @pytest.fixture
    def feed(self, server):
        return Feed(server)

    @pytest.fixture
    def faults(self, monkeypatch):
        faults = CallFaults(lambda: StorageUnavailable("no answer"))
        monkeypatch.setattr(RedcapApi, "_send", faults.around(RedcapApi._send))
        monkeypatch.setattr("reporting_redcap.source.in_order", _one_by_one)
        return faults

    def test_a_repeated_page_changes_nothing(self, runs, records, feed):
        """A version is the time of reading, so only values stay the same."""
        runs.run()
        key, record = feed.put(1, 2_000)
        runs.run()
        before = runs.live
        runs.state = None
        runs.run()
        assert runs.live == before
        assert runs.live[key] == record


def _one_by_one(call, items, at_once):
    """Call in this thread, so that calls have an order of which one can fail."""
    return map(call, items)
