"""Continuation of a run that stopped at its deadline.

The function invokes itself asynchronously.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from reporting_framework.execution.triggers import CONTINUE


def invoke_again(
    context: Any, settings: Mapping[str, Any], *, number: int, correlation_id: str
) -> None:
    """Start the next run of a chain.

    It runs at the same version or alias, with the settings of the first run's trigger.

    The function's role needs ``lambda:InvokeFunction`` for the function itself. Lambda
    stops chains of about 16 invocations as recursive, unless the function's recursion
    configuration allows them.

    Raises:
        Exception: An error of botocore.
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
    """Return the Lambda client, created once.

    Importing boto3 takes a quarter of a second, so only functions that continue
    themselves do it.
    """
    from botocore.config import Config

    from reporting_framework.storage import aws_session

    # Only seconds are left, and the response is still to be returned.
    config = Config(
        connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2}
    )
    return aws_session().client("lambda", config=config)
