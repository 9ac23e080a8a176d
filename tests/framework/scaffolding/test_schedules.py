"""Schedules."""

import pytest

from reporting_framework.errors import SettingsError
from reporting_framework.scaffolding.schedules import check_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        "none",
        "rate(1 minute)",
        "rate(15 minutes)",
        "rate(1 day)",
        "cron(0 6 * * ? *)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 0 L * ? 2030)",
    ],
)
def test_taken(schedule):
    check_schedule(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "hourly",
        "rate(0 hours)",
        "rate(1 hours)",
        "rate(2 hour)",
        "rate(1 week)",
        "cron(0 6 * * ?)",
        "cron(0 6 * * ? *) ",
        'cron(" 6 * * ? *)',
        "* * * * *",
    ],
)
def test_refused(schedule):
    with pytest.raises(SettingsError, match=r"is not a schedule: write rate\(1 hour\)"):
        check_schedule(schedule)
