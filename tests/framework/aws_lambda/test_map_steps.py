"""The steps of a state machine, by the one handler: on a real S3, with the example's events."""

import contextlib
import io
import json
import shutil

import pytest

from reporting_framework import run_report
from reporting_framework.aws_lambda.environment import Environment
from reporting_framework.aws_lambda.map_steps import MAX_SPLITS, step_of
from reporting_framework.errors import (
    LocationError,
    NotSupported,
    ObjectMissing,
    StorageUnavailable,
    TriggerError,
)
from reporting_framework.execution.streams import Assembled
from reporting_framework.execution.triggers import MAP
from tests.end_to_end.conftest import EXAMPLE, fill
from tests.framework.aws_lambda.test_environment import Context
from tests.support.plugins import GivenRecords, checkpoint, pipeline

REPORT = "event-log-checkpoint"


@pytest.fixture
def example(s3_environment, bucket):
    fill(s3_environment, bucket)
    return bucket


@pytest.fixture
def function(bucket, capsys):
    """Asks the function for a step; its answer, and the lines that it printed."""
    prepared = Environment(
        {
            "REPORTING_REPORT": REPORT,
            "REPORTING_CONTINUE": "self",
            "SOURCE_BUCKET": bucket,
            "PREFIX": "events/",
            "CHECKPOINT_BUCKET": bucket,
            "CHECKPOINT_KEY": "out/e.parquet",
            "REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT": "4",
        }
    )

    def invoke(step, **more):
        event = {MAP: {"step": step, "correlation_id": "execution-1", **more}}
        with contextlib.redirect_stdout(io.StringIO()):
            return prepared.invoke(event, Context())

    return invoke


def lines(client, answer):
    found = client.get_object(Bucket=answer["bucket"], Key=answer["key"])["Body"].read()
    return [json.loads(line) for line in found.splitlines()]


def unassembled():
    """The report of a function whose source is out of reach."""
    raise AssertionError("a removal needs no report")


def test_plan_read_commit_remove_make_the_bytes_of_a_run(
    example, function, s3_client, tmp_path
):
    work = f"s3://{example}/work"
    planned = function("plan", work=work)
    folder = planned["folder"]
    assert planned == {
        "folder": folder,
        "bucket": example,
        "key": f"{folder.removeprefix(f's3://{example}/')}/items.jsonl",
        "splits": 10,
        "complete": True,
    }
    items = lines(s3_client, planned)
    read = [function("read", folder=folder, item=item)["records"] for item in items]
    done = function("commit", folder=folder)
    assert done["complete"]
    assert sum(read) == done["accepted"] + done["rejected"]
    assert done["accepted"] > 0
    assert set(done) == {
        "report",
        "status",
        "complete",
        "accepted",
        "rejected",
        "duplicates",
        "objects_unread",
    }
    remove = step_of({MAP: {"step": "remove", "folder": folder}})
    assert remove.run(unassembled, 0.0) == {}
    assert function("remove", folder=folder) == {}
    assert "Contents" not in s3_client.list_objects_v2(Bucket=example, Prefix="work/")

    local = tmp_path / "e.parquet"
    shutil.copytree(EXAMPLE, tmp_path / "events")
    run_report(REPORT, {"source": f"{tmp_path}/events", "checkpoint": str(local)})
    found = s3_client.get_object(Bucket=example, Key="out/e.parquet")["Body"].read()
    assert found == local.read_bytes()


def test_an_incomplete_commit_starts_no_run_by_itself(example, function, s3_client):
    """The state machine goes on."""
    planned = function("plan", work=f"s3://{example}/work", max_splits=1)
    assert (planned["splits"], planned["complete"]) == (1, False)
    [item] = lines(s3_client, planned)
    function("read", folder=planned["folder"], item=item)
    done = function("commit", folder=planned["folder"])
    assert (done["complete"], "continued" in done) == (False, False)


def test_a_failed_step_raises_whoever_waits(function, s3_environment, bucket):
    with pytest.raises(ObjectMissing):
        function("commit", folder=f"s3://{bucket}/plans/none")
    item = {"number": 0, "start": 0, "size": 1}
    with pytest.raises(ObjectMissing):
        function("read", folder=f"s3://{bucket}/plans/none", item=item)
    assert function("remove", folder=f"s3://{bucket}/plans/none") == {}


@pytest.mark.parametrize("place", ["plans", "s3://bucket", "memory://plans/x"])
def test_a_work_folder_is_in_s3(function, s3_environment, place):
    with pytest.raises(LocationError, match="a work folder is in a bucket of S3"):
        function("plan", work=place)


@pytest.mark.parametrize(
    ("marker", "where"),
    [
        (None, MAP),
        ({}, MAP),
        ({"step": "begin"}, MAP),
        ({"step": "plan"}, f"{MAP}.plan.work"),
        ({"step": "plan", "work": "s3://b/w", "max_splits": 0}, "max_splits"),
        ({"step": "plan", "work": "s3://b/w", "max_splits": MAX_SPLITS + 1}, "splits"),
        ({"step": "read", "folder": "s3://b/w"}, f"{MAP}.read.item"),
        (
            {"step": "read", "folder": "s3://b/w", "item": {"number": -1}},
            f"{MAP}.read.item",
        ),
        ({"step": "commit", "folder": "s3://b/w", "item": 1}, f"{MAP}.commit.item"),
    ],
)
def test_another_form_is_refused(marker, where):
    with pytest.raises(TriggerError, match="distributed-map") as refused:
        step_of({MAP: marker})
    assert where in str(refused.value)


def test_a_source_with_streams_is_refused_and_closed(tmp_path):
    class Closing(GivenRecords):
        closed = False

        def close(self):
            type(self).closed = True

    made = pipeline(Closing({}), checkpoint(tmp_path / "e.parquet"))
    streams = {"orders": made, "items": StorageUnavailable("it does not answer")}
    step = step_of({MAP: {"step": "plan", "work": "s3://b/work"}})
    with pytest.raises(NotSupported, match="report shop: its source has streams"):
        step.run(lambda: Assembled("shop", streams), 0.0)
    assert Closing.closed
