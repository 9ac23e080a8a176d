"""A DynamoDB by moto behind a wire that can be cut: before a request arrives, or before its answer does."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.core.models import botocore_stubber

from reporting_framework.testing import Killed


class Raw(BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def answer(status: int, code: str, **more: Any) -> AWSResponse:
    """An error as DynamoDB gives it, whose message quotes what was sent."""
    body = {
        "__type": f"com.amazonaws.dynamodb.v20120810#{code}",
        "message": "quoted: SECRET",
        **more,
    }
    return AWSResponse(
        "https://dynamodb",
        status,
        {"content-type": "application/x-amz-json-1.0"},
        Raw(json.dumps(body).encode()),
    )


def cancelled(*reasons: str) -> AWSResponse:
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(reasons)}]"
    told = [
        {"Code": reason, "Message": "SECRET"} if reason != "None" else {"Code": "None"}
        for reason in reasons
    ]
    return answer(
        400, "TransactionCanceledException", Message=message, CancellationReasons=told
    )


Fault = Callable[[Callable[[], AWSResponse], dict[str, Any]], AWSResponse]


def refused(status: int, code: str) -> Fault:
    return lambda send, body: answer(status, code)


def cancel(*reasons: str) -> Fault:
    return lambda send, body: cancelled(*reasons)


def unreachable(send: Any, body: Any) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url="http://SECRET")


def lost(send: Any, body: Any) -> AWSResponse:
    send()
    raise ReadTimeoutError(endpoint_url="http://SECRET")


def killed_before(send: Any, body: Any) -> AWSResponse:
    raise Killed


def killed_after(send: Any, body: Any) -> AWSResponse:
    send()
    raise Killed


class Wire:
    """What is between a client and moto: it counts, breaks, and knows the tokens of transactions as DynamoDB does.

    Attributes:
        fault: Says what happens to a request, by its number from 0 and its operation; None: nothing.
        operations: Requests that were sent, in order.
    """

    def __init__(self) -> None:
        self.lock = (
            threading.RLock()
        )  # moto takes transactions back by putting old tables in place
        self.clear()

    def clear(self) -> None:
        self.operations: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.fault: Callable[[int, str], Fault | None] = lambda number, operation: None
        self.tokens: dict[str, str] = {}
        self.tokens_kept = True

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.operations)

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (
            target.decode() if isinstance(target, bytes) else target
        ).rpartition(".")[2]
        body = json.loads(request.body)
        with self.lock:
            number = len(self.operations)
            self.operations.append(operation)
            self.bodies.append(body)
            fault = self.fault(number, operation)
            return (
                fault(lambda: self.send(request, body), body)
                if fault
                else self.send(request, body)
            )

    def send(self, request: Any, body: dict[str, Any]) -> AWSResponse:
        token = body.get("ClientRequestToken")
        if token in self.tokens:
            if self.tokens[token] != json.dumps(body):
                return answer(400, "IdempotentParameterMismatchException")
            return AWSResponse(request.url, 200, {}, Raw(b"{}"))
        response = botocore_stubber(event_name="before-send", request=request)
        if token and response.status_code == 200 and self.tokens_kept:
            self.tokens[token] = json.dumps(body)
        return response
