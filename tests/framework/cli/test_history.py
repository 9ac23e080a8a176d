"""``reporting history``: what the last runs did, as it was kept."""

import json

import pytest
from click.testing import CliRunner

from reporting_framework import LocationError, run_report
from reporting_framework.cli.history import status_of, versions_of
from reporting_framework.cli.main import reporting
from tests.framework.metadata.test_history_promises import FULL, record

REPORT = "event-log-checkpoint"


@pytest.fixture
def places(tmp_path):
    """A folder of one bad event, which two runs have read, before a third one failed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "log-submit-20240101-000000-1-p-SYN-1.json").write_bytes(b"{}")
    settings = {"source": f"{tmp_path}/in", "checkpoint": f"{tmp_path}/out.parquet"}
    for source in (settings["source"], settings["source"], f"{tmp_path}/nowhere"):
        try:
            run_report(REPORT, settings | {"source": source})
        except LocationError:
            assert source.endswith("nowhere")
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def invoke(*arguments):
    return CliRunner().invoke(
        reporting, ["history", REPORT, *arguments], prog_name="reporting"
    )


def test_the_last_runs_the_newest_first(places):
    done = invoke(*places)
    assert (done.exit_code, done.stderr) == (0, "")
    head, *lines = done.stdout.splitlines()
    assert head.split() == [
        "started",
        "(UTC)",
        "status",
        "read",
        "accepted",
        "rejected",
        "unread",
        "seconds",
        "run",
        "versions",
    ]
    assert [line.split()[2] for line in lines] == ["failed", "ok", "ok"]
    assert "failed (LocationError)" in lines[0]
    assert lines[2].split()[3:7] == ["1", "0", "1", "0"]
    assert (
        "reporting-framework 0.1.0, reporting-event-log-checkpoint 0.1.0, reporting-object-store"
        in lines[2]
    )
    assert len(invoke(*places, "--limit", "1").stdout.splitlines()) == 2


def test_the_records_as_json(places):
    found = json.loads(invoke(*places, "--format", "json").stdout)
    assert [each["status"] for each in found] == ["failed", "ok", "ok"]
    assert found[2]["inputs"] == [places[1]]
    assert {
        (step["role"], step["name"], step["distribution"]) for step in found[2]["steps"]
    } == {
        ("source", "object-store-json", "reporting-object-store"),
        ("validator", "visit-event", "reporting-event-log-checkpoint"),
        ("sink", "parquet-checkpoint", "reporting-object-store"),
        ("engine", "local", "reporting-framework"),
    }


def test_before_the_first_run_there_is_nothing(tmp_path):
    places = ["--source", f"{tmp_path}/in", "--checkpoint", f"{tmp_path}/out.parquet"]
    done = invoke(*places)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "the history has no run yet; run the report first\n"
    assert invoke(*places, "--format", "json").stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_without_a_history_that_is_said(places):
    done = invoke(*places, "--keep-runs", "0")
    assert done.exit_code == 2
    assert "no sink keeps a history of runs (parquet-checkpoint)" in done.stderr


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({}, "ok"),
        (
            {"status": "partial", "complete": False},
            "partial (stopped at the deadline or a limit)",
        ),
        (
            {"status": "partial", "complete": False, "cut_short": True},
            "partial (not all pages read)",
        ),
        (
            {"status": "failed", "complete": False, "error": "StepFailed"},
            "failed (StepFailed)",
        ),
        ({"replay": True}, "ok (replay)"),
        (
            {"status": "partial", "complete": False, "replay": True},
            "partial (stopped at the deadline or a limit, replay)",
        ),
    ],
)
def test_how_a_run_ended(changed, text):
    assert status_of(record(1).model_copy(update=changed)) == text


def test_a_record_that_does_not_tell_versions():
    assert versions_of(record(1)) == []
    assert versions_of(FULL) == ["reporting-framework 1", "d 1"]
