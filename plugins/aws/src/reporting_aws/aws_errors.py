"""What goes wrong with a call of AWS, told without any value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from reporting_framework.errors import AccessDenied
from reporting_framework.storage import PROBLEMS


class Kind(StrEnum):
    """What can be done about a trouble; the first three pass."""

    THROTTLED = "throttled"
    CONTENDED = "contended"
    UNAVAILABLE = "unavailable"
    DENIED = "denied"
    ABSENT = "absent"
    REFUSED = "refused"


class ServiceError(NamedTuple):
    """Why a call failed: never with the message, which may quote a key.

    Attributes:
        kind: What can be done about it.
        code: The service's or botocore's name for it.
    """

    kind: Kind
    code: str

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed later."""
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
    """What the operation gives, or a `ServiceError`.

    A trouble is returned and not raised, so that no error of ours carries botocore's,
    with what was sent, as its cause.
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
        # What never passes decides over what does, and a condition (to be read again)
        # over what is merely busy.
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
