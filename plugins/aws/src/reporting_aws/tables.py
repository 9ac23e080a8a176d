"""The part that the transform and the sink share in calling DynamoDB.

It has patience, batches of keys, and errors.
"""

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
    """The error for a trouble with a table.

    Args:
        trouble: The trouble.
        who: The step, such as ``sink dynamodb-counters``.
        table: Name of the table.
        hint: What to look at when the table refuses the request as such.
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
            f"{who}: there is no table {table} in this account and region"
            f" ({trouble.code})"
        )
    return LocationError(
        f"{who}: table {table} refused the request ({trouble.code}); {hint}"
    )


class Backoff:
    """The number of tries, with pauses between them that grow.

    Each pause is drawn at random up to the whole ("full jitter").

    Those who failed together must not come back together.
    """

    def __init__(self, attempts: int) -> None:
        self._left, self._attempts = attempts - 1, 0

    def again(self) -> bool:
        """Whether there is another attempt; the pause before it is made here."""
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
    """The items that there are, of at most 100 distinct keys.

    What the table leaves out is asked for again.

    Args:
        dynamodb: The client.
        table: Name of the table.
        keys: The keys.
        options: The rest of the table's request, such as ``ConsistentRead``.
        patience: What is left of it.
    """
    items: list[dict[str, Any]] = []
    while keys:
        response = call(
            dynamodb.batch_get_item, RequestItems={table: {**options, "Keys": keys}}
        )
        if not isinstance(response, ServiceError) and "Responses" not in response:
            response = ServiceError(
                Kind.UNAVAILABLE, "OddAnswer"
            )  # botocore takes what is no JSON for an empty answer
        if isinstance(response, ServiceError):
            if not response.passes or not patience.again():
                return response
            continue
        items += response["Responses"].get(table, [])
        keys = response.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if keys and not patience.again():
            return ServiceError(Kind.THROTTLED, "UnprocessedKeys")
    return items
