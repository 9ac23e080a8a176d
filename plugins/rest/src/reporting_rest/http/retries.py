"""Attempts of a request: how many, and the pauses between them."""

from __future__ import annotations

import random

import tenacity

from reporting_rest.http.errors import AttemptFailed
from reporting_rest.http.pace import Pace
from reporting_rest.http.settings import HttpSettings


def retrying(settings: HttpSettings, pace: Pace) -> tenacity.Retrying:
    """Return the caller that repeats failed attempts; threads may share it.

    The pause is that which the server asks for, which then holds for all threads;
    otherwise it doubles with each attempt, with jitter.

    Args:
        settings: Numbers and times.
        pace: Rate of the client; its end ends a pause.
    """

    def is_worth(state: tenacity.RetryCallState) -> bool:
        error = _failure(state)
        if error is None or not error.retry or pace.closed:
            return False
        return error.after is None or error.after <= settings.max_wait_seconds

    def pause(state: tenacity.RetryCallState) -> float:
        error = _failure(state)
        if error is not None and error.after is not None:
            pace.pause(error.after)
            return error.after + random.uniform(0, settings.wait_seconds)  # noqa: S311
        return min(settings.max_wait_seconds, doubling(state))

    doubling = tenacity.wait_random_exponential(
        settings.wait_seconds, settings.max_wait_seconds, min=settings.wait_seconds / 2
    )
    return tenacity.Retrying(
        retry=is_worth,
        stop=tenacity.stop_after_attempt(settings.attempts),
        wait=pause,
        sleep=pace.sleep,
        reraise=True,
    )


def _failure(state: tenacity.RetryCallState) -> AttemptFailed | None:
    error = None if state.outcome is None else state.outcome.exception()
    return error if isinstance(error, AttemptFailed) else None
