"""The way a function goes on with what it did not get done in its time.

It invokes itself, asynchronously.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from reporting_framework.errors import TriggerError
from reporting_framework.execution.triggers import CONTINUE


def chain_length(event: Any) -> int:
    """How many runs came before this one in its chain.

    Raises:
        TriggerError: The event says so in a way of its own.
    """
    if not isinstance(event, Mapping) or CONTINUE not in event:
        return 0
    marker = event[CONTINUE]
    number = marker.get("number") if isinstance(marker, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise TriggerError(
            f"{CONTINUE} is the handler's own; it holds the number of runs before, as a"
            " whole number"
        )
    return number


def invoke_again(
    context: Any, settings: Mapping[str, Any], *, number: int, correlation_id: str
) -> None:
    """Start the next run of a chain.

    It runs at the same version or alias, with the settings of the first run's trigger.

    Needs ``lambda:InvokeFunction`` for the function itself. Lambda stops chains of
    about 16 invocations as recursive, unless the function's recursion configuration
    allows them.

    Raises:
        Exception: botocore's, as it comes.
    """
    event = {
        CONTINUE: {"number": number, "correlation_id": correlation_id},
        "settings": dict(settings),
    }
    client().invoke(
        FunctionName=context.invoked_function_arn,
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )


@cache
def client() -> Any:
    """Return Lambda's client.

    boto3 takes a quarter of a second to import, so only functions that go on by
    themselves do.
    """
    from botocore.config import Config

    from reporting_framework.storage import aws_session

    # There are seconds left at the most, and an answer to give.
    config = Config(
        connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2}
    )
    return aws_session().client("lambda", config=config)
