"""What is logged of an error."""

import json
import logging
import os
import subprocess
import sys

import pytest

from reporting_framework.aws_lambda.observability import _Formatter
from reporting_framework.errors import FatalError


def test_no_message_and_no_note_of_a_foreign_error_is_logged():
    error = FatalError("bad row")
    error.add_note("SECRET")
    error.__cause__ = ValueError("SECRET")
    try:
        raise error
    except FatalError:
        record = logging.LogRecord(
            "x", logging.ERROR, "file", 1, "failed", (), sys.exc_info()
        )
    line = json.loads(_Formatter(serialize_stacktrace=False).format(record))
    assert line["exception_name"] == "FatalError"
    assert "bad row" in line["exception"]
    assert "SECRET" not in json.dumps(line)


EMIT = """
from types import SimpleNamespace

from reporting_framework.aws_lambda.observability import Observability
from reporting_framework.aws_lambda.settings import FunctionSettings

observer = Observability(FunctionSettings(report="orders"))
observer.begin(SimpleNamespace(function_name="f", aws_request_id="1"), "1", "direct")
observer.logger.info("hello")
observer.failed(ValueError(), refused=True)
"""


@pytest.mark.parametrize(
    ("given", "service"),
    [({}, "orders"), ({"POWERTOOLS_SERVICE_NAME": "orders-dev"}, "orders-dev")],
)
def test_the_service_of_logs_is_powertools_and_no_dimension_of_metrics(given, service):
    """In a process of its own: a function's logs are for the whole process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "POWERTOOLS_SERVICE_NAME"
    } | given
    done = subprocess.run(
        [sys.executable, "-c", EMIT],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    hello, _, metrics = map(json.loads, done.stdout.splitlines())
    assert (hello["service"], hello["report"]) == (service, "orders")
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
        ["report", "environment"]
    ]
