"""Failure of a single attempt, inside the client."""

from __future__ import annotations


class AttemptFailed(Exception):
    """Attempt that failed and may succeed later.

    Args:
        problem: What happened, in a few words, without a value.
        after: Seconds that the server asks to wait, `None` if it does not say.
        retry: Whether another attempt makes sense.
    """

    def __init__(
        self, problem: str, *, after: float | None = None, retry: bool = True
    ) -> None:
        super().__init__(problem)
        self.problem, self.after, self.retry = problem, after, retry
