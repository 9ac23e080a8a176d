"""``reporting trace``: where rows came from, and what became of records that are not there."""

import json
import os
import re
import shutil
import socket
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.main import reporting
from reporting_framework.cli.trace import _row
from reporting_framework.operations.trace import LoadEvent, RowProvenance
from reporting_framework.storage import open_store
from tests.framework.cli.interrupting import assert_interrupted
from tests.framework.cli.test_query import EXAMPLE
from tests.framework.metadata.test_history_promises import AT
from tests.support.events import made_of
from tests.support.plugins import checkpoint, metadata, name_of

REPORT = "event-log-checkpoint"
PTID = "SYN0013"


class World:
    """Some events of one participant, a bad one, and the report's checkpoint of them."""

    def __init__(self, folder):
        self.events, self.out = folder / "in", folder / "out.parquet"
        self.events.mkdir()
        for each in EXAMPLE.iterdir():
            if f"-{PTID}-" in each.name:
                shutil.copy(each, self.events)
        self.bad = self.events / "log-submit-20240101-000000-1-p-BAD-1.json"
        self.bad.write_bytes(b'{"study": "SECRET-VALUE"}')
        self.keys = sorted(
            path.name for path in self.events.iterdir() if path != self.bad
        )
        self.places = ["--source", str(self.events), "--checkpoint", str(self.out)]

    def run(self, **more):
        settings = {"source": str(self.events), "checkpoint": str(self.out), **more}
        return run_report(REPORT, settings)

    def trace(self, *arguments, code=0):
        done = CliRunner().invoke(
            reporting,
            ["trace", REPORT, *self.places, *arguments],
            prog_name="reporting",
        )
        assert (done.exit_code, done.stderr) == (code, "")
        assert "SECRET" not in done.stdout
        return done.stdout.splitlines()

    def found(self, *arguments, code=0):
        return json.loads(
            "\n".join(self.trace(*arguments, "--format", "json", code=code))
        )

    def why(self, source_key):
        """Reason why there is no row, which text and JSON give alike."""
        found = self.found("--source-key", source_key, code=8)["absence"]
        text = [
            line
            for line in self.trace("--source-key", source_key, code=8)
            if line.startswith("  why")
        ]
        assert text == (
            [f"  why           {found['reason']}: {found['text']}"] if found else []
        )
        return found and found["reason"]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_row_s_object_version_run_and_validator(world):
    run = world.run()
    lines = world.trace(
        "--where", f"ptid={PTID}", "--where", "action=submit", "--limit", "1"
    )
    [submitted, *_] = [key for key in world.keys if "submit" in key]
    version = open_store(str(world.events)).head(submitted).version
    at = lines[2].partition(", ")[2].removesuffix(" UTC, ok")
    assert lines[:6] == [
        str(world.events / submitted),
        f"  row           ptid={PTID}, action=submit",
        f"  loaded by     run {run.run_id}, {at} UTC, ok",
        f"    version     {version}",
        "    validator   visit-event of reporting-event-log-checkpoint 0.1.0",
        "  now           the object is unchanged",
    ]
    found = world.found("--where", f"ptid={PTID}")
    assert (len(found["rows"]), found["more"]) == (len(world.keys), 0)


def test_a_key_may_be_given_as_an_argument(world):
    world.run()
    assert world.trace(world.keys[0]) == world.trace("--source-key", world.keys[0])
    assert "in quarantine" in "\n".join(world.trace(world.bad.name))


def test_how_many_more_there_are_is_said(world):
    world.run()
    more = len(world.keys) - 1
    assert (
        world.trace("--where", f"ptid={PTID}", "--limit", "1")[-1]
        == f"and {more} more rows (--limit shows more of them)"
    )
    assert world.found("--where", f"ptid={PTID}", "--limit", "1")["more"] == more


def test_what_has_become_of_the_object(world):
    world.run()
    changed, gone, *_ = world.keys
    (world.events / changed).write_bytes(b"{}")
    (world.events / gone).unlink()
    found = {
        row["source_key"]: row["now"]
        for row in world.found("--where", f"ptid={PTID}")["rows"]
    }
    assert (found[changed], found[gone], found[world.keys[2]]) == (
        "changed since",
        "gone",
        "unchanged",
    )
    assert "  now           the object is gone" in world.trace("--source-key", gone)
    assert "  now           the object has changed since" in world.trace(
        "--source-key", changed
    )
    unlooked = world.trace("--where", f"ptid={PTID}", "--no-check")
    assert not any(line.startswith("  now") for line in unlooked)


def test_rows_of_before_there_was_a_history(world):
    world.run(keep_runs=0)
    lines = world.trace("--source-key", world.keys[0])
    assert (
        "  loaded by     an unknown run: it was taken before the history began" in lines
    )
    assert "  now           the object exists" in lines
    lines = world.trace("--source-key", world.keys[0], "--keep-runs", "0")
    assert (
        "  loaded by     an unknown run: none of the report's sinks keeps a history"
        in lines
    )


def test_runs_that_raced_are_both_named_and_a_run_without_a_record_too(world):
    run = world.run()
    history = metadata(checkpoint(world.out)).history
    history.add_rows([world.keys[0]], ["another"])
    history.flush(run_id="another", validator="visit-event", at=AT)
    lines = world.trace("--source-key", world.keys[0])
    assert lines[1].startswith(f"  loaded by     run {run.run_id}, ")
    assert lines[4] == (
        "  or by         run another, 2024-01-01 00:00:00 UTC, of which there is no record (expired or killed)"
    )
    assert lines[6] == "    validator   visit-event"


def test_a_rejected_record_s_reason(world):
    run = world.run()
    for key in (world.bad.name, str(world.bad)):
        lines = world.trace("--source-key", key)
        assert lines[:2] == [str(world.bad), "  in quarantine missing in action"]
        assert lines[2].startswith(f"  by run        {run.run_id}, ")
        assert lines[4] == "  now           the object is unchanged"
    [aside] = world.found("--source-key", world.bad.name)["aside"]
    assert (aside["error_type"], aside["field"], aside["run_id"]) == (
        "missing",
        "action",
        run.run_id,
    )


def test_what_is_in_neither(world):
    assert world.trace("--source-key", world.keys[0], code=8) == [
        f"{world.keys[0]}: neither in the table nor in quarantine",
        "  now           the object exists",
    ]
    world.run()
    assert world.trace("--source-key", "x.json", code=8) == [
        "x.json: neither in the table nor in quarantine",
        "  now           there is no such object; give its name below the source, its URI, or its file's path",
    ]
    history = metadata(checkpoint(world.out)).history
    history.add_rows(["y.json"], ["1"])
    history.flush(run_id="killed", validator="v", at=AT)
    assert world.trace("--source-key", "y.json", code=8)[1].startswith(
        "  announced by  run killed, 2024-01-01 00:00:00 UTC, of"
    )
    assert world.trace("--where", "ptid=NOBODY", code=8) == [
        "no row of the table matches; reporting quarantine lists rejected records, --source-key traces them"
    ]


def test_before_the_first_run_no_row_is_there(world):
    assert world.trace("--where", "ptid=x", code=8) == [
        "no row of the table matches; reporting quarantine lists rejected records, --source-key traces them"
    ]


def test_lines_of_an_object(world):
    event = json.loads((world.events / world.keys[0]).read_bytes())
    (world.events / "log-lines.json").write_text(
        "\n".join(json.dumps(event) for _ in range(2))
    )
    world.run()
    lines = world.trace("--source-key", "log-lines.json")
    assert [line for line in lines if not line.startswith(" ")] == [
        f"{world.events}/log-lines.json, line 1",
        f"{world.events}/log-lines.json, line 2",
    ]
    assert len(world.found("--source-key", "log-lines.json#2")["rows"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected either --where COLUMN=VALUE or KEY"),
        (["--where", "a=b", "--source-key", "c"], "expected either"),
        (["--where", "ptid"], "--where: expected COLUMN=VALUE"),
        (["--where", "ptit=x"], "there is no column ptit; did you mean ptid?"),
    ],
)
def test_what_is_refused(world, arguments, message):
    world.run()
    done = CliRunner().invoke(
        reporting, ["trace", REPORT, *world.places, *arguments], prog_name="reporting"
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_why_an_object_that_is_there_is_in_neither(world):
    assert world.why(world.keys[0]) is None, "there was no run yet"
    world.run()
    for each in (
        "README.txt",
        "sub/.git/log-x.json",
        "log-submit-20240101-000000-1-p-NEW-1.json",
    ):
        (world.events / each).parent.mkdir(parents=True, exist_ok=True)
        (world.events / each).write_bytes(b"{}")
    assert world.why("README.txt") == "not matched"
    assert world.why("sub/.git/log-x.json") == "not matched"
    assert (
        world.why("log-submit-20240101-000000-1-p-NEW-1.json")
        == "newer than the last run"
    )
    assert (
        world.why(str(world.events / "log-submit-20240101-000000-1-p-NEW-1.json"))
        == "newer than the last run"
    )
    for place in (
        "/elsewhere/log-x.json",
        "s3://elsewhere/log-x.json",
        f"{world.events}-2/log-x.json",
    ):
        assert world.why(place) == "outside the source"
    assert world.why("gone.json") is None
    world.trace("--where", "ptid=NOBODY", code=8)


def test_an_object_that_a_window_passes_over_is_said_to_be_there_and_when_it_is_listed(
    s3_environment, bucket, tmp_path
):
    def put(number, at):
        key = f"in/{name_of(number, at=at)}"
        s3_environment.client().put_object(
            Bucket=bucket, Key=key, Body=made_of(timestamp=at.isoformat())
        )
        return key.removeprefix("in/")

    world = World(tmp_path)
    world.events = f"s3://{bucket}/in"
    world.places[1] = world.events
    now = datetime.now(UTC).replace(microsecond=0)
    put(1, now)
    assert world.run().listing == "full"
    late = [put(number, now - timedelta(days=180)) for number in range(2, 12)]
    assert world.why(late[0]) == "before the window"
    result = world.run()
    assert (result.records_read, result.status, result.complete, result.listing) == (
        0,
        "ok",
        True,
        "window",
    )
    assert world.why(late[0]) == "before the window"
    assert (
        f"a full scan is due at {result.full_scan_due:%Y-%m-%d %H:%M} UTC"
        in world.found("--source-key", late[0], code=8)["absence"]["text"]
    )
    undated = ["log-submit-2026-11-28.json", "log-submit-+20261128-000000.json"]
    for key in (*undated, "log-submit-later.json", "log-other-2026-11-28.json"):
        s3_environment.client().put_object(
            Bucket=bucket, Key=f"in/{key}", Body=made_of(timestamp=now.isoformat())
        )
    assert world.run().accepted == 2, (
        "what sorts outside of a range, or behind its end, is listed"
    )
    assert [world.why(key) for key in undated] == ["without a date"] * 2
    text = world.found("--source-key", undated[0], code=8)["absence"]["text"]
    assert text.startswith(
        "its name has no date behind log-submit- that the report recognises, and runs list names "
    )
    assert text.endswith(
        f"a full scan is due at {result.full_scan_due:%Y-%m-%d %H:%M} UTC, or pass --full-scan"
        " (for a report defined in TOML: --set source.full_scan=true)"
    )
    assert world.run(full_scan=True).accepted == 12
    assert world.trace("--source-key", late[0])[1].startswith("  loaded by")


# -- what a user pastes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def beside(world, monkeypatch):
    """The world after a run, seen from the folder that the source is in."""
    world.run()
    monkeypatch.chdir(world.events.parent)
    return world


@pytest.mark.parametrize(
    "form", ["in/{}", "./in/{}", "in//{}", "../{here}/in/{}", "{folder}/../in/{}"]
)
def test_a_file_is_traced_by_any_path_that_leads_to_it(beside, form):
    key, folder = beside.keys[0], beside.events
    path = form.format(key, folder=folder, here=folder.parent.name)
    assert beside.found(path)["rows"][0]["source_key"] == key
    assert beside.found("--source-key", f"{path}#1", code=8)["rows"] == []


def test_a_file_is_traced_by_its_name_alone_from_within_the_source(beside, monkeypatch):
    monkeypatch.chdir(beside.events)
    key = beside.keys[0]
    for text in (key, f"./{key}", f"file://{beside.events}/{key}"):
        assert beside.found(text)["rows"][0]["source_key"] == key


def test_a_file_is_traced_by_a_path_through_a_link_to_the_source(beside):
    (beside.events.parent / "link").symlink_to(beside.events)
    key = beside.keys[0]
    assert beside.found(f"link/{key}")["rows"][0]["source_key"] == key
    beside.places = ["--source", "link", "--checkpoint", str(beside.out)]
    assert beside.found(f"in/{key}")["rows"][0]["source_key"] == key


def test_a_key_that_is_also_a_path_stays_the_key(beside):
    key = beside.keys[0]
    (beside.events / "in").mkdir()
    shutil.copy(beside.events / key, beside.events / "in" / key)
    beside.run()
    assert beside.found(f"in/{key}")["rows"][0]["source_key"] == f"in/{key}"


def test_rejected_records_are_found_by_the_path_of_their_file(beside):
    words = ["--source-key", f"in/{beside.bad.name}", "--format", "json"]
    done = CliRunner().invoke(
        reporting, ["quarantine", REPORT, "show", *beside.places, *words]
    )
    assert [each["source_key"] for each in json.loads(done.stdout)] == [beside.bad.name]


def test_a_glob_is_answered_with_what_takes_one(beside):
    [*_, hint] = beside.trace("in/*.json", code=8)
    assert hint.startswith("  try           --where for rows, or reporting quarant")
    done = CliRunner().invoke(
        reporting, ["trace", REPORT, *beside.places, "a.json", "b.json"]
    )
    assert done.exit_code == 2
    assert "expected one KEY, got 2; if the shell expanded a glob" in done.stderr


def test_a_key_of_a_record_is_that_record_whatever_files_there_are(beside):
    """Also if its object is gone: the record of another must not be discarded for it."""
    (beside.events / "in").mkdir()
    for folder in (beside.events, beside.events / "in"):
        shutil.copy(beside.bad, folder / "log-a-20240101-000000-1-p-BAD-2.json")
    beside.run()
    gone = beside.events / "in" / "log-a-20240101-000000-1-p-BAD-2.json"
    gone.unlink()
    key = f"in/{gone.name}"
    assert beside.found(key)["aside"][0]["source_key"] == key
    done = CliRunner().invoke(
        reporting,
        [
            *["quarantine", REPORT, "discard", *beside.places],
            "--yes",
            "--source-key",
            key,
        ],
    )
    assert (done.exit_code, "1 record" in done.stdout) == (0, True), done.output
    assert [found["source_key"] for found in beside.found(key)["aside"]] == [key]
    assert beside.found(gone.name)["aside"][0]["error_type"] == "missing"


def test_a_name_of_a_file_is_no_glob(beside):
    names = [
        "log-a-20240101-000000-1-p-[1]-2.json",
        "log-a-20240101-000000-1-p-1-2.json",
    ]
    for name in names:
        shutil.copy(beside.bad, beside.events / name)
    beside.run()
    for text in (names[0], f"in/{names[0]}"):
        done = CliRunner().invoke(
            reporting,
            [
                *["quarantine", REPORT, "show", *beside.places],
                "--format",
                "json",
                "--source-key",
                text,
            ],
        )
        assert [each["source_key"] for each in json.loads(done.stdout)] == names[:1]


def test_a_file_with_a_number_sign_in_its_name_is_found_by_its_path(beside):
    name = "log-a-20240101-000000-1-p-x-2.json"
    other = beside.events / f"{name}#1"
    shutil.copy(beside.bad, other)
    (beside.events.parent / "link").symlink_to(beside.events)
    for text in (f"in/{other.name}", f"link/{other.name}", str(other)):
        assert beside.trace(text, code=8)[0].startswith(f"{text}: neither")
        assert beside.found(text, code=8)["now"] == "there"


def test_an_absolute_path_is_found_through_another_link_than_that_of_the_source(beside):
    (beside.events.parent / "link").symlink_to(beside.events)
    beside.places = ["--source", "link", "--checkpoint", str(beside.out)]
    key = beside.keys[0]
    assert beside.found(str(beside.events / key))["rows"][0]["source_key"] == key


def test_an_empty_key_is_a_usage_error(world):
    world.run()
    done = CliRunner().invoke(reporting, ["trace", REPORT, *world.places, ""])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "KEY is empty" in done.stderr


def test_a_password_in_what_is_traced_is_not_shown(world):
    world.run()
    [title, *_] = world.trace(
        "s3://user:PASSWORD@bucket/x.json?X-Amz-Signature=ABC", code=8
    )
    assert title.startswith("s3://bucket/x.json")
    assert "ABC" not in title


@pytest.mark.slow
def test_the_keyboard_interrupts_what_waits_for_a_server(world, monkeypatch):
    """The requests go on in a pool that Python would wait for at the end."""
    world.run()
    accepted = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        env = os.environ | {
            **{
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_REGION": "eu-west-1",
            },
            **{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        }
        code = "from reporting_framework.cli.main import reporting; reporting()"
        where = ["--where", f"ptid={PTID}", "--source", "s3://bucket/in/"]
        assert_interrupted(
            [
                sys.executable,
                "-c",
                code,
                "trace",
                REPORT,
                *where,
                "--checkpoint",
                str(world.out),
            ],
            lambda: accepted.append(server.accept()[0]),
            env,
        )
    for connection in accepted:
        connection.close()


def load(run_id, version, status="ok"):
    return LoadEvent(run_id, AT, version, "pydantic", None, status)


def test_the_run_that_loaded_the_version_of_a_row_is_named_as_such():
    runs = [load("d", "1"), load("c", "2"), load("b", "2"), load("a", "2", "failed")]
    row = RowProvenance("orders/1", None, {}, runs, version="2")
    text = "\n".join(_row(row, history=True))
    found = re.findall(r"^ +(.+?)\s+run ([a-d]), ", text, re.MULTILINE)
    assert found == [
        ("loaded by", "b"),
        ("other version", "d"),
        ("read again by", "c"),
        ("read again by", "a"),
    ]


def test_a_deleted_row_is_said_to_be_deleted_and_its_delete_was_not_validated():
    runs = [load("b", "2"), load("a", "1")]
    row = RowProvenance("orders/1", None, {}, runs, version="2", deleted_at=AT)
    text = "\n".join(_row(row, history=True))
    assert "deleted at" in text
    assert text.count("validator") == 1
