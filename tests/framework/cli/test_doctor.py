"""``reporting doctor``: each check on its own, what it finds, and what it says to do."""

import hashlib
import json
import os
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import Permission, SettingsError, run_report
from reporting_framework.cli.main import reporting
from reporting_framework.operations.doctor import credentials, run_checks
from reporting_framework.operations.installation import _extras, _plugins
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.registry.discovery import allow_list
from reporting_framework.registry.registry import load_plugins
from reporting_framework.storage import open_store, sending
from reporting_framework.storage.temporary import temporary_folder
from reporting_framework.storage.write_check import written
from reporting_object_store.health_checks import clock
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.framework.cli.test_quarantine import SECRET
from tests.framework.distributions import program
from tests.support import Fault, S3Server, moto_server
from tests.support.events import made_of, name


def test_rows_of_one_key_are_told(here):
    assert run_report("event-log-checkpoint").accepted == 1
    rows = pl.read_parquet(here / "out" / "x.parquet")
    assert doctor("event-log-checkpoint")["checkpoint"][:2] == (
        "ok",
        f"{here}/out/x.parquet: 1 rows",
    )
    pl.concat([rows, rows]).write_parquet(here / "out" / "x.parquet")
    status, told, _ = doctor("event-log-checkpoint", code=1)["checkpoint"]
    assert (status, told) == (
        "fail",
        f"{here}/out/x.parquet: 1 of 2 rows have a key that another row has",
    )


@pytest.fixture
def here(tmp_path, monkeypatch, settled):
    """A working directory with a source of one event, and no temporary files of others."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name(1)).write_bytes(made_of())
    settled(f"{tmp_path}/in", f"{tmp_path}/out/x.parquet")
    return tmp_path


def doctor(*arguments, code=0):
    done = CliRunner().invoke(
        reporting, ["doctor", *arguments, "--format", "json"], prog_name="reporting"
    )
    assert done.exit_code == code, done.output
    return {
        each["check"]: (each["status"], each["found"], each["advice"])
        for each in json.loads(done.stdout)
    }


def test_all_is_well(here):
    found = doctor("event-log-checkpoint", "--write")
    assert {status for status, *_ in found.values()} == {"ok"}
    assert list(found) == [
        "framework",
        "extras",
        "configuration",
        "plugins",
        "temporary folder",
        "report",
        "credentials",
        "source",
        "clock",
        "checkpoint",
        "conditional writes",
        "quarantine",
    ]
    assert found["configuration"][1] == str(here / "reporting.toml")
    assert found["source"][1].startswith(f"{here}/in: listed, and an object of ")
    assert (
        found["conditional writes"][1]
        == f"{here}/out: written, and conditional writes are honoured"
    )
    assert [path.name for path in (here / "out").rglob("*")] == [], (
        "the probe is removed, its lock too"
    )


def test_without_write_nothing_is_written(here):
    found = doctor("event-log-checkpoint")
    assert found["conditional writes"][:2] == ("ok", "not tried")
    assert not (here / "out").exists()


def test_without_a_report_what_needs_none_is_checked(here):
    assert list(doctor()) == [
        "framework",
        "extras",
        "configuration",
        "plugins",
        "temporary folder",
    ]
    table = CliRunner().invoke(reporting, ["doctor"], prog_name="reporting").stdout
    assert table.splitlines()[0].split() == [
        "check",
        "status",
        "found",
        "what",
        "to",
        "do",
    ]


def test_one_failure_hides_no_other(here):
    (here / "out").mkdir()
    (here / "out" / "x.parquet").write_bytes(b"damaged")
    found = doctor("event-log-checkpoint", "--source", "/nowhere", code=1)
    assert found["source"] == (
        "fail",
        "/nowhere: no such folder; check the path of the source",
        "",
    )
    assert found["checkpoint"][0] == "fail"
    assert "x.parquet: not a parquet file that can be read" in found["checkpoint"][1]
    assert found["quarantine"][0] == "ok"


def test_a_source_that_cannot_be_made_hides_no_sink(here, monkeypatch):
    for each in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(each)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not an endpoint")
    found = doctor("event-log-checkpoint", "--source", "s3://bucket/in", code=1)
    assert found["report"][0] == found["source object-store-json"][0] == "fail"
    assert found["checkpoint"] == ("ok", "there is none yet", "")


def test_settings_that_lack_something_are_a_finding(here):
    (here / "reporting.toml").write_text("")
    found = doctor("event-log-checkpoint", code=1)
    assert found["report"][0] == "fail"
    assert "setting source is missing; looked for option --source" in found["report"][1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nope"], "there is no report 'nope'"),
        (["nope", "--config", "none.toml"], "--config names none.toml"),
    ],
)
def test_a_report_that_there_is_not_is_a_finding(here, arguments, text):
    found = doctor(*arguments, code=1)
    assert text in found["report"][1]
    assert found["plugins"][0] == "ok"


def test_a_damaged_configuration_is_a_finding(here):
    (here / "reporting.toml").write_text("not toml")
    assert "reporting.toml is not TOML" in doctor(code=1)["configuration"][1]


def test_misspelt_settings_are_noted(here, monkeypatch):
    monkeypatch.setenv("REPORTING_EVENT_LOG_CHECKPONT__SOURCE", "x")
    status, text, advice = doctor()["configuration"]
    assert (status, advice) == ("warn", "correct the names")
    assert "REPORTING_EVENT_LOG_CHECKPONT__SOURCE: no such report" in text


def test_a_broken_plugin_is_noted_with_its_reason(site, monkeypatch):
    site.add("fake-plugin-broken", source="import nothing_of_this_name")
    found = _plugins(load_plugins(allow_list({})))
    assert found.status == "warn"
    assert "nothing_of_this_name" in found.found
    found = _plugins(
        load_plugins(allow_list({"REPORTING_PLUGINS": "reporting-object-store"}))
    )
    assert found.status == "ok"
    assert "not in REPORTING_PLUGINS: " in found.found


def test_leftovers_in_the_temporary_folder_are_noted(here):
    """What a process is using is none, however old it is."""
    (here / "reporting-locked-put-left.tmp").touch()
    with temporary_folder("sql") as used:
        os.utime(used, (0, 0))
        (here / "reporting-locked-put-left.tmp").touch()
        status, text, _ = doctor()["temporary folder"]
    assert status == "warn"
    assert text.endswith(
        "left by killed processes: 1, such as reporting-locked-put-left.tmp"
    )


def test_extras_that_are_missing_are_named(monkeypatch):
    where = "reporting_framework.operations.installation._installed"
    monkeypatch.setattr(where, lambda name: True)
    assert _extras() == CheckResult("ok", "all are installed")
    lacking = ("uv", "aws-xray-sdk", "duckdb", "reporting-pages")
    monkeypatch.setattr(where, lambda name: name not in lacking)
    found = _extras()
    assert (found.status, found.found) == (
        "ok",
        "not installed: reporting-event-log-checkpoint[pages], reporting-framework[aws] (for functions in Lambda), "
        "reporting-framework[build] (for reporting build), reporting-framework[sql] (for reporting sql)",
    )
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    assert _extras().status == "fail"


def test_nothing_to_read_is_noted(here):
    (here / "in" / name(1)).unlink()
    assert doctor("event-log-checkpoint")["source"][0] == "warn"
    (here / "in" / "other.txt").touch()
    assert (
        "no object among the first 1 that the report reads"
        in doctor("event-log-checkpoint")["source"][1]
    )


# -- the checks themselves ------------------------------------------------------------------------------------------------


def test_a_check_that_never_ends_hides_no_other():
    gate = threading.Event()
    found = list(
        run_checks(
            {"slow": gate.wait, "good": lambda: CheckResult("ok", "well")}, limit=1
        )
    )  # or it never ends
    gate.set()
    assert [tuple(each)[:3] for each in found] == [
        ("slow", "fail", "no answer within 1 s"),
        ("good", "ok", "well"),
    ]


def test_an_error_of_a_check_is_what_was_found_and_its_message_only_when_it_is_ours():
    def ours():
        raise SettingsError("put it right")

    def theirs():
        raise ValueError(SECRET)

    def ending():
        raise SystemExit(3)

    found = list(
        run_checks({"ours": ours, "theirs": theirs, "ending": ending}, limit=5)
    )
    assert [each.found for each in found] == [
        "put it right",
        "the check failed with ValueError",
        "the check failed with SystemExit",
    ]


def test_a_fault_of_a_plugin_is_logged_without_its_message(here, monkeypatch):
    def fault(self, *, write):
        def check():
            raise ValueError(SECRET)

        return {"checkpoint": check}

    monkeypatch.setattr(ParquetCheckpoint, "health_checks", fault)
    done = CliRunner().invoke(reporting, ["doctor", "event-log-checkpoint"])
    assert "sink parquet-checkpoint raised ValueError; see the log" in done.stdout
    assert "in check" in done.stderr
    assert SECRET not in done.output


# -- credentials ----------------------------------------------------------------------------------------------------------

USED = [Permission(("s3:GetObject",), "arn:aws:s3:::bucket/*")]


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """Nobody's credentials are found."""
    for each in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(each)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return monkeypatch


def test_credentials_are_asked_for_only_where_they_are_used(nobody):
    assert credentials([]).status == "ok"
    found = credentials(USED)
    assert (found.status, found.found) == ("fail", "no credentials were found")
    nobody.setenv("AWS_PROFILE", "nobody")
    assert "The config profile (nobody) could not be found" in credentials(USED).found


def test_whose_credentials_they_are_is_told_and_nothing_secret(nobody):
    with moto_server() as server:
        for variable, value in server.environment().items():
            nobody.setenv(variable, value)
        endpoint = server.endpoint.replace("http://", "http://user:password@")
        nobody.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        found = credentials(USED)
    assert found.status == "ok"
    assert "found by env; region " in found.found
    assert "of account 123456789012" in found.found
    assert server.secret_key not in found.found
    assert "password" not in found.found


def test_credentials_that_nobody_knows_are_noted(nobody):
    for variable, value in {
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "ENDPOINT_URL_STS": "http://127.0.0.1:9",
    }.items():
        nobody.setenv(f"AWS_{variable}", value)
    found = credentials(USED)
    assert found.status == "warn"
    assert found.found.endswith(
        "STS did not return their owner (EndpointConnectionError)"
    )


def test_the_region_is_the_one_that_runs_use(nobody):
    with moto_server() as server:
        for variable, value in server.environment().items():
            nobody.setenv(variable, value)
        nobody.delenv("AWS_DEFAULT_REGION")
        nobody.setenv("AWS_REGION", "eu-west-1")
        assert "found by env; region eu-west-1; endpoint " in credentials(USED).found


class S3Alone(BaseHTTPRequestHandler):
    """A server of S3 alone, which takes what it does not know for a list of buckets."""

    status, body = 200, b""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<ListAllMyBucketsResult></ListAllMyBucketsResult>"),
        (200, b""),
        (403, b""),
        (400, b"<html></html>"),
        (405, b"<Error><Code>MethodNotAllowed</Code></Error>"),
    ],
)
def test_a_server_of_s3_alone_is_well(nobody, monkeypatch, status, body):
    monkeypatch.setattr(S3Alone, "status", status)
    monkeypatch.setattr(S3Alone, "body", body)
    with ThreadingHTTPServer(("127.0.0.1", 0), S3Alone) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for variable, value in (
            S3Server(f"http://127.0.0.1:{server.server_port}").environment().items()
        ):
            nobody.setenv(variable, value)
        found = credentials(USED)
        server.shutdown()
    assert found.status == "ok"
    assert "their owner is unknown, as there is no STS" in found.found


@pytest.mark.parametrize("wrong", ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"])
def test_credentials_that_the_server_refuses_are_a_failure(nobody, s3, wrong):
    for variable, value in s3.environment().items():
        nobody.setenv(variable, value)
    assert credentials(USED).status == "ok"
    nobody.setenv(f"AWS_{wrong}", "wrong")
    found = credentials(USED)
    assert found.status == "fail"
    assert "; STS refuses them (" in found.found
    assert found.advice == "check the access key, its secret and its session token"


# -- S3 -------------------------------------------------------------------------------------------------------------------


def test_all_is_well_on_s3(here, s3_environment, bucket):
    open_store(f"s3://{bucket}/in").put(name(1), made_of(), if_version=None)
    found = doctor(
        *("event-log-checkpoint", "--write", "--source", f"s3://{bucket}/in"),
        *("--checkpoint", f"s3://{bucket}/out/x.parquet"),
    )
    assert found["credentials"][0] == "ok"
    assert found["credentials"][1].startswith("found by env; region ")
    assert s3_environment.secret_key not in str(found)
    assert found["clock"][1].startswith("this machine's clock is ")
    assert found["conditional writes"][:2] == (
        "ok",
        f"s3://{bucket}/out: written, and conditional writes are honoured",
    )
    assert [
        entry for page in open_store(f"s3://{bucket}/out").list() for entry in page
    ] == []


def test_denied_is_denied(here, s3_environment, proxy, bucket, monkeypatch):
    monkeypatch.setattr(sending, "MAX_RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    proxy.inject(Fault.answer(403, "AccessDenied"), times=None)
    found = doctor(
        *("event-log-checkpoint", "--write", "--source", f"s3://{bucket}/in"),
        *("--checkpoint", f"s3://{bucket}/out/x.parquet"),
        code=1,
    )
    assert all(
        "access denied" in found[each][1]
        for each in ("source", "checkpoint", "quarantine", "conditional writes")
    )


@contextmanager
def careless_s3():
    """A server like S3 that pays no attention to conditions, as some do."""
    objects = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, code, body=b"", etag=None):
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            if etag:
                self.send_header("ETag", etag)
                self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_PUT(self):
            data = self.rfile.read(int(self.headers["Content-Length"]))
            objects[self.path] = data
            self.answer(200, etag=f'"{hashlib.md5(data).hexdigest()}"')

        def do_GET(self):
            data = objects.get(self.path)
            if data is None:
                self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            else:
                self.answer(200, data, f'"{hashlib.md5(data).hexdigest()}"')

        def do_HEAD(self):
            self.do_GET()

        def do_DELETE(self):
            objects.pop(self.path.partition("?")[0], None)
            self.answer(204)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", objects
        server.shutdown()
        thread.join()


def test_a_storage_that_ignores_conditions_is_found_out(monkeypatch):
    with careless_s3() as (endpoint, objects):
        for variable, value in {
            "ENDPOINT_URL": endpoint,
            "ACCESS_KEY_ID": "a",
            "SECRET_ACCESS_KEY": "b",
        }.items():
            monkeypatch.setenv(f"AWS_{variable}", value)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        found = written(open_store("s3://careless/out"))
        assert found.status == "fail"
        assert found.found.endswith(
            "written, but the storage ignores If-None-Match and If-Match"
        )
        assert "two runs at once could undo each other" in found.advice
        assert objects == {}, "the probe is removed"


class Clock:
    def __init__(self, seconds):
        self.seconds = seconds

    def clock(self):
        return datetime.now(UTC) - timedelta(seconds=self.seconds)


@pytest.mark.parametrize(
    ("seconds", "status", "text"),
    [
        (5, "ok", "5 s ahead of"),
        (300, "warn", "300 s ahead of"),
        (-3600, "fail", "3600 s behind"),
    ],
)
def test_a_clock_that_is_off_is_noted(seconds, status, text):
    found = clock(Clock(seconds))
    assert (found.status, found.found) == (
        status,
        f"this machine's clock is {text} the storage's",
    )


def test_parts_without_checks_are_named_as_not_tried(toy):
    done = program("reporting", "doctor", "toy", "--target", "x.txt", site=toy.folder)
    assert done.returncode == 0
    for part in ("source toy-numbers", "sink toy-file"):
        assert re.search(rf"{part} +ok +not tried", done.stdout)
    assert "the settings are complete: toy-numbers, toy-number, toy-file" in done.stdout
