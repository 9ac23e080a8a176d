"""The report in a Lambda function: AWS's own runtime client, a real S3 server, every kind of trigger."""

import json
from contextlib import contextmanager
from datetime import timedelta

import obstore
import polars as pl
import pytest

from tests.end_to_end.conftest import EXAMPLE, HANDLER, fill, open_bucket
from tests.support import Fault, lambda_event, lambda_function, xray_daemon
from tests.support.http import recorded

SENTINEL = "SeNtInEl"


@pytest.fixture(scope="module")
def events(s3):
    """The bucket of the example's events, below ``events/``; tests only read it."""
    name = "example-events"
    s3.client().create_bucket(Bucket=name)
    fill(s3, name)
    return name


@pytest.fixture
def function(code, s3, proxy, events, bucket):
    """Start the function, whose events and checkpoint are behind the proxy; settings are in its environment."""

    @contextmanager
    def begin(**more):
        variables = {
            "REPORTING_REPORT": "event-log-checkpoint",
            "SOURCE_BUCKET": events,
            "PREFIX": "events/",
            "CHECKPOINT_BUCKET": bucket,
            "CHECKPOINT_KEY": "out/events.parquet",
            **s3.behind(proxy.endpoint).environment(),
            **more,
        }
        given = {name: value for name, value in variables.items() if value is not None}
        with lambda_function(
            HANDLER, environment=given, name="visits", **code
        ) as running:
            running.store = open_bucket(s3, bucket)
            yield running

    return begin


def metrics_of(invocation):
    """The metrics that an invocation printed, in the Embedded Metric Format, by name."""
    found = {}
    for line in invocation.json_logs:
        if "_aws" in line:
            [directive] = line["_aws"]["CloudWatchMetrics"]
            assert (directive["Namespace"], directive["Dimensions"]) == (
                "Reporting",
                [["report", "environment"]],
            )
            assert line["report"] == "event-log-checkpoint"
            found |= {
                metric["Name"]: (line[metric["Name"]], metric["Unit"])
                for metric in directive["Metrics"]
            }
    return found


def logged(invocation, message):
    """The one log line with this message."""
    [line] = [line for line in invocation.json_logs if line.get("message") == message]
    return line


def test_first_run_and_next_run(function):
    with function() as running:
        first = running.invoke({})
        second = running.invoke({})
        rows = pl.read_parquet(
            bytes(obstore.get(running.store, "out/events.parquet").bytes())
        )
    assert first.error is None
    answer = first.answer
    assert (
        answer["statusCode"],
        answer["new_events_processed"],
        answer["total_events"],
    ) == (200, 290, 290)
    assert (answer["events_failed"], answer["complete"], answer["status"]) == (
        13,
        True,
        "ok",
    )
    assert answer["checkpoint_path"].endswith("/out/events.parquet")
    assert answer["last_processed_timestamp"] == "2024-03-27T11:18:57Z"
    assert answer["execution_time_ms"] > 0
    assert answer["records_read"] == answer["accepted"] + answer["rejected"]
    assert rows.height == 290
    assert (second.answer["new_events_processed"], second.answer["total_events"]) == (
        0,
        290,
    )
    assert all(line.startswith("{") for line in [*first.logs, *second.logs]), (
        "all that is printed is JSON"
    )


def test_logs_and_metrics(function, events, bucket):
    with function(
        REPORTING_ENVIRONMENT="staging", POWERTOOLS_SERVICE_NAME="other"
    ) as running:
        first = running.invoke({}, request_id="11111111-1111-1111-1111-111111111111")
        second = running.invoke(lambda_event("schedule-eventbridge"))
    began = logged(first, "run started")
    assert began["inputs"] == [f"s3://{events}/events"]
    assert began["outputs"] == [
        f"parquet-checkpoint at s3://{bucket}/out/events.parquet"
    ]
    rejected = [line for line in first.json_logs if "source_key" in line]
    assert len(rejected) == 13
    assert {line["error_type"] for line in rejected} == {
        each["type"] for each in first.answer["rejections"]
    }
    line = logged(first, "run finished")
    assert line["level"] == "INFO"
    assert line["correlation_id"] == line["function_request_id"] == first.request_id
    assert (line["report"], line["environment"], line["run_id"]) == (
        "event-log-checkpoint", "staging", first.answer["run_id"],
    )  # fmt: skip
    assert (line["cold_start"], line["accepted"], line["rejected"]) == (True, 290, 13)
    again = logged(second, "run finished")
    assert (again["cold_start"], again["trigger"]) == (False, "schedule")
    assert again["correlation_id"] == lambda_event("schedule-eventbridge")["id"]
    assert again["run_id"] != line["run_id"]
    assert metrics_of(first) | {
        "ExecutionTime": None,
        "CheckpointFileSize": None,
        "OutputFileSize": None,
    } == {
        "EventsProcessed": ([290.0], "Count"),
        "EventsFailed": ([13.0], "Count"),
        "EventsFiltered": ([0.0], "Count"),
        "ObjectsUnread": ([0.0], "Count"),
        "ObjectsIgnored": ([2.0], "Count"),
        "ObjectsRemaining": ([0.0], "Count"),
        "ExecutionTime": None,
        "OutputFileSize": None,
        "CheckpointFileSize": None,
        "NewEventsProcessed": ([290.0], "Count"),
        "TotalEvents": ([290.0], "Count"),
        "RunSucceeded": ([1.0], "Count"),
        "RunFailed": ([0.0], "Count"),
    }
    assert metrics_of(first)["CheckpointFileSize"] == (
        [first.answer["outputs"][0]["bytes"]],
        "Bytes",
    )
    assert metrics_of(second)["NewEventsProcessed"] == ([0.0], "Count")


def test_the_level_of_logs_is_that_of_the_environment(function):
    with function(LOG_LEVEL="DEBUG") as running:
        assert logged(running.invoke({}), "split finished")["records_read"] == 303
    with function(LOG_LEVEL="ERROR") as running:
        assert [
            line for line in running.invoke({}).json_logs if "_aws" not in line
        ] == []


def test_traces_have_a_segment_for_each_stage_and_each_operation_of_s3(function):
    with xray_daemon() as daemon, function(**daemon.environment()) as running:
        answer = running.invoke({}).answer
        documents = daemon.wait(8)
    calls = {
        each["aws"]["operation"]: each["annotations"]
        for each in documents
        if each["name"] == "S3"
    }
    assert calls["ListObjectsV2"]["count"] == 1
    assert calls["GetObject"]["count"] > 290, (
        "one for each object, and those of the checkpoint"
    )
    assert calls["PutObject"]["count"] > 1
    assert all(
        each["run_id"] == answer["run_id"] and each["seconds"] > 0
        for each in calls.values()
    )
    segments = {
        segment["name"]: segment for segment in documents if segment["name"] != "S3"
    }
    assert {"plan", "read", "validate", "merge", "commit"} <= segments.keys()
    for segment in segments.values():
        assert segment["end_time"] >= segment["start_time"]
        assert segment["annotations"]["run_id"] == answer["run_id"]
    assert segments["read"]["annotations"]["records_read"] == 303
    assert segments["validate"]["annotations"]["rejected"] == 13
    assert segments["merge"]["annotations"]["accepted"] == 290


def test_nothing_of_x_ray_is_loaded_for_an_invocation_that_is_not_traced(function):
    with function() as running:
        assert (
            running.invoke({}, trace_id="Root=1-0-0;Parent=0;Sampled=0").answer[
                "accepted"
            ]
            == 290
        )


def test_settings_come_from_the_trigger_above_the_environment(function, bucket):
    with function(CHECKPOINT_KEY=None, CHECKPOINT_BUCKET=None) as running:
        lacking = running.invoke({})
        direct = running.invoke(
            {"checkpoint_bucket": bucket, "checkpoint_key": "a/direct.parquet"}
        )
        event = lambda_event("function-url") | {
            "isBase64Encoded": False,
            "body": json.dumps(
                {"checkpoint_bucket": bucket, "checkpoint_key": "a/http.parquet"}
            ),
        }
        http = running.invoke(event)
    assert lacking.answer["statusCode"] == 400
    assert "setting checkpoint is missing" in lacking.answer["error"]
    assert (direct.answer["accepted"], direct.answer["checkpoint_path"]) == (
        290,
        f"s3://{bucket}/a/direct.parquet",
    )
    assert (http.answer["statusCode"], json.loads(http.answer["body"])["accepted"]) == (
        200,
        290,
    )


def test_a_bad_trigger_is_answered_with_what_is_wrong(function):
    with function() as running:
        typing = running.invoke({"chekpoint": "x"})
        http = running.invoke(
            lambda_event("function-url") | {"body": "{", "isBase64Encoded": False}
        )
    assert typing.answer["statusCode"] == 400
    assert (
        "there is no setting chekpoint (the trigger); did you mean checkpoint"
        in typing.answer["error"]
    )
    assert http.answer["statusCode"] == 400
    assert metrics_of(typing) == {"RequestsRefused": ([1.0], "Count")}


def test_a_trigger_that_the_report_does_not_understand_is_refused(function):
    names = ["sns", "dynamodb-stream", "unknown", "kinesis", "msk", "firehose", "pipes"]
    with function() as running:
        found = {name: running.invoke(lambda_event(name)) for name in names}
    for name, refused in found.items():
        assert refused.answer is None, name
        assert refused.error["errorType"] == "TriggerError", name
        assert metrics_of(refused)["RunFailed"] == ([1.0], "Count"), name


def test_a_denied_bucket_is_a_failure(function, proxy):
    """500 and no more for who calls; an error for a schedule, that alarms and retries may see it; all in the log."""
    proxy.inject(Fault.answer(403, "AccessDenied"), times=None)
    with function() as running:
        direct = running.invoke({})
        scheduled = running.invoke(lambda_event("schedule-scheduler"))
    assert (direct.answer["statusCode"], direct.error) == (500, None)
    assert direct.answer["error"] == "the run failed; the function's log says why"
    assert scheduled.error["errorType"] == "AccessDenied"
    for invocation in (direct, scheduled):
        line = logged(invocation, "the run failed")
        assert (line["level"], line["error_type"]) == ("ERROR", "AccessDenied")
        assert "AccessDenied: s3://" in line["exception"]
        assert metrics_of(invocation) == {
            "RunFailed": ([1.0], "Count"),
            "RunSucceeded": ([0.0], "Count"),
        }


@pytest.mark.parametrize(
    ("policy", "raises"), [("raise", (True, True)), ("respond", (False, False))]
)
def test_what_a_failure_does_can_be_set(function, proxy, policy, raises):
    proxy.inject(Fault.answer(403, "AccessDenied"), times=None)
    with function(REPORTING_ON_ERROR=policy) as running:
        found = [
            running.invoke(event) for event in ({}, lambda_event("schedule-scheduler"))
        ]
    assert tuple(each.error is not None for each in found) == raises


@pytest.mark.slow
def test_two_seconds_are_enough_to_get_on(function, proxy):
    """Each object takes so long that all of them are too many: what is done is kept, the next run goes on."""
    with function(REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT="1") as running:
        proxy.delay("GET", 0.02)
        first = running.invoke({}, remaining=timedelta(seconds=2))
        assert first.error is None
        assert first.answer["accepted"] > 0
        while not (latest := running.invoke({}, remaining=timedelta(seconds=2)).answer)[
            "complete"
        ]:
            assert latest["accepted"] + latest["rejected"] > 0
        assert latest["total_events"] == 290


def test_a_notification_reads_just_the_objects_that_it_names(function, proxy, events):
    names = sorted(path.name for path in EXAMPLE.glob("log-submit-*.json"))[:2]
    event = lambda_event("s3-put")
    for record, name in zip(event["Records"], names, strict=False):
        record["s3"]["bucket"]["name"], record["s3"]["object"]["key"] = (
            events,
            f"events/{name}",
        )
    with function() as running:
        proxy.reset()
        found = running.invoke(event)
        assert (found.answer["records_read"], proxy.count("LIST")) == (2, 0)
        test = running.invoke(lambda_event("s3-test-event"))
        assert (test.answer["records_read"], test.error) == (0, None)


def test_a_queue_gets_back_what_could_not_be_read(function, proxy, events):
    names = sorted(path.name for path in EXAMPLE.glob("log-submit-*.json"))[:3]
    event = lambda_event("sqs-s3")
    sent = iter(names)
    for message in event["Records"]:
        body = json.loads(message["body"])
        for record in body.get("Records", []):
            record["s3"]["bucket"]["name"], record["s3"]["object"]["key"] = (
                events,
                f"events/{next(sent)}",
            )
        message["body"] = json.dumps(body)
    proxy.inject(
        Fault.answer(403, "AccessDenied"), key=f"events/{names[2]}", times=None
    )
    with function() as running:
        found = running.invoke(event)
        odd = running.invoke(lambda_event("sqs-other"))
    failed = [
        message["messageId"]
        for message in event["Records"]
        if names[2] in message["body"]
    ]
    assert found.answer == {"batchItemFailures": [{"itemIdentifier": failed[0]}]}
    assert len(odd.answer["batchItemFailures"]) == len(
        lambda_event("sqs-other")["Records"]
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"REPORTING_REPORT": None}, "REPORTING_REPORT is not set"),
        ({"REPORTING_REPORT": "event-log"}, "there is no report 'event-log'"),
        (
            {"LOG_LEVEL": "verbose"},
            "LOG_LEVEL, or a variable of Powertools, cannot be used",
        ),
        ({"REPORTING_ENVIRONMENT": " "}, "environment variable REPORTING_ENVIRONMENT"),
    ],
)
def test_a_function_that_is_not_set_up_says_so(function, variables, said):
    with function(**variables) as running:
        direct = running.invoke({})
        scheduled = running.invoke(lambda_event("schedule-scheduler"))
    assert direct.answer["statusCode"] == 500
    [line] = [line for line in direct.json_logs if "message" in line]
    assert said in line["message"]
    assert any(line.get("RunFailed") == [1.0] for line in direct.json_logs)
    assert scheduled.error["errorType"] in ("SettingsError", "PluginError")


def test_a_function_that_is_not_set_up_raises_where_that_was_asked_for(function):
    with function(REPORTING_REPORT="event-log", REPORTING_ON_ERROR="raise") as running:
        assert running.invoke({}).error["errorType"] == "PluginError"


def test_a_queue_is_never_answered_by_a_failed_run(function, proxy):
    """Any answer would be taken for success, and the messages deleted."""
    proxy.inject(Fault.answer(403, "AccessDenied"), times=None)
    with function(REPORTING_ON_ERROR="respond") as running:
        assert (
            running.invoke(lambda_event("sqs-s3")).error["errorType"] == "AccessDenied"
        )


@pytest.mark.slow  # a function that must end in seconds wants a machine of its own
def test_a_run_that_cannot_be_continued_is_answered_all_the_same(function, proxy):
    with recorded(status=403) as api:
        variables = {
            "REPORTING_CONTINUE": "self",
            "AWS_ENDPOINT_URL_LAMBDA": api.endpoint,
        }
        with function(
            REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT="1", **variables
        ) as running:
            proxy.delay("GET", 0.05)
            found = running.invoke({}, remaining=timedelta(seconds=5))
        assert len(api.take()) == 1
    assert (found.answer["statusCode"], found.answer["complete"]) == (200, False)
    assert "continued" not in found.answer
    assert logged(found, "not continued")["error_type"] == "ClientError"


@pytest.mark.slow  # a function that must end in seconds wants a machine of its own
def test_a_function_goes_on_by_itself_until_all_is_done(function, proxy):
    """Each run that its deadline stops invokes the function for the rest, and the last one does not."""
    with recorded(status=202) as api:
        variables = {
            "REPORTING_CONTINUE": "self",
            "AWS_ENDPOINT_URL_LAMBDA": api.endpoint,
        }
        with function(
            REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT="1", **variables
        ) as running:
            proxy.delay("GET", 0.06)
            found = running.invoke({}, remaining=timedelta(seconds=6))
            chain = [found]
            while chain[-1].answer.get("continued"):
                [request] = api.take()
                assert request.path.endswith("/invocations")
                assert request.headers["X-Amz-Invocation-Type"] == "Event"
                event = json.loads(request.body)
                assert event["reporting_continue"] == {
                    "number": len(chain),
                    "correlation_id": found.request_id,
                }
                chain.append(running.invoke(event, remaining=timedelta(seconds=6)))
            assert api.take() == []
    assert len(chain) > 1
    assert [each.answer["complete"] for each in chain] == [False] * (len(chain) - 1) + [
        True
    ]
    assert chain[-1].answer["total_events"] == 290
    assert logged(chain[-1], "run finished")["correlation_id"] == found.request_id


@pytest.mark.slow
def test_a_chain_has_an_end(function, proxy):
    with recorded(status=202) as api:
        variables = {
            "REPORTING_CONTINUE": "self",
            "REPORTING_CONTINUE_LIMIT": "3",
            "AWS_ENDPOINT_URL_LAMBDA": api.endpoint,
        }
        with function(
            REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT="1", **variables
        ) as running:
            proxy.delay("GET", 0.05)
            event = {"reporting_continue": {"number": 3, "correlation_id": "c"}}
            found = running.invoke(event, remaining=timedelta(seconds=5))
        assert api.take() == []
    assert found.answer["complete"] is False
    assert (
        logged(
            found,
            "not continued: there is more to do, but REPORTING_CONTINUE_LIMIT is reached; raise it",
        )["level"]
        == "ERROR"
    )


def test_no_value_of_a_record_is_ever_told(function, bucket):
    """A sentinel in every field and every unknown key of good and bad events is in no log, metric, trace or answer."""
    good = json.loads(next(iter(sorted(EXAMPLE.glob("log-submit-*.json")))).read_text())
    texts = (
        "project_label",
        "center_label",
        "gear_name",
        "visit_number",
        "packet",
        "module",
        "study",
    )
    events = [good | dict.fromkeys(texts, SENTINEL) | {f"{SENTINEL} key": SENTINEL}]
    events += [
        good | {name: value}
        for name in good
        for value in (SENTINEL, [SENTINEL], {SENTINEL: SENTINEL})
    ]
    payloads = [json.dumps(event) for event in events] + [
        SENTINEL,
        f'{{"{SENTINEL}"',
        f'["{SENTINEL}"',
        "",
    ]
    own = {"SOURCE_BUCKET": bucket, "PREFIX": "secret/"}
    with (
        xray_daemon() as daemon,
        function(**own, LOG_LEVEL="DEBUG", **daemon.environment()) as running,
    ):
        for number, payload in enumerate(payloads):
            obstore.put(
                running.store,
                f"secret/log-submit-20240101-000000-1-p-A-{number}.json",
                payload.encode(),
            )
        found = running.invoke({})
        traces = daemon.wait(5)
        quarantine = bytes(
            obstore.get(running.store, "out/_quarantine/events.parquet").bytes()
        )
    assert found.answer["accepted"] > 0
    assert found.answer["rejected"] > len(good)
    rows = pl.read_parquet(quarantine).to_dicts()
    assert len(rows) == found.answer["rejected"]
    for told in (
        "\n".join(found.logs),
        json.dumps(found.answer),
        json.dumps(traces),
        str(rows),
    ):
        assert SENTINEL not in told


def test_pages_follow_a_run_that_asks_for_them(function):
    with function(REPORTING_AFTER="report") as running:
        done = running.invoke({})
        pages = [
            bytes(
                obstore.get(running.store, f"out/_reports/events/{uri[-12:]}").bytes()
            )
            for uri in done.answer["pages"]
        ]
    assert (done.error, len(pages), "pages_error" in done.answer) == (None, 2, False)
    assert all(page.startswith(b"<!doctype html>\n") for page in pages)
    assert logged(done, "pages made")["pages"] == done.answer["pages"]
    assert metrics_of(done)["PagesWritten"] == ([2.0], "Count")
