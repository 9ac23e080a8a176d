"""Histories of a project that is read while it changes and its server fails."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from reporting_framework.errors import ReportingError
from reporting_framework.testing.harness.table_harness import TableRuns
from reporting_redcap.settings import RedcapSettings
from reporting_redcap.source import Redcap
from reporting_redcap.testing import Project, Row, field, serving
from reporting_redcap.testing.server import Answer

EVENTS = ["base_arm_1", "later_arm_1"]


class History:
    """One seed is one history: changes, faults and runs.

    Args:
        seed: The seed.
        server: Server of the project.
        longitudinal: Whether records have several rows.
    """

    def __init__(self, seed, server, *, longitudinal):
        self.random, self.server, self.longitudinal = Random(seed), server, longitudinal
        self.faulty = False
        project = self.project = server.project
        project.rows.clear()
        project.modified.clear()
        project.now = datetime(2026, 1, 1, tzinfo=UTC)
        server.faults[:] = [self.fault]
        self.runs = TableRuns(self.source)

    def source(self, **changed):
        known = {
            "url": self.server.url,
            "token": self.server.token,
            "allow_private": True,
            "attempts": 2,
            "wait_seconds": 0,
            "chunk_records": 4,
            "parallelism": 1,
            "time_zone": "UTC",
            "overlap_seconds": 0,
            "infer_deletes": True,
        }
        return Redcap(RedcapSettings(**{**known, **changed}))

    def change(self):
        """Change a record, or delete one."""
        random, project = self.random, self.project
        project.now += timedelta(seconds=random.choice([0, 0, 1, 30]))
        record = str(random.randrange(12))
        if random.random() < 0.2:
            project.delete(record)
            return
        values = {"note": str(random.random())}
        if not self.longitudinal:
            project.put([Row(record, values)])
        elif random.random() < 0.5:
            project.put([Row(record, values, EVENTS[0])])
        else:
            at = random.randrange(1, 4)
            project.put([Row(record, values, EVENTS[1], "visit", at)])

    def fault(self, params, right):
        """Fail, or let the project change before or after an answer."""
        if not self.faulty:
            return None
        random, body = self.random, right.body
        if random.random() < 0.3:
            self.change()
        if random.random() < 0.6:
            return None
        cut = body[: random.randrange(len(body) + 1)]
        return random.choice(
            [
                Answer(429, b"", headers=[("Retry-After", "0")]),
                Answer(500, b""),
                Answer(200, b"<html>"),
                Answer(200, b'{"error":"REDCap ran out of server memory"}'),
                right._replace(cut=len(body) // 2),
                right._replace(body=cut),
            ]
        )

    def run(self, **changed):
        try:
            self.runs.run(**changed)
        except ReportingError:
            assert self.faulty, "a run without faults succeeds"

    def play(self):
        """Play the history; then the table has what the project has."""
        for _ in range(self.random.randrange(1, 8)):
            for _ in range(self.random.randrange(6)):
                self.change()
            self.faulty = self.random.random() < 0.7
            self.run(full_scan=self.random.random() < 0.2)
        self.faulty = False
        self.run()  # it may only end a reading that was stopped
        self.run()
        table, expected = self.runs.live, self.expected()
        assert {key: table.get(key) for key in expected} == expected, "nothing is lost"
        self.run(full_scan=True)
        assert self.runs.live == expected, "and nothing is there that was deleted"

    def expected(self):
        return {
            "/".join(map(str, key if self.longitudinal else key[:1])): {
                "record_id": row.record,
                **self.place(row),
                "note": row.values["note"],
                "form_1_complete": None,
            }
            for key, row in self.project.rows.items()
        }

    def place(self, row):
        if not self.longitudinal:
            return {}
        return {
            "redcap_event_name": row.event,
            "redcap_repeat_instrument": row.instrument,
            "redcap_repeat_instance": row.instance,
        }


@pytest.fixture(scope="module", params=[False, True], ids=["one row", "events"])
def server(request):
    fields = [field("record_id"), field("note")]
    project = Project(fields, EVENTS if request.param else (), repeating=request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reporting_redcap.source.in_order", one_by_one)
        with serving(project, clock=lambda: project.now) as server:
            yield server


def one_by_one(call, items, at_once):
    """Call in turn, so that a seed replays its history."""
    return map(call, items)


def play(seed, server):
    try:
        History(seed, server, longitudinal=server.project.repeating).play()
    except AssertionError as error:
        error.add_note(f"seed {seed}")
        raise


def test_a_history_loses_nothing(server):
    for seed in range(3):
        play(seed, server)


@pytest.mark.slow
def test_no_history_loses_anything(server):
    for seed in range(3, 100):
        play(seed, server)
