"""`RunResult` as others read it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from reporting_framework.plugin_api.result import RunRecord, RunResult

NEWEST = datetime(2024, 5, 1, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        NEWEST,
        NEWEST.replace(tzinfo=None),
        NEWEST.replace(tzinfo=ZoneInfo("Etc/UTC")),
        NEWEST.astimezone(timezone(timedelta(hours=-5))),
        NEWEST.astimezone(ZoneInfo("Europe/Berlin")),
    ],
    ids=str,
)
def test_the_newest_timestamp_ends_in_z_whatever_zone_a_sink_gives(moment):
    result = RunResult(
        report="r",
        run_id="i",
        status="ok",
        complete=True,
        last_processed_timestamp=moment,
    )
    record = RunRecord(
        report="r", run_id="i", status="ok", complete=True, started_at=NEWEST, finished_at=NEWEST,
        last_processed_timestamp=moment,
    )  # fmt: skip
    for each in (result, record):
        assert (
            json.loads(each.model_dump_json())["last_processed_timestamp"]
            == "2024-05-01T09:15:00Z"
        )
        assert (
            each.model_dump(mode="json")["last_processed_timestamp"]
            == "2024-05-01T09:15:00Z"
        )
        assert type(each).model_validate_json(each.model_dump_json()) == each
