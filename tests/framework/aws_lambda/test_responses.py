"""Answers in the form that each caller expects, without a word of what is not the caller's business."""

import json

import pytest

from reporting_framework.aws_lambda.responses import (
    as_runtime_error,
    failure,
    responds,
    success,
)
from reporting_framework.errors import (
    AccessDenied,
    SettingsError,
    StepFailed,
    TriggerError,
)
from reporting_framework.execution.triggers import CONTINUE, chain_length
from reporting_framework.plugin_api.report import Report
from reporting_framework.plugin_api.result import RunResult

RESULT = RunResult(
    report="visits", run_id="r", status="ok", complete=True, accepted=3, records_read=3
)


class Silent(Report):
    """A report with nothing to say."""

    name = "visits"

    def compose(self, settings):
        raise NotImplementedError


class Answering(Silent):
    """A report with names of its own."""

    def answer(self, settings, result):
        return {"where": settings, "taken": result.accepted}

    def metrics(self, result):
        return {}


def test_a_direct_invocation_gets_the_result():
    found = success("direct", Silent(), None, RESULT, continued=False)
    assert found == {"statusCode": 200, **RESULT.model_dump(mode="json")}
    assert not {"spans", "response", "continued"} & found.keys()


def test_the_report_adds_names_of_its_own():
    found = success("direct", Answering(), "here", RESULT, continued=True)
    assert (found["where"], found["taken"], found["accepted"], found["continued"]) == (
        "here",
        3,
        3,
        True,
    )


def test_a_request_gets_it_as_json():
    found = success("http", Silent(), None, RESULT, continued=False)
    assert (found["statusCode"], found["headers"]) == (
        200,
        {"Content-Type": "application/json"},
    )
    assert json.loads(found["body"])["accepted"] == 3


def test_a_queue_gets_what_the_source_says():
    result = RESULT.model_copy(update={"response": {"batchItemFailures": []}})
    assert success("sqs", Answering(), "here", result, continued=False) == {
        "batchItemFailures": []
    }


@pytest.mark.parametrize(
    "error", [SettingsError("no such setting"), TriggerError("no such setting")]
)
def test_bad_input_is_told(error):
    found = failure("direct", error, report="visits", request_id="q", refused=True)
    assert found == {
        "statusCode": 400, "report": "visits", "status": "failed", "request_id": "q", "error": "no such setting",
    }  # fmt: skip
    assert (
        json.loads(
            failure("http", error, report="visits", request_id="q", refused=True)[
                "body"
            ]
        )["error"]
        == "no such setting"
    )


@pytest.mark.parametrize("error", [AccessDenied("s3://SECRET"), ValueError("SECRET")])
def test_a_failure_is_not(error):
    found = failure("direct", error, report="visits", request_id="q")
    assert (found["statusCode"], found["error"]) == (
        500,
        "the run failed; the function's log says why",
    )
    assert "SECRET" not in json.dumps(found)


def test_a_wrong_setting_that_is_no_fault_of_the_callers_is_a_failure():
    assert (
        failure("direct", SettingsError("x"), report="", request_id="q")["statusCode"]
        == 500
    )


def test_the_message_of_a_foreign_error_is_not_raised():
    ours = AccessDenied("s3://bucket: denied")
    assert as_runtime_error(ours, "visits") is ours
    raised = as_runtime_error(ValueError("SECRET"), "visits")
    assert isinstance(raised, StepFailed)
    assert str(raised) == "report visits: ValueError; see the log for where"


@pytest.mark.parametrize(
    ("event", "number"), [({}, 0), ([], 0), ({CONTINUE: {"number": 3}}, 3)]
)
def test_how_many_came_before(event, number):
    assert chain_length(event) == number


@pytest.mark.parametrize(
    "marker", [None, {}, {"number": 0}, {"number": True}, {"number": "1"}, 3]
)
def test_nobody_else_may_say_so(marker):
    with pytest.raises(TriggerError, match=f"{CONTINUE}: reserved for the handler"):
        chain_length({CONTINUE: marker})


@pytest.mark.parametrize("value", [{1, 2}, float("nan")])
@pytest.mark.parametrize("kind", ["direct", "http"])
def test_what_json_cannot_say_is_found_before_the_runtime_does(kind, value):
    report = Answering()
    report.answer = lambda settings, result: {"odd": value}
    with pytest.raises((TypeError, ValueError), match="JSON"):
        success(kind, report, None, RESULT, continued=False)


@pytest.mark.parametrize("policy", ["auto", "raise", "respond"])
@pytest.mark.parametrize(
    "kind",
    [
        "direct",
        "http",
        "schedule",
        "s3",
        "sqs",
        "kinesis",
        "continuation",
        "map",
        "unknown",
    ],
)
def test_who_is_answered_by_a_failed_run(policy, kind):
    asked = policy == "respond" or (policy == "auto" and kind in ("direct", "http"))
    assert responds(policy, kind) is (
        asked and kind not in ("sqs", "kinesis", "map", "unknown")
    )
