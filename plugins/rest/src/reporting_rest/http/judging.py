"""Judgement of responses: which attempts failed, and for how long to wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from reporting_framework import (
    AccessDenied,
    LocationError,
    ObjectMissing,
    ReportingError,
)
from reporting_rest.http.errors import AttemptFailed
from reporting_rest.http.messages import HttpResponse

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses that may be others later."""

UNNAMED_SECONDS = 60.0
"""Pause after a refusal whose body alone speaks of a rate limit, as GitHub asks."""

_FAR = 1_000_000_000
"""Number from which on a reset is a time since the epoch, not a number of seconds.

No pause is longer."""


def check_status(response: HttpResponse) -> None:
    """Check whether another attempt may get another status.

    Raises:
        AttemptFailed: It may.
    """
    status = response.status
    limited = status == 403 and _used_up(response)
    if status in RETRIED or limited:
        after = wait_of(response.headers, at_limit=limited or status == 429)
        if limited and after is None:
            after = UNNAMED_SECONDS
        raise AttemptFailed(f"HTTP {status}", after=after)


def error_of(response: HttpResponse, subject: str) -> ReportingError:
    """Return the error of a status that no further attempt changes.

    Args:
        response: Response with a status of 300 or more.
        subject: Subject of the message, with the place that was asked.
    """
    status = response.status
    if status in (401, 403, 407):
        return AccessDenied(
            f"{subject}: HTTP {status}: the server refused the credentials; check the"
            " setting auth, and the permissions of its token"
        )
    if status in (404, 410):
        return ObjectMissing(
            f"{subject}: HTTP {status}: there is no such resource; correct base_url or"
            " path (some servers answer so if permissions lack)"
        )
    return LocationError(
        f"{subject}: HTTP {status}: the server did not accept the request; correct its"
        " path and parameters"
    )


def wait_of(headers: Mapping[str, str], *, at_limit: bool = False) -> float | None:
    """Return the seconds that a server asks to wait, `None` if it does not say.

    Args:
        headers: Headers of the response.
        at_limit: Whether the response says that a limit of the rate was reached; the
            time of its reset then counts, too.
    """
    if (text := headers.get("retry-after")) is not None:
        if (seconds := _number(text)) is not None:
            return min(seconds, _FAR)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        return max(0.0, moment.timestamp() - time.time())
    if not at_limit:
        return None
    for name in ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"):
        seconds = _number(headers.get(name, ""))
        if seconds is not None:
            return max(0.0, seconds - time.time()) if seconds > _FAR else seconds
    return None


def _used_up(response: HttpResponse) -> bool:
    """Return whether a refusal is one of a limit of the rate."""
    headers = response.headers
    if "retry-after" in headers or b"rate limit" in response.body[:10_000].lower():
        return True
    names = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
    return any(headers.get(name, "").strip() == "0" for name in names)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
