"""Increments: changes since the last reading, in the server's time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from reporting_framework import run_report
from reporting_framework.errors import SettingsError
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_redcap.settings import RedcapSettings
from reporting_redcap.state import Reading, wants_full
from reporting_redcap.testing import Row, serving
from reporting_redcap.testing.server import Answer
from reporting_redcap.times import increment_begin
from tests.plugins.redcap.projects import numbered, visits


def settings(**more):
    return RedcapSettings(url="https://h/api/", token="t", **more)


@pytest.mark.parametrize(
    ("began", "zone", "begin"),
    [
        ("2026-06-01T12:00:00", "UTC", "2026-06-01 11:55:00"),
        ("2026-06-01T12:00:00", "America/Los_Angeles", "2026-06-01 04:55:00"),
        ("2026-06-01T12:00:00", None, "2026-05-31 23:55:00"),
        # 01:30 comes twice; the hours after the first one have smaller local times
        ("2026-11-01T08:35:00", "America/Los_Angeles", "2026-11-01 00:30:00"),
        ("2026-11-01T09:35:00", "America/Los_Angeles", "2026-11-01 01:30:00"),
        ("2026-03-08T10:35:00", "America/Los_Angeles", "2026-03-08 03:30:00"),
    ],
)
def test_the_beginning_of_an_increment(began, zone, begin):
    at = datetime.fromisoformat(began).replace(tzinfo=UTC)
    assert increment_begin(at, settings(time_zone=zone)) == begin


def test_no_change_after_the_beginning_has_an_earlier_local_time():
    """Around a change of the clock, each minute."""
    zone = ZoneInfo("America/Los_Angeles")
    start = datetime(2026, 11, 1, 5, tzinfo=UTC)
    known = settings(time_zone=zone.key, overlap_seconds=0)
    moments = [start + timedelta(minutes=at) for at in range(0, 480, 7)]
    local = [at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for at in moments]
    for at, began in enumerate(moments):
        assert increment_begin(began, known) <= min(local[at:])


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", None])
def test_a_change_is_found_wherever_the_server_is(reader, zone):
    project = numbered(5)
    made = reader(project, time_zone=zone)
    made.server.zone = ZoneInfo(zone or "Pacific/Pago_Pago")
    now = datetime(2026, 6, 1, tzinfo=UTC)
    made.server.clock = lambda: now
    state = made.read()[-1].position
    project.now = now + timedelta(seconds=1)
    project.put([Row("3", {"number": "30"})])
    later = reader(project, made.server, time_zone=zone)
    assert {"record_id": "3", "number": 30} in later.rows(state)
    if zone is not None:
        assert len(later.rows(state)) == 1
        assert (
            "changed since 2026-0"
            in later.source.describe_hints(KnownObjects(state=state))[0]
        )


def test_a_stopped_reading_goes_on_and_then_finds_changes_since_its_beginning(reader):
    project = numbered(10)
    made = reader(project, chunk_records=4, time_zone="UTC", overlap_seconds=0)
    first = made.read()[0]
    project.now = made.source._project.asked_at + timedelta(seconds=1)
    project.put([Row("0", {"number": "100"})])  # read before, changed after
    rest = reader(project, made.server, time_zone="UTC", overlap_seconds=0)
    batches = rest.read(first.position)
    keys = [key for batch in (first, *batches) for key in batch.source_keys]
    assert sorted(map(int, keys)) == list(range(10))
    last = reader(project, made.server, time_zone="UTC", overlap_seconds=0)
    assert last.rows(batches[-1].position) == [{"record_id": "0", "number": 100}]


def test_a_stopped_reading_ends_if_no_record_is_left(reader):
    project = numbered(6)
    made = reader(project, chunk_records=4, time_zone="UTC", overlap_seconds=0)
    state = made.read()[0].position
    for record in ("4", "5"):
        project.delete(record)
    project.now = made.source._project.asked_at + timedelta(seconds=1)
    project.put([Row("0", {"number": "7"})])
    for rows in ([], [{"record_id": "0", "number": 7}]):
        later = reader(project, made.server, time_zone="UTC", overlap_seconds=0)
        [batch] = later.read(state)
        assert later.rows(state) == rows
        state = batch.position


def test_a_run_stops_after_some_records_and_the_next_one_goes_on(tmp_path):
    project = numbered(10)
    with serving(project) as server:
        given = {
            "url": server.url,
            "token": server.token,
            "allow_private": True,
            "chunk_records": 2,
            "max_records": 3,
            "mode": "upsert",
            "infer_deletes": True,
            "s3_prefix": str(tmp_path),
            "s3_suffix": "a.parquet",
        }
        results = [run_report("redcap-report", given) for _ in range(3)]
    assert [each.accepted for each in results] == [4, 4, 2]
    assert [each.complete for each in results] == [False, False, True]
    assert [each.deleted for each in results] == [0, 0, 0]


def test_a_full_scan_is_due(reader):
    project = numbered(3)
    made = reader(project, full_scan_every_days=7, time_zone="UTC")
    state = made.read()[-1].position
    for days, rows in ((0, 0), (8, 3)):
        scanned = made.source._project.asked_at - timedelta(days=days)
        known = {**state, "scanned": scanned.isoformat()}
        assert len(made.rows(known)) == rows
        assert made.source.plan_stats().snapshot is False
    deleting = reader(project, made.server, infer_deletes=True)
    deleting.read()
    assert deleting.source.plan_stats().snapshot is True
    deleting.read(state)
    assert deleting.source.plan_stats().snapshot is False


def test_each_run_of_a_saved_report_is_a_full_scan(tmp_path, reader):
    project = numbered(3)
    project.reports["7"] = ["record_id", "number"]
    made = reader(project, report_id="7", infer_deletes=True)
    state = made.read()[-1].position
    assert made.source.plan_stats().snapshot is True
    assert len(made.read(state)[0].source_keys) == 3
    assert made.source.plan_stats().snapshot is True
    given = {
        "url": made.server.url,
        "token": made.server.token,
        "allow_private": True,
        "report_id": "7",
        "mode": "upsert",
        "infer_deletes": True,
        "s3_prefix": str(tmp_path),
        "s3_suffix": "a.parquet",
    }
    run_report("redcap-report", given)
    project.delete("1")
    assert [run_report("redcap-report", given).deleted for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("report_id", [None, "7"])
@pytest.mark.parametrize("empty", ["project", "ids", "rows"])
def test_a_full_scan_that_finds_nothing_deletes_nothing(tmp_path, report_id, empty):
    project = numbered(3)
    project.reports["7"] = ["record_id", "number"]
    with serving(project) as server:
        given = {
            "url": server.url,
            "token": server.token,
            "allow_private": True,
            "report_id": report_id,
            "full_scan": report_id is None,
            "mode": "upsert",
            "infer_deletes": True,
            "s3_prefix": str(tmp_path),
            "s3_suffix": "a.parquet",
        }
        assert run_report("redcap-report", given).warnings == []
        if empty == "project":
            for record in "012":
                project.delete(record)
        else:
            server.faults.append(
                lambda params, right: (
                    Answer(200, b"[]")
                    if params["content"][0] in ("record", "report")
                    and (empty == "ids" or "records" in params or report_id)
                    else None
                )
            )
        result = run_report("redcap-report", given)
    assert (result.status, result.deleted) == ("ok", 0)
    [warning] = result.warnings
    assert "a full scan found no record; no row was deleted; check" in warning
    assert "reset the report" in warning
    rows = pl.read_parquet(tmp_path / "prod" / "a.parquet")
    assert rows["_deleted_at"].null_count() == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"fields": ["number"]}, {"fields": ["number", "note"]}),
        ({"fields": ["number"]}, {}),
        ({"forms": ["second"]}, {"forms": ["first"]}),
        ({"filter_logic": "[number] = 1"}, {"filter_logic": "[number] < 3"}),
        ({"values": "codes"}, {"values": "labels"}),
        ({"report_id": "7"}, {}),
        ({"date_begin": "2026-01-05 00:00:00"}, {}),
    ],
)
def test_changed_settings_read_all_records_again(before, after):
    known = settings(**before)
    state = Reading("16", ["record_id"], "2026-06-01", settings=known.fingerprint)
    assert not wants_full(state._asdict(), settings(**before, chunk_records=7))
    assert wants_full(state._asdict(), settings(**after))
    stopped = state._replace(full=True, last="3")
    assert wants_full(stopped._asdict(), settings(**after))


def test_a_field_that_is_read_later_is_read_of_old_records_too(reader):
    project = numbered(3)
    made = reader(project, fields=["record_id"], time_zone="UTC")
    state = made.read()[-1].position
    assert made.rows(state) == []
    wider = reader(
        project, made.server, fields=["number"], time_zone="UTC", infer_deletes=True
    )
    assert len(wider.rows(state)) == 3
    assert wider.source.plan_stats().snapshot is True
    [hint] = wider.source.describe_hints(KnownObjects(state=state))
    assert hint == "Reads all records."
    assert wider.rows(wider.read()[-1].position) == []


def test_a_date_to_begin_with(reader):
    project = numbered(3)
    project.now += timedelta(days=9)
    project.put([Row("1", {"number": "1"})])
    made = reader(project, date_begin="2026-01-05 00:00:00", infer_deletes=True)
    assert made.rows() == [{"record_id": "1", "number": 1}]
    assert made.source.plan_stats().snapshot is False
    assert made.read()[-1].position["scanned"], "a full scan is not due again"


def test_a_project_of_another_shape_is_refused(reader):
    state = reader(numbered(3)).read()[-1].position
    with pytest.raises(SettingsError, match=r"identified by record_id, and now by"):
        reader(visits(1)).read(state)
    other = {**state, "project": "17"}
    assert len(reader(numbered(3)).rows(other)) == 3, "it is read from the beginning"


def test_rejected_rows_are_replayed(reader):
    project = numbered(5)
    project.put([Row("2", {"number": "two"})])
    made = reader(project)
    [rejection] = made.read()[0].rejected
    project.put([Row("2", {"number": "2"})])
    again = reader(project, made.server)
    [split] = again.source.plan_replay([rejection.source_key, "8"])
    [batch] = again.source.read(split)
    assert list(batch.source_keys) == ["2"]
    assert [each.source_key for each in batch.unread] == ["8"]


def test_a_clock_that_is_ahead_is_not_believed(reader):
    made = reader(numbered(1))
    made.server.clock = lambda: datetime.now(UTC) + timedelta(days=1)
    state = made.read()[-1].position
    assert datetime.fromisoformat(state["began"]) <= datetime.now(UTC)


def test_rows_that_are_gone_or_not_to_be_had_are_named_in_a_replay(reader):
    project = numbered(2)
    project.reports["7"] = ["record_id", "number"]
    for settings in ({}, {"report_id": "7"}):
        made = reader(project, **settings)
        [split] = made.source.plan_replay(["1", "9"])
        [batch] = made.source.read(split)
        assert list(batch.source_keys) == ["1"]
        assert [(each.source_key, each.reason) for each in batch.unread] == [
            ("9", "missing")
        ]
    [split] = made.source.plan_replay(["9"])
    made.server.faults.append(lambda params, right: Answer(503, b""))
    other = reader(project, made.server)
    [batch] = other.source.read(split)
    assert [each.reason for each in batch.unread] == ["unavailable"]


def test_what_the_next_run_reads_is_said(reader):
    project = numbered(5)
    project.reports["7"] = ["record_id"]
    made = reader(project, chunk_records=2)

    def said(state, source=made.source):
        return source.describe_hints(KnownObjects(state=state))

    assert said(None) == ["Reads all records."]
    first = made.read()[0].position
    assert said(first) == ["Goes on reading records, from where a run was stopped."]
    report = reader(project, made.server, report_id="7")
    assert said(None, report.source) == ["Reads the whole report."]
    check = made.source.health_checks(write=False)["source"]()
    assert (check.status, check.found) == ("ok", "project 16: 3 columns")
