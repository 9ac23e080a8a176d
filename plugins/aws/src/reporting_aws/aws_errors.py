"""Errors of AWS calls, described without any value of a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from reporting_framework.errors import AccessDenied
from reporting_framework.storage import PROBLEMS


class Kind(StrEnum):
    """Kind of an error; the first three kinds are temporary."""

    THROTTLED = "throttled"
    CONTENDED = "contended"
    UNAVAILABLE = "unavailable"
    DENIED = "denied"
    ABSENT = "absent"
    REFUSED = "refused"


class ServiceError(NamedTuple):
    """Reason that a call failed, without the message, which may quote a key.

    Attributes:
        kind: Kind of the error.
        code: Name of the error in the service or in botocore.
    """

    kind: Kind
    code: str

    @property
    def passes(self) -> bool:
        """True if the same call may succeed later."""
        return self.kind in (Kind.THROTTLED, Kind.CONTENDED, Kind.UNAVAILABLE)


CONDITION = "ConditionalCheckFailed"

_KINDS = {
    CONDITION: Kind.CONTENDED,
    "TransactionConflict": Kind.CONTENDED,
    "TransactionConflictException": Kind.CONTENDED,
    "TransactionInProgressException": Kind.CONTENDED,
    "ThrottlingError": Kind.THROTTLED,
    "ThrottlingException": Kind.THROTTLED,
    "Throttling": Kind.THROTTLED,
    "ProvisionedThroughputExceeded": Kind.THROTTLED,
    "ProvisionedThroughputExceededException": Kind.THROTTLED,
    "RequestLimitExceeded": Kind.THROTTLED,
    "ResourceInUseException": Kind.UNAVAILABLE,
    "RequestTimeout": Kind.UNAVAILABLE,
    "RequestTimeoutException": Kind.UNAVAILABLE,
    **{
        code: Kind.DENIED
        for code, problem in PROBLEMS.items()
        if problem.error is AccessDenied
    },
    "ResourceNotFoundException": Kind.ABSENT,
}


def call(operation: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call an operation of AWS; return its result or a `ServiceError`.

    The error is returned and not raised: a raised error would carry botocore's error,
    with the request's content, as its cause.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return operation(*arguments, **named)
    except ClientError as error:
        return _answered(error.response)
    except (BotoCoreError, ResponseParserError) as error:
        return _unanswered(error)


def _answered(response: Mapping[str, Any]) -> ServiceError:
    code = str(response.get("Error", {}).get("Code", "Unknown"))
    if code == "TransactionCanceledException":
        reasons = [
            str(reason.get("Code"))
            for reason in response.get("CancellationReasons", ())
        ]
        codes = [reason for reason in reasons if reason not in ("None", "NoneType")]
        # A permanent reason wins over temporary ones, and a failed condition, which
        # needs a new read, wins over a busy table.
        return min(
            (_known(code) for code in codes),
            key=_severity,
            default=ServiceError(Kind.UNAVAILABLE, code),
        )
    if (
        code not in _KINDS
        and response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    ):
        return ServiceError(Kind.UNAVAILABLE, code)
    return _known(code)


def _known(code: str) -> ServiceError:
    return ServiceError(_KINDS.get(code, Kind.REFUSED), code)


def _severity(trouble: ServiceError) -> tuple[bool, bool, str]:
    return (trouble.passes, trouble.code != CONDITION, trouble.code)


def _unanswered(error: Exception) -> ServiceError:
    from botocore.exceptions import ConnectionError as NotConnected
    from botocore.exceptions import HTTPClientError
    from botocore.parsers import ResponseParserError

    code = type(error).__name__
    passing = (NotConnected, HTTPClientError, ResponseParserError)
    return (
        ServiceError(Kind.UNAVAILABLE, code)
        if isinstance(error, passing)
        else _known(code)
    )
