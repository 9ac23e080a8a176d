"""A record that was rejected, its validator put right, the replay: by the real commands, on a folder and on S3."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting as program
from reporting_framework.storage import open_store
from tests.support.events import made_of

REPORTING = Path(sys.executable).with_name("reporting")
GOOD, WITHOUT, BROKEN = (
    f"log-submit-20240105-10000{number}-101-ingest-P1-{number}.json"
    for number in range(3)
)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def base(request, tmp_path):
    """Where the source and the checkpoint are."""
    if request.param == "folder":
        return str(tmp_path)
    request.getfixturevalue("s3_environment")
    return f"s3://{request.getfixturevalue('bucket')}"


@pytest.fixture(params=["here", pytest.param("processes", marks=pytest.mark.slow)])
def reporting(request, base, tmp_path, monkeypatch):
    """Runs a command to its end, with the report's settings in a file, in this process or one of its own."""
    monkeypatch.chdir(tmp_path)
    settings = f'[settings.event-log-checkpoint]\nsource = "{base}/in"\ncheckpoint = "{base}/out/events.parquet"\n'
    (tmp_path / "reporting.toml").write_text(settings)

    def command(*words, code=0):
        words = [*words, "--format", "json"]
        if request.param == "here":
            found = CliRunner().invoke(program, words)
            assert found.exit_code == code, found.output
            return json.loads(found.stdout)
        done = subprocess.run([REPORTING, *words], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return command


def test_a_rejected_record_is_replayed_and_lands_once(reporting, base):
    source = open_store(f"{base}/in")
    source.put(GOOD, made_of(), if_version=None)
    source.put(WITHOUT, made_of(visit_number="-"), if_version=None)
    source.put(BROKEN, b"no JSON", if_version=None)
    report = "event-log-checkpoint"
    first = reporting("run", report)
    assert (first["accepted"], first["rejected"]) == (1, 2)
    reasons = reporting("quarantine", report)
    assert [
        (each["error_type"], each["field"], each["example"]) for each in reasons
    ] == [
        ("json_invalid", None, BROKEN),
        ("missing", "visit_number", WITHOUT),
    ]
    assert (
        reporting("run", report, "--validator", "visit-event-v2")["records_read"] == 0
    ), "a run leaves it alone"

    replayed = reporting(
        "quarantine",
        report,
        "replay",
        "--field",
        "visit_number",
        "--validator",
        "visit-event-v2",
    )
    assert (
        replayed["status"],
        replayed["records_read"],
        replayed["accepted"],
        replayed["rejected"],
    ) == ("ok", 1, 1, 0)
    again = reporting(
        "quarantine",
        report,
        "replay",
        "--field",
        "visit_number",
        "--validator",
        "visit-event-v2",
    )
    assert (again["records_read"], again["accepted"]) == (0, 0)
    table = pl.read_parquet(open_store(f"{base}/out").get("events.parquet").data)
    assert table["source_key"].to_list() == [GOOD, WITHOUT]
    assert [each["source_key"] for each in reporting("quarantine", report, "show")] == [
        BROKEN
    ]

    runs = reporting("history", report)
    assert [(run["run_id"], run["replay"]) for run in runs if run["accepted"]] == [
        (replayed["run_id"], True),
        (first["run_id"], False),
    ]
    traced = json.dumps(reporting("trace", report, "--source-key", WITHOUT))
    assert replayed["run_id"] in traced
    assert "visit-event-v2" in traced

    state = reporting("state", report)
    assert [
        (each["kind"], each["rows"])
        for each in state["stored_artifacts"]
        if each["rows"] is not None
    ] == [
        ("output", 2),
        ("quarantine", 1),
    ]
    assert reporting("freshness", report, "--max-age", "1h")["basis"] == "history"
    assert (
        reporting("freshness", report, "--max-age", "1h", "--of", "data", code=6)[
            "state"
        ]
        == "stale"
    )
    assert {
        each["status"]
        for each in reporting("doctor", report, "--write")
        if each["check"] != "temporary folder"
    } == {"ok"}
