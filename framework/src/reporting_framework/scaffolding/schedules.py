"""Check of schedules for EventBridge Scheduler."""

from __future__ import annotations

import re

from reporting_framework._text.messages import one_line
from reporting_framework.errors import SettingsError

NONE = "none"

_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)", re.ASCII)
_FIELD = r"[A-Za-z0-9*?,/#-]+"
_CRON = re.compile(rf"cron\({_FIELD}(?: {_FIELD}){{5}}\)", re.ASCII)


def check_schedule(schedule: str) -> None:
    """Check that a schedule is a rate, a cron expression, or ``none``.

    Raises:
        SettingsError: It has another form.
    """
    rate = _RATE.fullmatch(schedule)
    if rate and (rate[1] == "1") == (not rate[3]):
        return
    if schedule != NONE and not _CRON.fullmatch(schedule):
        raise SettingsError(
            f"{one_line(schedule, 80)!r} is not a schedule: write rate(1 hour), rate(15"
            " minutes), cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR) or none"
        )
