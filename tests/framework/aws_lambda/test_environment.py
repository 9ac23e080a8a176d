"""Whose fault a failed invocation is: the trigger's sender is answered 400, anything else is 500 and a metric."""

import contextlib
import functools
import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.aws_lambda.environment import Environment
from reporting_framework.config.fields import fields_of
from reporting_framework.config.resolve import resolve_settings
from reporting_framework.errors import (
    ReportingError,
    SettingsError,
    StepFailed,
    TriggerError,
)
from reporting_framework.execution.triggers import trigger_of
from reporting_framework.testing.lambda_events import lambda_event

TABLE = """
[reports.visits]
source = { use = "object-store-json", uri = "memory://visits/in" }
validator = { use = "visit-event" }
transforms = [{ use = "exclude-projects", patterns = ["sandbox-*"] }]
sinks = [{ use = "parquet-checkpoint", uri = "memory://visits/out/visits.parquet" }]
"""
PLACES = {
    "SOURCE_BUCKET": "b",
    "CHECKPOINT_BUCKET": "c",
    "CHECKPOINT_KEY": "out/events.parquet",
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just("\ud800")
    | st.just("s3://b/x.parquet"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text() | st.sampled_from(["use", "\ud800"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


class Context:
    """Lambda's."""

    function_name = "visits"
    aws_request_id = "q"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:visits"

    def get_remaining_time_in_millis(self):
        return 60_000


@pytest.fixture(scope="module", autouse=True)
def credentials():
    """Of nobody: nothing is asked of S3 here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "x")
        patch.setenv("AWS_REGION", "us-east-1")
        yield


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "reporting.toml"
    path.write_text(TABLE)
    return str(path)


@functools.cache
def environment(config, report="event-log-checkpoint", **variables):
    return Environment(
        {"REPORTING_REPORT": report, "REPORTING_CONFIG": config, **variables}
    )


def metrics(text):
    """Values of the metrics that were printed."""
    lines = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    return {
        each["Name"]: line[each["Name"]][0]
        for line in lines
        for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def nested(around, depth=2_000):
    """A value in so many lists or objects, which not each version of Python can decode from JSON."""
    value = 1
    for _ in range(depth):
        value = around(value)
    return value


def invoked(prepared, event):
    """The answer and the metrics of an invocation."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        answer = prepared.invoke(event, Context())
    return answer, metrics(printed.getvalue())


@pytest.mark.parametrize(
    ("report", "variables", "event"),
    [
        ("event-log-checkpoint", {"SOURCE_BUCKET": "s3://b"}, {}),
        ("event-log-checkpoint", {"SOURCE_BUCKET": "s3://b"}, {"prefix": "p"}),
        ("event-log-checkpoint", {"CHECKPOINT_KEY": "events"}, {"prefix": "p"}),
        (
            "event-log-checkpoint",
            {"REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGHT": "many"},
            {"prefix": "p"},
        ),
        (
            "event-log-checkpoint",
            {"REPORTING_EVENT_LOG_CHECKPOINT__MAX_IN_FLIGT": "1"},
            {"prefix": "p"},
        ),
        (
            "event-log-checkpoint",
            {"REPORTING_EVENT_LOG_CHECKPOINT__EXCLUDE_PROJECTS": "[1"},
            {"prefix": "p"},
        ),
        (
            "event-log-checkpoint",
            {"REPORTING_EVENT_LOG_CHECKPOINT__SOURCE": "s3://x/"},
            {"prefix": "p"},
        ),
        ("event-log-checkpoint", {"CHECKPOINT_KEY": "{nothing}.parquet"}, {}),
        (
            "event-log-checkpoint",
            {"CHECKPOINT_KEY": "{nothing}.parquet"},
            {"prefix": "p"},
        ),
        ("event-log-checkpoint", {"CHECKPOINT_KEY": "{study.parquet"}, {"prefix": "p"}),
        (
            "visits",
            {"REPORTING_VISITS__SOURCE": '{"use": "object-store-json", "url": "x"}'},
            {"summary": "s"},
        ),
        (
            "visits",
            {"REPORTING_VISITS__SOURCE": '{"use": "nothing"}'},
            {"summary": "s"},
        ),
    ],
)
def test_a_wrong_setting_in_the_environment_is_a_failure_of_the_function(
    config, report, variables, event
):
    answer, measured = invoked(environment(config, report, **PLACES | variables), event)
    assert (answer["statusCode"], answer["error"]) == (
        500,
        "the run failed; the function's log says why",
    )
    assert measured == {"RunFailed": 1.0, "RunSucceeded": 0.0}


@pytest.mark.parametrize(
    ("report", "event", "said"),
    [
        ("event-log-checkpoint", {"prefix": 5}, "prefix (the trigger): Input should be a valid string; found 5"),
        ("event-log-checkpoint", {"checkpoint_key": []}, "checkpoint_key (the trigger): Input should be a valid string"),
        ("event-log-checkpoint", {"checkpoint_key": "x"}, "the name must end in .parquet"),
        ("event-log-checkpoint", {"source_bucket": "a b"}, "not a bucket's name"),
        ("event-log-checkpoint", {"chekpoint": "x"}, "there is no setting chekpoint (the trigger); did you mean"),
        ("event-log-checkpoint", {"checkpoint": "s3://b/x.parquet"}, "the checkpoint is in the source's folder"),
        ("event-log-checkpoint", {"checkpoint_key": "{nothing}.parquet"}, "nothing"),
        ("event-log-checkpoint", {"checkpoint": "x.parquet", "checkpoint_key": "y.parquet"}, "are both set in the trigger"),
        ("visits", {"source": {"url": "x"}}, "there is no setting url"),
        ("visits", {"source": {"uri": "nothing://x"}}, "unknown scheme 'nothing'"),
        ("visits", {"source": {"use": "nothing"}}, "there is no source 'nothing'"),
        ("visits", {"source": 5}, "source (the trigger)"),
    ],
)  # fmt: skip
def test_a_wrong_setting_in_the_trigger_is_the_callers(config, report, event, said):
    answer, measured = invoked(environment(config, report, **PLACES), event)
    assert answer["statusCode"] == 400
    assert said in answer["error"]
    assert measured == {"RequestsRefused": 1.0}


@pytest.mark.parametrize(
    "name",
    ["msk", "firehose", "documentdb", "amazon-mq", "cloudwatch-logs", "pipes", "iot"],
)
@pytest.mark.parametrize("policy", ["auto", "respond"])
def test_an_event_that_is_not_known_to_be_a_direct_invocation_raises(
    config, name, policy
):
    """An answer of any status would be taken for success, and the records would be gone."""
    prepared = environment(config, REPORTING_ON_ERROR=policy, **PLACES)
    with pytest.raises(
        TriggerError, match="not known to be a direct invocation|the event is a list"
    ):
        invoked(prepared, lambda_event(name))


@pytest.mark.parametrize(
    ("direct", "body"),
    [
        (
            {"prefix": nested(lambda value: [value])},
            '{"prefix": ' + "[" * 2_000 + "1" + "]" * 2_000 + "}",
        ),
        (
            {"exclude_projects": nested(lambda value: {"a": value})},
            '{"exclude_projects": ' + '{"a":' * 2_000 + "1" + "}" * 2_000 + "}",
        ),
        *(
            (settings, json.dumps(settings))
            for settings in (
                {"prefix": "p", **{f"unknown_{at}": at for at in range(20_000)}},
                {"exclude_projects": list(range(4_000))},
            )
        ),
    ],
    ids=["lists", "objects", "names", "items"],
)
def test_deep_nesting_and_thousands_of_names_are_answered_quickly(config, direct, body):
    prepared = environment(config, **PLACES)
    for event in (
        direct,
        lambda_event("function-url") | {"body": body, "isBase64Encoded": False},
    ):
        began = time.process_time()
        assert invoked(prepared, event)[0]["statusCode"] == 400
        assert time.process_time() - began < 1


def test_thousands_of_names_within_a_setting_are_answered_quickly(config):
    source = {f"unknown_{number}": number for number in range(4_000)}
    began = time.process_time()
    assert (
        invoked(environment(config, "visits"), {"source": source})[0]["statusCode"]
        == 400
    )
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "report", ["event-log-checkpoint", "event-processor", "visits"]
)
@given(data=st.data())
def test_any_json_in_any_setting_of_a_report_is_a_value_or_a_settings_error(
    config, report, data
):
    """The whole way: settings, plugins and their settings; an error that is nobody's is none of a trigger."""
    prepared = environment(
        config, report, DYNAMODB_TABLE="table", S3_BUCKET="bucket", **PLACES
    )
    names = st.sampled_from(sorted(prepared.names))
    plugin = st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ["use", "uri", "patterns", "timestamp", "include"], JSON
        ),
    )
    trigger = data.draw(
        st.dictionaries(
            names | st.text(), JSON | plugin | st.lists(plugin, max_size=2), max_size=4
        )
    )
    try:
        settings = resolve_settings(
            report,
            prepared.report.Settings,
            config=prepared.config,
            environment=prepared.environment,
            trigger=trigger_of("direct", trigger).settings,
        )
    except TriggerError:
        return
    except SettingsError as error:
        assert error.of_trigger is not False
        str(error).encode()
        return
    assert set(fields_of(type(settings))) == prepared.names
    try:
        prepared._assemble(settings)
    except ReportingError as error:
        assert not isinstance(error, StepFailed)
