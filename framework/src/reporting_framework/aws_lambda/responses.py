"""Responses of an invocation, in the form that its caller expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CheckFailed, ReportingError, StepFailed
from reporting_framework.execution.triggers import AWAITED, Kind
from reporting_framework.plugin_api.report import Report

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

OK, BAD_REQUEST, FAILED = 200, 400, 500

_NOTHING: Mapping[str, Any] = {}


def responds(policy: str, kind: Kind) -> bool:
    """Return whether a failed run returns a response instead of raising.

    A queue, a stream, a state machine or an unknown service takes any response for
    success.
    """
    if kind in ("sqs", "kinesis", "map", "unknown"):
        return False
    return policy == "respond" or (policy == "auto" and kind in AWAITED)


def success(
    kind: Kind,
    report: Report,
    settings: Any,
    result: RunResult,
    *,
    continued: bool,
    more: Mapping[str, Any] = _NOTHING,
) -> Any:
    """Return the response to a finished run.

    `more` holds the function's additional entries.
    """
    if result.response is not None:
        return result.response
    own = report.answer(settings, result)
    body = {**result.model_dump(mode="json"), **own, **more}
    return _formed(kind, OK, {**body, "continued": True} if continued else body)


def failure(
    kind: Kind, error: Exception, *, report: str, request_id: str, refused: bool = False
) -> Any:
    """Return the response to a failed run.

    It says what is wrong with the trigger, or only that the run failed.

    Args:
        kind: Kind of the event.
        error: Cause of the failure.
        report: The function's report.
        request_id: Lambda's id of the invocation.
        refused: Whether only the trigger is at fault.
    """
    body = {"report": report, "status": "failed", "request_id": request_id}
    if refused:
        return _formed(kind, BAD_REQUEST, {**body, "error": str(error)})
    if isinstance(error, CheckFailed):
        checks = error.result.model_dump(mode="json")["checks"]
        text = "a check failed; checks and the function's log say which"
        return _formed(kind, FAILED, {**body, "error": text, "checks": checks})
    return _formed(
        kind, FAILED, {**body, "error": "the run failed; the function's log says why"}
    )


def as_runtime_error(error: Exception, report: str) -> ReportingError:
    """Return the error in a form that the runtime may log.

    The message of a foreign error may hold values of records.
    """
    if isinstance(error, ReportingError):
        return error
    return StepFailed(f"report {report}: {type(error).__name__}; see the log for where")


def _formed(kind: Kind, status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body in the caller's form.

    Raises:
        TypeError: It holds a value that JSON cannot represent; for a direct invocation
            the runtime would notice too late.
        ValueError: It holds a number that JSON cannot represent.
    """
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    if kind != "http":
        return {"statusCode": status, **body}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": text,
    }
