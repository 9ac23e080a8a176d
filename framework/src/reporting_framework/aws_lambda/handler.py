"""Lambda handler of every report.

Its name is ``reporting_framework.aws_lambda.handler.handler``.

The environment variable ``REPORTING_REPORT`` names the report. The handler needs ``pip
install 'reporting-framework[aws]'``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from typing import Any

from reporting_framework._text.gc_tuning import tune_gc

if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    tune_gc()  # before the imports, which create a hundred thousand objects

from reporting_framework.aws_lambda import responses
from reporting_framework.aws_lambda.environment import Environment
from reporting_framework.aws_lambda.observability import log_setup_failure
from reporting_framework.errors import ReportingError
from reporting_framework.execution.triggers import kind_of


@cache
def environment() -> Environment:
    """Return the execution environment, created once.

    If creating it fails, the next invocation tries again.
    """
    return Environment(os.environ)


def handler(event: Any, context: Any) -> Any:
    """Run the report that the environment names.

    Args:
        event: Settings of a direct invocation, a schedule's event, S3 notifications, a
            batch of SQS or Kinesis, an HTTP request, or a step of a distributed run.
        context: Lambda's context object.

    Raises:
        ReportingError: The run failed and no caller reads the response.
    """
    try:
        prepared = environment()
    except ReportingError as error:
        kind, report = kind_of(event), os.environ.get("REPORTING_REPORT", "")
        log_setup_failure(
            error, report or "unknown", os.environ.get("REPORTING_ENVIRONMENT", "dev")
        )
        if not responses.responds(os.environ.get("REPORTING_ON_ERROR", "auto"), kind):
            raise
        return responses.failure(
            kind, error, report=report, request_id=context.aws_request_id
        )
    return prepared.invoke(event, context)


if (
    "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ
):  # imports during initialisation cost the caller nothing
    with suppress(ReportingError):
        environment().warm_up()
