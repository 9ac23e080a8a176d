"""AWS clients, one per service and execution environment.

boto3 is imported with the first client, as its import takes longer than most other
imports together.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from reporting_aws.aws_errors import ServiceError, call
from reporting_framework.errors import SettingsError
from reporting_framework.storage import aws_session, aws_variables

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
"""Timeouts are short: an answer takes milliseconds, and a connection that broke while
Lambda was frozen must not use up the time budget.
"""

_clients: dict[tuple[Any, ...], Any] = {}
_lock = threading.Lock()


def environment_key(service: str) -> tuple[Any, ...]:
    """Return the variables that decide which AWS account and endpoint a client uses.

    Data that is cached under this key is never used for another account or endpoint.
    """
    return (service, *aws_variables())


def client(
    service: str, *, read_timeout: float = READ_SECONDS, attempts: int = 3
) -> Any:
    """Return the client of a service, created once per process.

    The client keeps its connections and credentials.

    Args:
        service: Name of the service in boto3.
        read_timeout: Seconds to wait for an answer; longer for callers that wait for
            messages.
        attempts: Number of times that botocore sends a request; 1 if a `Backoff`
            decides what to repeat.

    Raises:
        AccessDenied: A variable of AWS cannot be used.
        SettingsError: No region is set, or the AWS settings cannot be used.
    """
    key = (os.getpid(), *environment_key(service), read_timeout, attempts)
    with _lock:  # creating a client is not thread-safe, using it is
        if key not in _clients:
            client_of_service = call(_connect, service, read_timeout, attempts)
            if isinstance(client_of_service, ServiceError):
                raise SettingsError(
                    f"{service}: no client can be created ({client_of_service.code});"
                    " set"
                    " AWS_REGION and credentials"
                )
            _clients[key] = client_of_service
        return _clients[key]


def _connect(service: str, read_timeout: float, attempts: int) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
    )
    return aws_session().client(service, config=config)
