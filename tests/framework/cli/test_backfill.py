"""`reporting backfill`: a past period in chunks, estimated before and continued after a kill."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from tests.support.events import made_of

REPORT = "event-log-checkpoint"
JANUARY = ("--from", "2024-01-05", "--to", "2024-01-10")
PROGRAM = "from reporting_framework.cli.main import reporting; reporting()"


def invoke(command: str, *words: str, code: int = 0):
    done = CliRunner().invoke(
        reporting, [command, REPORT, *words], prog_name="reporting"
    )
    assert done.exit_code == code, done.output
    return done


def as_json(command: str, *words: str, code: int = 0):
    return json.loads(invoke(command, *words, "--format", "json", code=code).stdout)


def name(day: str, number: int = 0) -> str:
    return f"log-submit-{day}-1000{number:02d}-101-ingest-P1-{number}.json"


def event(day: str, number: int = 0) -> bytes:
    moment = f"{day[:4]}-{day[4:6]}-{day[6:]}T10:00:{number:02d}Z"
    return made_of(visit_number=str(number), timestamp=moment)


@pytest.fixture
def project(settled, tmp_path) -> Path:
    """Ten events on each day of January 1 to 20, and an object without a date."""
    events = tmp_path / "events"
    events.mkdir()
    for day in range(1, 21):
        for number in range(10):
            text = f"202401{day:02d}"
            (events / name(text, number)).write_bytes(event(text, number))
    (events / "log-undated.json").write_bytes(event("20240105", 59))
    return settled(events, tmp_path / "out" / "e.parquet")


def days(project: Path) -> dict[str, int]:
    """Rows of each day."""
    rows = pl.read_parquet(project / "out" / "e.parquet")
    assert rows["source_key"].n_unique() == rows.height
    counted = rows.group_by(rows["timestamp"].dt.date().cast(pl.String)).len()
    return dict(counted.sort("timestamp").iter_rows())


@pytest.mark.parametrize(
    "engine", ["local", pytest.param("processes", marks=pytest.mark.slow)]
)
def test_the_estimate_is_what_is_then_read_and_nothing_else(project, engine):
    sizes = [
        path.stat().st_size
        for day in range(5, 11)
        for path in (project / "events").glob(f"*-202401{day:02d}-*")
    ]
    planned = as_json("backfill", *JANUARY, "--dry-run")
    estimate = planned["estimate"]
    assert not (project / "out").exists()
    assert (estimate["objects"], estimate["bytes"]) == (60, sum(sizes))
    assert estimate["without_date"] == 1
    done = as_json(
        "backfill", *JANUARY, "--yes", "--engine", engine, "--chunk-objects", "25"
    )
    assert done["complete"]
    assert (done["chunks_done"], done["accepted"], done["records_read"]) == (3, 60, 60)
    assert done["traffic"]["bytes_read"] > sum(sizes)  # and the table in each chunk
    assert "requests" not in done["traffic"]
    assert days(project) == {f"2024-01-{day:02d}": 10 for day in range(5, 11)}
    rest = as_json("run")  # the next run takes all others
    assert (rest["accepted"], rest["listing"]) == (141, "full")


def test_what_is_there_already_is_left_out_unless_it_is_asked_for(project):
    invoke("backfill", *JANUARY, "--yes")
    later = ("--from", "2024-01-10", "--to", "2024-01-11")
    estimate = as_json("backfill", *later, "--dry-run")["estimate"]
    assert (estimate["objects"], estimate["already_taken"]) == (10, 10)
    again = as_json("backfill", *later, "--again", "--yes")
    assert (again["records_read"], again["accepted"], again["duplicates"]) == (
        20,
        10,
        10,
    )
    done = invoke("backfill", *later)  # nothing to confirm
    assert "objects to read  0 (0 bytes)" in done.stdout


def test_rejected_objects_are_in_quarantine_and_not_read_twice(project):
    (project / "events" / name("20240107", 3)).write_bytes(made_of(ptid="-"))
    done = as_json("backfill", *JANUARY, "--yes", "--max-rejected", "0", code=3)
    assert (done["accepted"], done["rejected"]) == (59, 1)
    assert as_json("backfill", *JANUARY, "--yes")["estimate"]["objects"] == 0
    again = as_json("backfill", *JANUARY, "--yes", "--again")
    assert (again["duplicates"], again["rejected"]) == (59, 1)


def test_a_time_budget_ends_it_between_chunks_and_keeps_what_is_done(project):
    words = (*JANUARY, "--yes", "--chunk-objects", "20")
    done = as_json("backfill", *words, "--time-budget", "0.001", code=5)
    assert (done["complete"], done["chunks_done"], done["accepted"]) == (False, 1, 20)
    done = invoke("backfill", *words)
    assert "objects to read  40 (" in done.stdout
    assert "chunk 2 of 2, 2024-01-09 to 2024-01-10: 20 objects" in done.stderr
    assert "  chunks    2 of 2\n" in done.stdout


def test_an_error_says_how_to_go_on(project):
    check = '{ check = "row_count", max = 30, severity = "fail" }'
    settings = (project / "reporting.toml").read_text()
    (project / "reporting.toml").write_text(f"{settings}checks = [{check}]\n")
    done = invoke("backfill", *JANUARY, "--yes", "--chunk-objects", "20", code=1)
    assert "stopped after 1 of 3 chunks, which are kept; to go on, run" in done.stderr
    assert sum(days(project).values()) == 20


def test_a_killed_backfill_goes_on_without_losing_or_doubling_anything(project):
    words = ["backfill", REPORT, *JANUARY, "--yes", "--chunk-objects", "2"]
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=project,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert started.stderr is not None
        line = next(line for line in started.stderr if line.startswith("chunk 3 of 30"))
    finally:
        started.kill()
        started.communicate()
    assert "2 objects, 2 accepted, 0 rejected" in line
    done = as_json("backfill", *JANUARY, "--yes", "--chunk-objects", "25")
    assert done["complete"]
    assert 0 < done["estimate"]["objects"] == done["accepted"] < 55
    assert days(project) == {f"2024-01-{day:02d}": 10 for day in range(5, 11)}
    written = (project / "out" / "e.parquet").read_bytes()
    shutil.rmtree(project / "out")
    invoke("backfill", *JANUARY, "--yes")  # in one chunk, never killed
    assert (project / "out" / "e.parquet").read_bytes() == written


def test_a_bucket_is_read_as_estimated_and_its_hints_stay(
    s3_environment, proxy, bucket, s3_client, settled, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    project = settled(f"s3://{bucket}/events", f"s3://{bucket}/out/e.parquet")
    assert project.exists()
    for day in ("20240601", "20240602"):
        s3_client.put_object(Bucket=bucket, Key=f"events/{name(day)}", Body=event(day))
    invoke("run", "--quiet")
    for number in range(5):  # too late for the look-back of ordinary runs
        key, body = name("20240105", number), event("20240105", number)
        s3_client.put_object(Bucket=bucket, Key=f"events/{key}", Body=body)
    before = as_json("run")
    assert (before["listing"], before["accepted"]) == ("window", 0)
    hints = as_json("state", "show")["hints"]
    proxy.requests.clear()
    done = as_json("backfill", *JANUARY, "--yes", "--chunk-objects", "2")
    estimate = done["estimate"]
    read = [each for each in proxy.requests if each.key.startswith("events/")]
    assert len(read) == estimate["get_requests"] == done["accepted"] == 5
    lists = [
        each.query.get("prefix", "") for each in proxy.requests if each.kind == "LIST"
    ]
    assert lists.count("events/") == estimate["list_requests"] == 1
    assert estimate["request_cost"] == pytest.approx(0.000005 + 5 * 0.0000004)
    assert as_json("state", "show")["hints"] == hints
    after = as_json("run")
    assert (after["listing"], after["listed_from"]) == ("window", before["listed_from"])
    assert (after["accepted"], after["outputs"][0]["rows"]) == (0, 7)


def test_prices_can_be_replaced(project):
    table = project / "prices.toml"
    fields = {
        "date": "2030-01-01",
        "region": '"moon"',
        "currency": '"EUR"',
        "list_request": 0,
        "get_request": 0,
        "lambda_request": 0.5,
        "lambda_gb_second": 2,
        "lambda_memory_mb": 1024,
        "objects_per_second": 6,
        "bytes_per_second": 1e9,
    }
    table.write_text("".join(f"{key} = {value}\n" for key, value in fields.items()))
    words = ("--dry-run", "--price-table", str(table))
    estimate = as_json("backfill", *JANUARY, *words)["estimate"]
    assert (estimate["seconds"], estimate["gb_seconds"]) == (10, 10)
    assert estimate["lambda_cost"] == 20.5
    assert (
        "20.5000 EUR (prices of 2030-01-01, moon;"
        in invoke("backfill", *JANUARY, *words).stdout
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory; check the path"),
        ("region =", "not a TOML file: Invalid value (at end of document); fix it"),
        ('region = "moon"', "date: Field required; the fields are date, region, cur"),
    ],
)
def test_a_table_that_has_no_prices_is_refused(project, text, message):
    if text is not None:
        (project / "prices.toml").write_text(text)
    words = (*JANUARY, "--dry-run", "--price-table", "prices.toml")
    done = invoke("backfill", *words, code=2)
    assert f"error: price table prices.toml: {message}" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "2024-13-01", "--to", "2024-01-01"), "give YYYY-MM-DD, such as"),
        (("--from", "20240101", "--to", "2024-01-01"), "'20240101' is not a date"),
        (
            ("--from", "2024-02-01", "--to", "2024-01-31"),
            "--from 2024-02-01 is after --to 2024-01-31; exchange them",
        ),
        (JANUARY, "confirmation required, but stdin is not a terminal; pass --yes"),
    ],
)
def test_what_is_no_period_or_not_confirmed_is_refused(project, words, message):
    assert message in invoke("backfill", *words, code=2).stderr
    assert not (project / "out").exists()


UNDATED = 'source = { use = "object-store-json", uri = "events" }'
DATED = UNDATED.replace(
    " }", ', name_pattern = "(?P<range>log-submit-)(?P<timestamp>[0-9]{8})" }'
)
FRAMES = 'source = { use = "files", uri = "events/*.csv" }'
PARQUET = '{ use = "parquet-checkpoint", uri = "out/x.parquet" }'
ARCHIVE = '{ use = "ndjson-archive", uri = "out" }'


@pytest.mark.parametrize(
    ("source", "sinks", "message"),
    [
        (FRAMES, PARQUET, "source files cannot tell which of its records are of a"),
        (UNDATED, PARQUET, "names have no dates, as name_pattern is not set; set it"),
        (DATED, ARCHIVE, "it would get rows twice; add a sink that keeps one"),
        (DATED, f"{PARQUET}, {ARCHIVE}", "rows twice; leave out --again"),
        (
            f'write_mode = "replace"\n{DATED}',
            PARQUET,
            "write_mode is replace, so rows outside the period would be lost",
        ),
    ],
)
def test_a_report_that_cannot_be_done_in_parts_is_refused(
    project, source, sinks, message
):
    (project / "reporting.toml").write_text(
        f"[reports.x]\n{source}\nvalidator = {{ use = 'visit-event' }}\nsinks = [{sinks}]\n"
    )
    words = ["backfill", "x", *JANUARY, "--again", "--yes"]
    done = CliRunner().invoke(reporting, words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (project / "out").exists()


def test_requests_of_all_chunks_are_counted(
    settled, proxy, s3_environment, s3_client, bucket, monkeypatch
):
    for number in range(20):
        s3_client.put_object(
            Bucket=bucket,
            Key=f"events/{name('20240106', number)}",
            Body=event("20240106", number),
        )
    settled(f"s3://{bucket}/events/", f"s3://{bucket}/out/e.parquet")
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    done = as_json("backfill", *JANUARY, "--yes", "--chunk-objects", "5")
    requests, read = done["traffic"]["requests"], 0
    for exchange in proxy.requests:
        read += exchange.kind == "GET" and exchange.key.startswith("events/")
    assert (done["chunks_done"], read) == (4, 20)
    assert done["estimate"]["get_requests"] == 20 < requests["get"]
    assert requests["put"] == proxy.count("PUT")
    again = ("--from", "2024-01-06", "--to", "2024-01-06", "--again", "--yes")
    row = next(
        line
        for line in invoke("backfill", *again).stdout.splitlines()
        if line.startswith("  requests") and "bytes read" in line
    )
    assert " GET, " in row
