"""Runs as OpenLineage events: for real, to a file and to a server on loopback, and never in a run's way."""

import json
import logging
import os
import threading
import uuid
from datetime import datetime
from types import SimpleNamespace

import pytest

from reporting_framework import (
    CheckFailed,
    CheckRef,
    PipelineSpec,
    PluginRef,
    SettingsError,
    StepFailed,
    StorageUnavailable,
)
from reporting_framework.execution.report_checks import bind_checks
from reporting_framework.plugin_api.result import (
    Output,
    RejectionCount,
    RunResult,
    Step,
)
from reporting_framework.testing.fakes import SCHEMA
from reporting_openlineage import plugin, sender
from reporting_openlineage.naming import name_of
from reporting_openlineage.observer import Observer
from reporting_openlineage.settings import destination
from tests.support.http import recorded
from tests.support.plugins import SinkWith, checkpoint, event, execute, pipeline, source
from tests.support.plugins import name_of as name_of_event


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Nothing of the developer's own; a busy machine may take its time."""
    monkeypatch.setattr(sender, "TIMEOUT_SECONDS", 60.0)
    for name in [each for each in os.environ if "OPENLINEAGE" in each]:
        monkeypatch.delenv(name)


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What is in the file of events."""
    monkeypatch.setenv("REPORTING_OPENLINEAGE", f"file://{tmp_path}/events.ndjson")
    return lambda: [
        json.loads(line)
        for line in (tmp_path / "events.ndjson").read_text().splitlines()
    ]


@pytest.fixture
def events(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        (folder / name_of_event(number)).write_bytes(event(number))
    (folder / name_of_event(9)).write_bytes(b'{"study": "SECRET-VALUE"}')
    return folder


def valid(told):
    """What OpenLineage's specification asks of every event."""
    for each in told:
        assert each.keys() >= {
            "eventType",
            "eventTime",
            "producer",
            "schemaURL",
            "run",
            "job",
            "inputs",
            "outputs",
        }
        assert datetime.fromisoformat(each["eventTime"]).utcoffset() is not None
        assert str(uuid.UUID(each["run"]["runId"])) == each["run"]["runId"]
        assert each["schemaURL"].startswith("https://openlineage.io/spec/")
        datasets = [*each["inputs"], *each["outputs"]]
        assert all(
            found["namespace"] and found["name"] for found in [each["job"], *datasets]
        )
        owners = [each["run"], each["job"], *datasets]
        facets = [one for owner in owners for kind in ("facets", "inputFacets", "outputFacets")
                  for one in owner.get(kind, {}).values()]  # fmt: skip
        assert facets
        assert all(
            one["_producer"]
            and one["_schemaURL"].startswith("https://openlineage.io/spec/")
            for one in facets
        )
    return told


def tags(event):
    return {tag["key"]: tag["value"] for tag in event["run"]["facets"]["tags"]["tags"]}


def test_a_run_starts_and_completes(events, tmp_path, told):
    place = tmp_path / "out" / "x.parquet"
    result = execute(pipeline(source(events), checkpoint(place)), plugin)
    start, done = valid(told())
    assert (start["eventType"], done["eventType"]) == ("START", "COMPLETE")
    assert (
        start["run"]["runId"] == done["run"]["runId"] == str(uuid.UUID(result.run_id))
    )
    assert (start["job"]["namespace"], start["job"]["name"]) == ("reporting", "test")
    assert [(each["namespace"], each["name"]) for each in start["inputs"]] == [
        ("file", str(events))
    ]
    assert start["outputs"] == []
    [read] = done["inputs"]
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 4
    [assertion] = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["assertion"], assertion["column"], assertion["success"], assertion["actual"]) == (
        "missing", "number", False, "1"
    )  # fmt: skip
    [written] = done["outputs"]
    assert (written["namespace"], written["name"]) == ("file", str(place))
    statistics = written["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (3, place.stat().st_size)
    assert [
        each["name"] for each in written["facets"]["schema"]["fields"]
    ] == SCHEMA.names()
    assert written["facets"]["version"]["datasetVersion"] == result.outputs[0].version
    engine = done["run"]["facets"]["processing_engine"]
    assert (engine["name"], engine["version"], engine["openlineageAdapterVersion"]) == (
        "reporting-framework", "0.1.0", "0.1.0"
    )  # fmt: skip
    found = tags(done)
    assert (found["status"], found["accepted"], found["rejected"]) == ("ok", "3", "1")


def test_an_idle_run_writes_nothing(events, tmp_path, told):
    for _ in range(2):
        execute(pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin)
    *_, done = valid(told())
    [output] = done["outputs"]
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (
        0,
        0,
        0,
    )


def test_a_dry_run_has_no_outputs(events, tmp_path, told):
    execute(
        pipeline(source(events), checkpoint(tmp_path / "x.parquet")),
        plugin,
        dry_run=True,
    )
    _, done = valid(told())
    assert (done["outputs"], tags(done)["dry_run"]) == ([], "true")


@pytest.mark.parametrize(
    ("error", "state", "name"),
    [
        (StorageUnavailable("s3://b: SECRET"), "FAIL", "StorageUnavailable"),
        (ValueError("SECRET"), "FAIL", "StepFailed"),
        (KeyboardInterrupt("SECRET"), "ABORT", "KeyboardInterrupt"),
    ],
)
def test_a_run_that_is_given_up_tells_the_error_s_type_and_no_more(
    events, tmp_path, told, error, state, name
):
    def fail(staged_parts, context):
        raise error

    sink = SinkWith(checkpoint(tmp_path / "x.parquet"), commit=fail)
    with pytest.raises((StorageUnavailable, StepFailed, KeyboardInterrupt)):
        execute(pipeline(source(events), sink), plugin)
    _, failed = valid(told())
    assert failed["eventType"] == state
    assert failed["run"]["facets"]["errorMessage"]["message"] == name
    assert "SECRET" not in json.dumps(told())


def test_it_is_sent_to_a_server(events, tmp_path, monkeypatch):
    with recorded(status=201) as server:
        monkeypatch.setenv("REPORTING_OPENLINEAGE", server.endpoint)
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "the-key")
        monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "visits")
        execute(pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin)
        monkeypatch.setenv(
            "REPORTING_OPENLINEAGE", f"{server.endpoint}/other/place?a=b"
        )
        execute(pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin)
    assert [each.path for each in server.requests] == ["/api/v1/lineage"] * 2 + [
        "/other/place?a=b"
    ] * 2
    assert {each.headers["Authorization"] for each in server.requests} == {
        "Bearer the-key"
    }
    sent = valid([json.loads(each.body) for each in server.requests])
    assert [each["eventType"] for each in sent] == ["START", "COMPLETE"] * 2
    assert {each["job"]["namespace"] for each in sent} == {"visits"}


def test_the_client_s_own_configuration_will_do(events, tmp_path, monkeypatch):
    place = tmp_path / "own.ndjson"
    configuration = {"type": "file", "log_file_path": str(place), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(configuration))
    execute(pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin)
    assert (
        len(valid([json.loads(line) for line in place.read_text().splitlines()])) == 2
    )


def test_nothing_is_told_unless_it_is_asked_for(events, tmp_path, monkeypatch, capfd):
    execute(pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin)
    monkeypatch.setenv("REPORTING_OPENLINEAGE", "off")
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    execute(pipeline(source(events), checkpoint(tmp_path / "y.parquet")), plugin)
    assert capfd.readouterr() == ("", "")


def test_a_server_that_refuses_fails_nothing(events, tmp_path, monkeypatch, caplog):
    with recorded(status=404) as server:
        monkeypatch.setenv("REPORTING_OPENLINEAGE", server.endpoint)
        assert (
            execute(
                pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin
            ).accepted
            == 3
        )
    sent = [
        message for message in caplog.messages if not message.startswith("rejected: ")
    ]
    assert sent == ["OpenLineage: an event could not be sent: HTTPError"] * 2


def test_a_server_that_does_not_answer_holds_no_run_up_for_long(
    events, tmp_path, monkeypatch, caplog
):
    waiting = sender.Sender(
        destination({"REPORTING_OPENLINEAGE": f"file://{tmp_path}/x"})
    )
    answered = threading.Event()
    waiting.send(answered.wait)  # which would wait for good
    waiting.close(0.05)
    assert caplog.messages == [
        "OpenLineage: events were not sent within 0.05 seconds; the run does not wait for them"
    ]
    answered.set()
    waiting._thread.join()


def test_a_destination_that_is_none_is_told_and_its_value_is_not(
    events, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("REPORTING_OPENLINEAGE", "ftp://SECRET@host/x")
    with caplog.at_level(logging.WARNING):
        assert (
            execute(
                pipeline(source(events), checkpoint(tmp_path / "x.parquet")), plugin
            ).accepted
            == 3
        )
    expected = "REPORTING_OPENLINEAGE: not a valid destination; use https://host/…, file:///path/events.ndjson or off; no OpenLineage event is sent for this run"
    assert caplog.messages == [expected]
    with pytest.raises(SettingsError):
        destination({"REPORTING_OPENLINEAGE": "file://"})


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/a/b.parquet", ("s3://bucket", "a/b.parquet")),
        ("s3://bucket", ("s3://bucket", "/")),
        ("/data/in", ("file", "/data/in")),
        ("file:///data/in", ("file", "/data/in")),
        ("memory://m/x", ("memory://m", "x")),
        ("postgres://host:5432/db.public.t", ("postgres://host:5432", "db.public.t")),
    ],
)
def test_datasets_are_named_by_the_rules(uri, name):
    assert name_of(uri) == name


def test_many_outputs_and_ids_of_another_kind(told):
    observer = Observer()
    steps = [Step(role="source", name="s", distribution="d", version="1")]
    observer.started("r", "odd id", ["s3://a/1", "s3://a/2"], steps, SCHEMA)
    outputs = [
        Output(uri=f"s3://o/{number}", rows=1, new_rows=int(number > 98), bytes=1)
        for number in range(150)
    ]
    observer.finished(
        RunResult(report="r", run_id="odd id", status="partial", complete=False, outputs=outputs,
                  rejections=[RejectionCount(type="x", field=None, count=1)])
    )  # fmt: skip
    start, done = valid_names(told())
    assert start["run"]["runId"] == done["run"]["runId"]
    assert len(done["outputs"]) == 100
    assert done["outputs"][0]["name"] == "99"
    assert all(each["inputFacets"] == {} for each in done["inputs"]), (
        "of several it is not known which"
    )
    assert tags(done)["source"] == "s (d 1)"
    assert tags(done)["complete"] == "false"


def valid_names(told):
    assert [each["eventType"] for each in told] == ["START", "COMPLETE"]
    return told


def test_what_it_does_not_know_of_it_leaves_alone(told):
    Observer().failed("r", "unknown", ValueError())
    Observer().finished(SimpleNamespace(run_id="unknown"))
    with pytest.raises(FileNotFoundError):
        told()


CHECKS = [
    CheckRef("unique", {"columns": "number"}),
    CheckRef("range", {"column": "number", "max": 1, "severity": "warn"}),
    CheckRef("freshness", {"column": "timestamp", "max_age": "1d"}),
    CheckRef("row_count_change", {"max": 1}),
]


def test_checks_are_assertions_about_the_input(events, told, tmp_path):
    def run(*checks):
        none = PluginRef("none")
        made = pipeline(source(events), checkpoint(tmp_path / "out.parquet"))
        spec = PipelineSpec(none, none, [none], checks=checks)
        execute(bind_checks(made, spec, None), plugin)

    run(*CHECKS[:2])
    with pytest.raises(CheckFailed):
        run(*CHECKS[1:])
    _, complete, _, failed = told()
    assert failed["eventType"] == "FAIL"
    found = [
        [
            (item["assertion"], item["success"], item["severity"], item.get("column"))
            for item in each["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
            if "severity" in item
        ]
        for each in (complete, failed)
    ]  # fmt: skip
    assert found[0] == [
        ("unique", True, "error", "number"),
        ("range", False, "warn", "number"),
    ]
    assert found[1][1] == ("freshness", False, "error", "timestamp")
    unique = complete["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    measured = next(item for item in unique if item["assertion"] == "unique")
    assert json.loads(measured["actual"]) == {"rows": 3, "failing": 0, "keys": 0}
    assert measured["params"] == {"over": "table", "columns": ["number"]}
    valid(told())
