"""Times of the server: beginning of an increment, versions of rows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from reporting_redcap.settings import RedcapSettings

WIDEST_OFFSET = timedelta(hours=12)
"""Most that a clock on earth is behind UTC."""

CLOCK_CHANGE = timedelta(hours=3)
"""Time before a clock goes back in which an increment begins earlier: REDCap compares
local times, and those of the next hours are smaller.
"""

SERVER_FORMAT = "%Y-%m-%d %H:%M:%S"


def increment_begin(began: datetime, settings: RedcapSettings) -> str:
    """Return ``dateRangeBegin`` of an increment, in the server's time zone.

    Args:
        began: Time of the server at which the last reading began (aware).
        settings: Settings of the source: time zone and overlap.
    """
    at = began - timedelta(seconds=settings.overlap_seconds)
    zone = settings.zone or timezone(-WIDEST_OFFSET)
    offset = at.astimezone(zone).utcoffset() or timedelta()
    later = (at + CLOCK_CHANGE).astimezone(zone).utcoffset() or timedelta()
    local = at.astimezone(zone) - max(offset - later, timedelta())
    return local.strftime(SERVER_FORMAT)


def version_of(at: datetime) -> str:
    """Return the version of rows that are read from a time on; later is greater."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
