"""``reporting counters event-processor verify``: the archive against the counters."""

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
    known = {
        "event_id": f"e-{number}",
        "event_type": "click",
        "user_id": user,
        "experiment_id": "x",
    }
    return {
        **known,
        "timestamp": "2024-01-06T19:05:00.000000Z",
        "properties": {"a": 1},
        "source_key": f"s:{number}",
        **more,
    }


def archive(places, key, *events):
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in events)
    places.client("s3").put_object(
        Bucket=places.bucket, Key=key, Body=gzip.compress(lines)
    )


def count(places, key, events, users=None):
    item = {
        "partition_key": {"S": key[0]},
        "sort_key": {"S": key[1]},
        "event_count": {"N": str(events)},
    }
    if users is not None:
        item["unique_users"] = {"N": str(users)}
    places.client("dynamodb").put_item(TableName=places.table, Item=item)


def invoke(*arguments):
    return CliRunner().invoke(
        reporting,
        ["counters", "event-processor", "verify", *arguments],
        prog_name="reporting",
    )


@pytest.fixture
def archived(places):
    """Three events of two users, one of them twice in the archive, and one of the day before."""
    archive(places, f"{DAY}/a.ndjson.gz", event(1, "u"), event(2, "u"))
    archive(places, f"{DAY}/b.ndjson.gz", event(2, "u"), event(3, "v"))
    archive(
        places,
        "year=2024/month=01/day=05/hour=23/c.ndjson.gz",
        event(9, "w", timestamp="2024-01-05T23:00:00Z"),
    )
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
    assert done.exit_code == 3
    assert done.stdout.splitlines()[0] == "2 counters compared, 2 differ"
    assert (
        done.stdout.count("fixed"),
        done.stdout.count("more is counted than archived; use --lower"),
    ) == (1, 1)
    assert counters_of(archived) == {HOUR: (4, 2), WHOLE: (3, 2)}
    assert invoke("--from", "2024-01-06", "--fix", "--lower").exit_code == 0
    assert counters_of(archived) == {HOUR: (3, 2), WHOLE: (3, 2)}
    assert invoke("--from", "2024-01-06").exit_code == 0


def test_several_days_and_days_without_an_archive(archived):
    done = invoke("--from", "2024-01-04", "--to", "2024-01-06", "--format", "json")
    assert json.loads(done.stdout)["counters"] == 4
    done = invoke("--from", "2024-01-01")
    assert (done.exit_code, done.stdout) == (3, "0 counters compared, 0 differ\n")
    assert (
        done.stderr
        == f"warning: s3://{archived.bucket}/: nothing is archived for these days\n"
    )


def test_where_users_are_not_counted_they_are_not_compared(archived):
    for key in (HOUR, WHOLE):
        count(archived, key, 3)
    assert (
        invoke("--from", "2024-01-06", "--set", "delivery=at-least-once").exit_code == 0
    )
    assert invoke("--from", "2024-01-06").exit_code == 3


def test_a_counter_that_changes_meanwhile_is_left_alone(archived, monkeypatch):
    count(archived, HOUR, 1, 1)
    from reporting_event_processor import verify

    stored = verify._stored

    def then_counted(table, keys):
        found = stored(table, keys)
        count(archived, HOUR, 2, 2)
        return found

    monkeypatch.setattr(verify, "_stored", then_counted)
    done = invoke("--from", "2024-01-06", "--fix")
    assert done.exit_code == 3
    assert "changed meanwhile; run again" in done.stdout
    assert counters_of(archived) == {HOUR: (2, 2), WHOLE: (3, 2)}


def test_an_archive_in_a_folder(places, tmp_path):
    done = invoke("--from", "2024-01-06", "--set", f"archive={tmp_path}")
    assert (done.exit_code, done.stdout) == (3, "0 counters compared, 0 differ\n")


def test_usage():
    assert (
        "--lower: only with --fix" in invoke("--from", "2024-01-06", "--lower").stderr
    )
    assert (
        "--to: must not be before --from"
        in invoke("--from", "2024-01-06", "--to", "2024-01-05").stderr
    )
    assert "does not match the format" in invoke("--from", "January").stderr
    assert (
        "No such command 'event-log'"
        in CliRunner().invoke(reporting, ["counters", "event-log"]).stderr
    )


def test_what_is_counted_while_the_archive_is_read_is_not_taken_away(
    archived, monkeypatch
):
    for key in (HOUR, WHOLE):
        count(archived, key, 3, 2)
    from reporting_event_processor import verify

    fold, folds = verify.archive_totals, []

    def meanwhile(settings, days):
        found = fold(settings, days)
        if not folds:  # an event arrives while the archive is read for the first time
            archive(archived, f"{DAY}/d.ndjson.gz", event(4, "z"))
            for key in (HOUR, WHOLE):
                count(archived, key, 4, 3)
        folds.append(1)
        return found

    monkeypatch.setattr(verify, "archive_totals", meanwhile)
    assert invoke("--from", "2024-01-06", "--fix").exit_code == 0
    assert counters_of(archived) == {HOUR: (4, 3), WHOLE: (4, 3)}


def test_ids_that_repeat_with_other_content_are_shown_and_not_repaired(archived):
    later = {"timestamp": "2024-01-06T10:00:00Z", "source_key": "s:7"}
    archive(
        archived,
        "year=2024/month=01/day=06/hour=10/e.ndjson.gz",
        event(1, "u", **later),
    )
    for key in (HOUR, WHOLE):
        count(archived, key, 3, 2)
    assert invoke("--from", "2024-01-06").exit_code == 0, (
        "the first of its shard counts"
    )
    count(archived, HOUR, 2, 2)
    done = invoke("--from", "2024-01-06", "--fix")
    assert done.exit_code == 3
    assert "event ids repeat with different content" in done.stdout
    assert counters_of(archived)[HOUR] == (2, 2)


def test_numbers_of_any_length_and_other_objects_are_no_matter(archived):
    archive(archived, f"{DAY}/long.ndjson.gz", event(5, "q", properties={"n": 10**60}))
    archived.client("s3").put_object(
        Bucket=archived.bucket, Key=f"{DAY}/note.txt", Body=b"secret"
    )
    done = invoke("--from", "2024-01-06", "--format", "json")
    assert {
        each["archived_events"] for each in json.loads(done.stdout)["differences"]
    } == {4}


@pytest.mark.parametrize(
    "body",
    [b"secret", gzip.compress(b"secret\n"), gzip.compress(b"{}\n")[:-3]],
    ids=["text", "no JSON", "cut"],
)
def test_an_object_that_is_none_of_the_archive_is_named(archived, body):
    archived.client("s3").put_object(
        Bucket=archived.bucket, Key=f"{DAY}/odd.ndjson.gz", Body=body
    )
    done = invoke("--from", "2024-01-06")
    assert done.exit_code == 1
    assert done.stderr.endswith(
        "hour=19/odd.ndjson.gz: not an object of the archive; move it out of the archive\n"
    )
    assert "secret" not in done.stderr


def test_a_table_that_is_not_there(archived):
    done = invoke("--from", "2024-01-06", "--set", "dynamodb_table=nothere")
    assert (done.exit_code, done.stderr.partition(";")[0][:40]) != (0, "")
    assert "nothere" in done.stderr
    assert "Traceback" not in done.stderr


def test_days_before_the_year_1000(archived):
    archive(
        archived,
        "year=0001/month=01/day=01/hour=00/a.ndjson.gz",
        event(1, "u", timestamp="0001-01-01T00:00:00Z"),
    )
    from datetime import date

    from reporting_event_processor.settings import EventProcessorSettings
    from reporting_event_processor.verify import verify

    settings = EventProcessorSettings(
        dynamodb_table=archived.table, s3_bucket=archived.bucket
    )
    assert verify(settings, [date(1, 1, 1)], fix=False)[0] == 2


def test_a_day_that_is_not_over_is_not_repaired(places):
    done = invoke("--from", "2999-01-01", "--fix")
    assert (
        done.exit_code,
        "the days must have ended at least an hour ago"
        in " ".join(done.stderr.split()),
    ) == (2, True)
