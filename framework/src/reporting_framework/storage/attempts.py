"""Attempts of a conditional write, while others write the same object."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from reporting_framework.errors import CommitConflict

MAX_ATTEMPTS = 20
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.6
"""Seconds: the upper bounds of the first pause and of any."""


def commit_attempts(uri: str, most: int | None = None) -> Iterator[int]:
    """Yield the number of each attempt, after a random pause before each but the first.

    Args:
        uri: What is written, for the message.
        most: How many there are; `MAX_ATTEMPTS` unless given.

    Raises:
        CommitConflict: The caller took all attempts and went on to the next.
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
