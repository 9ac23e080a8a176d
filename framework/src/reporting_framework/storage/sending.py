"""Requests that obstore sends, counted, and its rules of sending one again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from reporting_framework.plugin_api.traffic import count

T = TypeVar("T")

MAX_RETRIES = 5
RETRY_SECONDS = 60


def retry_options() -> Any:
    """Return the option of obstore's stores for retries."""
    return {
        "max_retries": MAX_RETRIES,
        "retry_timeout": timedelta(seconds=RETRY_SECONDS),
    }


def send(kind: str, request: Callable[[], T]) -> T:
    """Send a request, and count it; obstore does not say how often it has sent it.

    Args:
        kind: Kind of the request; see `count`.
        request: Function that sends it.
    """
    count(kind)
    return request()
