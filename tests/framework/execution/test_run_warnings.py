"""Warnings of a run, in its result, in the log and in text."""

import json
import logging
import re
import shutil

import pytest
from click.testing import CliRunner

from reporting_framework import Trigger, run_report
from reporting_framework.cli.main import reporting
from reporting_framework.storage import open_store
from tests.support.plugins import checkpoint, event, execute, name_of, pipeline, source

REPORT = "event-log-checkpoint"


@pytest.fixture
def places(tmp_path):
    """Two folders with the same name of a file."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name_of(1)).write_bytes(event(1))
    return str(tmp_path / "one"), str(tmp_path / "two")


@pytest.fixture
def buckets(s3_environment, bucket):
    """Two prefixes with the same name of an object."""
    for folder in ("one", "two"):
        open_store(f"s3://{bucket}/{folder}").put(name_of(1), event(1), if_version=None)
    return f"s3://{bucket}/one", f"s3://{bucket}/two"


def warnings(uri, out, *, dry_run=False, **settings):
    """Warnings of one run of the real source and sink."""
    found = execute(
        pipeline(source(uri), checkpoint(out, **settings)), dry_run=dry_run
    ).warnings
    return [each.partition(": ")[2] for each in found]


def check_changed(found, one, two):
    [warning] = found
    assert warning.startswith(
        f"the source is {two}, and the run before on these outputs read {one}: "
    )
    assert warning.endswith(
        "otherwise give another checkpoint, or run `reporting state test reset` first"
    )


@pytest.mark.parametrize("keep_runs", [500, 0])
def test_another_source_than_that_of_the_run_before_is_warned_of_in_a_bucket(
    buckets, bucket, keep_runs
):
    (one, two), out = buckets, f"s3://{bucket}/out/x.parquet"
    assert warnings(one, out, keep_runs=keep_runs) == []
    assert warnings(f"{one}/", out, keep_runs=keep_runs) == [], "it is the same place"
    check_changed(warnings(two, out, dry_run=True, keep_runs=keep_runs), one, two)
    check_changed(warnings(two, out, keep_runs=keep_runs), one, two)
    assert warnings(two, out, keep_runs=keep_runs) == [], "the run before read this one"


def test_another_source_than_that_of_the_run_before_is_warned_of_in_a_folder(
    places, tmp_path
):
    (one, two), out = places, tmp_path / "out" / "x.parquet"
    assert warnings(one, out) == []
    check_changed(warnings(two, out, dry_run=True), one, two)
    check_changed(warnings(two, out), one, two)
    check_changed(warnings(one, out), two, one)


def test_hints_that_are_gone_leave_the_history_to_say_what_was_read(
    buckets, bucket, s3
):
    (one, two), out = buckets, f"s3://{bucket}/out/x.parquet"
    warnings(one, out)
    s3.client().delete_object(Bucket=bucket, Key="out/_quarantine/x.json")
    check_changed(warnings(two, out), one, two)


def test_a_run_that_failed_on_another_source_is_not_the_run_before(places, tmp_path):
    (one, _), out = places, tmp_path / "out" / "x.parquet"
    warnings(one, out)
    with pytest.raises(Exception, match="no such folder"):
        warnings(tmp_path / "typo", out)
    assert warnings(one, out) == []


def test_another_source_without_any_rows_is_not_warned_of(places, tmp_path):
    (one, two), out = places, tmp_path / "out" / "x.parquet"
    warnings(one, out)
    out.unlink()
    assert warnings(two, out) == []


def test_a_history_that_cannot_be_read_does_not_fail_the_run(places, tmp_path, caplog):
    (one, two), out = places, tmp_path / "out" / "x.parquet"
    warnings(one, out)
    log = next((tmp_path / "out").rglob("runs.ndjson"))
    log.unlink()
    log.mkdir()
    assert warnings(two, out) == []
    assert "whether the source is that of the run before is not known: " in caplog.text


def test_a_warning_is_in_text_in_json_and_in_the_log(tmp_path, caplog):
    config = tmp_path / "reporting.toml"
    config.write_text(
        f'[settings.{REPORT}]\nsource = "{tmp_path}/in"\ncheckpoint = "{tmp_path}/x.parquet"\n'
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name_of(1)).write_bytes(b"{")
    [warning] = run_report(REPORT, config=config).warnings
    assert warning.startswith(
        f"report {REPORT}: nothing was accepted, all 1 records were rejected "
    )
    assert [
        each.getMessage() for each in caplog.records if each.levelno == logging.WARNING
    ] == [warning]
    shutil.rmtree(tmp_path / "_quarantine")
    arguments = ["run", REPORT, "--config", str(config), "--dry-run", "--quiet"]
    done = CliRunner().invoke(reporting, arguments, prog_name="reporting")
    assert re.search(f"^  warning +{re.escape(warning)}$", done.stdout, re.MULTILINE)
    done = CliRunner().invoke(
        reporting, [*arguments, "--format", "json"], prog_name="reporting"
    )
    assert json.loads(done.stdout)["warnings"] == [warning]
    assert f"warning: {warning}" in done.stderr


def test_a_prefix_under_which_nothing_is_there_is_warned_of(buckets, bucket, tmp_path):
    [warning] = execute(
        pipeline(source(f"s3://{bucket}/typo/"), checkpoint(tmp_path / "x.parquet"))
    ).warnings
    assert (
        warning
        == f"source s3://{bucket}/typo: no object was found; check bucket and prefix, which are case-sensitive"
    )


def test_an_object_that_is_given_as_the_source_is_warned_of_with_its_folder(
    buckets, bucket, tmp_path
):
    uri = f"{buckets[0]}/{name_of(1)}"
    [warning] = execute(
        pipeline(source(uri), checkpoint(tmp_path / "x.parquet"))
    ).warnings
    assert (
        warning
        == f"source {uri}: it is an object, not a folder; use its folder, {buckets[0]}"
    )


def test_a_prefix_under_which_something_is_there_is_not_warned_of(
    buckets, bucket, s3, tmp_path
):
    out = tmp_path / "x.parquet"
    for _ in range(2):
        assert execute(pipeline(source(buckets[0]), checkpoint(out))).warnings == []
    s3.client().put_object(Bucket=bucket, Key="other/README.txt", Body=b"")
    assert (
        execute(
            pipeline(source(f"s3://{bucket}/other"), checkpoint(tmp_path / "y.parquet"))
        ).warnings
        == []
    )


def test_a_run_that_lists_nothing_does_not_say_that_nothing_is_there(
    bucket, s3_environment, tmp_path
):
    known = [
        {
            "s3": {"bucket": {"name": "elsewhere"}, "object": {"key": "k"}},
            "eventName": "ObjectCreated:Put",
        }
    ]
    made = source(f"s3://{bucket}/empty")
    made.accept_trigger(Trigger("s3", {"Records": known}, names_work=True))
    assert execute(pipeline(made, checkpoint(tmp_path / "x.parquet"))).warnings == []
    replayed = pipeline(
        source(f"s3://{bucket}/empty"), checkpoint(tmp_path / "y.parquet")
    )
    assert execute(replayed, replay=["gone.json"]).warnings == []
