"""Time limits for calls that may never return."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from reporting_framework.plugin_api.traffic import in_context

T = TypeVar("T")


def call_within(seconds: float, function: Callable[[], T], name: str) -> T:
    """Call a function in a thread named `name` and return its result.

    An error of the function is raised here.

    Raises:
        TimeoutError: The function did not return in time. Its thread continues, but
            does not keep the process alive.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=in_context(call), name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]
