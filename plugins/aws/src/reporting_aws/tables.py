"""DynamoDB calls shared by the transform and the sink: retries, batches and errors."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from reporting_aws.aws_errors import Kind, ServiceError, call
from reporting_framework.errors import (
    AccessDenied,
    LocationError,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.storage import PROBLEMS, problem_text

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


def failure(trouble: ServiceError, who: str, table: str, hint: str) -> ReportingError:
    """Return the exception for a failed call to a table.

    Args:
        trouble: Reason that the call failed.
        who: The step, such as ``sink dynamodb-counters``.
        table: Name of the table.
        hint: Advice for the case that the table refuses the request.
    """
    if trouble.passes:
        return StorageUnavailable(
            f"{who}: table {table}: {trouble.kind} ({trouble.code}); run again later"
        )
    if trouble.kind is Kind.DENIED:
        problem = PROBLEMS[trouble.code]
        if problem is PROBLEMS["AccessDenied"]:
            return AccessDenied(
                f"{who}: table {table}: access was denied ({trouble.code}); see"
                " `reporting iam`"
            )
        return AccessDenied(
            f"{who}: table {table}: {problem_text(problem, trouble.code)}"
        )
    if trouble.kind is Kind.ABSENT:
        return LocationError(
            f"{who}: table {table}: not found in this account and region"
            f" ({trouble.code}); check the name, the account and AWS_REGION"
        )
    return LocationError(
        f"{who}: table {table}: the request was refused ({trouble.code}); {hint}"
    )


class Backoff:
    """Limit of attempts, with growing random pauses between them.

    Each pause is drawn from the whole range up to its limit ("full jitter"), so that
    processes that failed together do not retry together.
    """

    def __init__(self, attempts: int) -> None:
        self._left, self._attempts = attempts - 1, 0

    def again(self) -> bool:
        """Pause before the next attempt; return false if none is left."""
        if self._left <= 0:
            return False
        self._left -= 1
        _sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._attempts)))  # noqa: S311 - no secret
        self._attempts += 1
        return True


_sleep = time.sleep


def batch_get(
    dynamodb: Any,
    table: str,
    keys: list[dict[str, Any]],
    options: Mapping[str, Any],
    patience: Backoff,
) -> list[dict[str, Any]] | ServiceError:
    """Return the existing items of at most 100 distinct keys.

    Keys that the table left unprocessed are requested again.

    Args:
        dynamodb: The client.
        table: Name of the table.
        keys: Keys of the items.
        options: Other parts of the table's request, such as ``ConsistentRead``.
        patience: Remaining attempts.
    """
    items: list[dict[str, Any]] = []
    while keys:
        response = call(
            dynamodb.batch_get_item, RequestItems={table: {**options, "Keys": keys}}
        )
        if not isinstance(response, ServiceError) and "Responses" not in response:
            response = ServiceError(
                Kind.UNAVAILABLE, "OddAnswer"
            )  # botocore returns an empty answer if the body is not JSON
        if isinstance(response, ServiceError):
            if not response.passes or not patience.again():
                return response
            continue
        items += response["Responses"].get(table, [])
        keys = response.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if keys and not patience.again():
            return ServiceError(Kind.THROTTLED, "UnprocessedKeys")
    return items
