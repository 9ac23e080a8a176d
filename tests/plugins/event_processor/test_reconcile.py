"""``reporting reconcile event-processor``: the archive against the counters."""

import gzip
import json

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from tests.plugins.event_processor.conftest import counters_of

DAY = "year=2024/month=01/day=06/hour=19"
HOUR = ("exp_x#variant#none#hour#2024-01-06-19", "event_type#click")
WHOLE = ("exp_x#variant#none#day#2024-01-06", "event_type#click")


def event(number, user, **more):
    known = {"event_id": f"e-{number}", "event_type": "click", "user_id": user, "experiment_id": "x"}
    return {
        **known,
        "timestamp": "2024-01-06T19:05:00.000000Z",
        "properties": {"a": 1},
        "source_key": f"s:{number}",
        **more,
    }


def archive(places, key, *events):
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in events)
    places.client("s3").put_object(Bucket=places.bucket, Key=key, Body=gzip.compress(lines))


def count(places, key, events, users=None):
    item = {"partition_key": {"S": key[0]}, "sort_key": {"S": key[1]}, "event_count": {"N": str(events)}}
    if users is not None:
        item["unique_users"] = {"N": str(users)}
    places.client("dynamodb").put_item(TableName=places.table, Item=item)


def invoke(*arguments):
    return CliRunner().invoke(reporting, ["reconcile", "event-processor", *arguments], prog_name="reporting")


@pytest.fixture
def archived(places):
    """Three events of two users, one of them twice in the archive, and one of the day before."""
    archive(places, f"{DAY}/a.ndjson.gz", event(1, "u"), event(2, "u"))
    archive(places, f"{DAY}/b.ndjson.gz", event(2, "u"), event(3, "v"))
    archive(places, "year=2024/month=01/day=05/hour=23/c.ndjson.gz", event(9, "w", timestamp="2024-01-05T23:00:00Z"))
    return places


def test_counters_that_are_what_the_archive_says(archived):
    for key in (HOUR, WHOLE):
        count(archived, key, 3, 2)
    done = invoke("--from", "2024-01-06")
    assert (done.exit_code, done.stdout) == (0, "2 counters compared, 0 differ\n")


def test_differences_are_shown_and_repaired_when_asked_for(archived):
    count(archived, HOUR, 4, 2)
    done = invoke("--from", "2024-01-06", "--format", "json")
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert told["counters"] == 2
    assert [(each["partition_key"], each["event_count"], each["archived_events"], each["unique_users"], each["archived_users"]) for each in told["differences"]] == [
        (WHOLE[0], 0, 3, 0, 2), (HOUR[0], 4, 3, 2, 2),
    ]  # fmt: skip
    done = invoke("--from", "2024-01-06", "--fix")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "2 counters compared, 2 differ"
    assert done.stdout.count("fixed") == 2
    assert counters_of(archived) == {HOUR: (3, 2), WHOLE: (3, 2)}
    assert invoke("--from", "2024-01-06").exit_code == 0


def test_several_days_and_days_without_an_archive(archived):
    done = invoke("--from", "2024-01-04", "--to", "2024-01-06", "--format", "json")
    assert json.loads(done.stdout)["counters"] == 4
    done = invoke("--from", "2024-01-01")
    assert (done.exit_code, done.stdout) == (0, "0 counters compared, 0 differ\n")


def test_where_users_are_not_counted_they_are_not_compared(archived):
    for key in (HOUR, WHOLE):
        count(archived, key, 3)
    assert invoke("--from", "2024-01-06", "--set", "delivery=at-least-once").exit_code == 0
    assert invoke("--from", "2024-01-06").exit_code == 3


def test_a_counter_that_changes_meanwhile_is_left_alone(archived, monkeypatch):
    count(archived, HOUR, 1, 1)
    from reporting_event_processor import reconcile

    stored = reconcile._stored

    def then_counted(table, rows):
        found = stored(table, rows)
        count(archived, HOUR, 2, 2)
        return found

    monkeypatch.setattr(reconcile, "_stored", then_counted)
    done = invoke("--from", "2024-01-06", "--fix")
    assert done.exit_code == 3
    assert "changed meanwhile; run again" in done.stdout
    assert counters_of(archived) == {HOUR: (2, 2), WHOLE: (3, 2)}


def test_an_archive_in_a_folder(places, tmp_path):
    done = invoke("--from", "2024-01-06", "--set", f"archive={tmp_path}")
    assert (done.exit_code, done.stdout) == (0, "0 counters compared, 0 differ\n")


def test_usage():
    assert "--to is before --from" in invoke("--from", "2024-01-06", "--to", "2024-01-05").stderr
    assert "does not match the format" in invoke("--from", "January").stderr
    assert "'event-log' is not 'event-processor'" in CliRunner().invoke(reporting, ["reconcile", "event-log"]).stderr
