"""What an invocation is answered with, in the form that whoever started it expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import ReportingError, StepFailed
from reporting_framework.execution.triggers import AWAITED, Kind
from reporting_framework.plugin_api.report import Report

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult

OK, BAD_REQUEST, FAILED = 200, 400, 500

_NOTHING: Mapping[str, Any] = {}


def responds(policy: str, kind: Kind) -> bool:
    """Whether a failed run answers, or raises.

    A queue, a stream or an unknown service takes any answer for success.
    """
    if kind in ("sqs", "kinesis", "unknown"):
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
    """The answer to a run that was not given up.

    `more` is what the function has to say besides.
    """
    if result.response is not None:
        return result.response
    own = report.answer(settings, result)
    body = {**result.model_dump(mode="json"), **own, **more}
    return _formed(kind, OK, {**body, "continued": True} if continued else body)


def failure(
    kind: Kind, error: Exception, *, report: str, request_id: str, refused: bool = False
) -> Any:
    """Return the answer to a run that was given up.

    It says what is wrong with the trigger, or no more than that the run failed.

    Args:
        kind: What the event is.
        error: Why.
        report: The function's report.
        request_id: Lambda's id of the invocation.
        refused: Whether the trigger is at fault, and nothing else.
    """
    body = {"report": report, "status": "failed", "request_id": request_id}
    if refused:
        return _formed(kind, BAD_REQUEST, {**body, "error": str(error)})
    return _formed(
        kind, FAILED, {**body, "error": "the run failed; the function's log says why"}
    )


def as_runtime_error(error: Exception, report: str) -> ReportingError:
    """Return the error as the runtime may log it.

    The message of a foreign error may hold values of records.
    """
    if isinstance(error, ReportingError):
        return error
    return StepFailed(f"report {report}: {type(error).__name__}; see the log for where")


def _formed(kind: Kind, status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body in the caller's form.

    Raises:
        TypeError: It holds what JSON cannot say; of a direct invocation the runtime
            itself would find that too late.
        ValueError: The same.
    """
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    if kind != "http":
        return {"statusCode": status, **body}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": text,
    }
