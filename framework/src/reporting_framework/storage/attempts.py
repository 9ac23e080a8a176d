"""Attempts of a conditional write while other runs write the same object."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from reporting_framework.errors import CommitConflict

MAX_ATTEMPTS = 20
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.6
"""Upper bounds in seconds of the first pause and of every pause."""


def commit_attempts(uri: str, most: int | None = None) -> Iterator[int]:
    """Yield the number of each attempt; pause for a random time before each retry.

    Args:
        uri: The object to write, for the message.
        most: Number of attempts; `MAX_ATTEMPTS` by default.

    Raises:
        CommitConflict: All attempts failed: the caller asked for one more.
    """
    most = most or MAX_ATTEMPTS
    for attempt in range(most):
        if attempt:
            longest = min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE)
            time.sleep(random.uniform(0, longest))  # noqa: S311 - not a secret
        yield attempt
    raise CommitConflict(
        f"{uri}: other runs were faster {most} times in a row; run again"
    )
