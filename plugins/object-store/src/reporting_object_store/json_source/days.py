"""Days as they are written in names: eight digits."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache


def day_of(moment: datetime) -> str:
    """Return the day as it is written in names, in eight digits."""
    return f"{moment.year:04d}{moment.month:02d}{moment.day:02d}"


def days_before(moment: datetime, days: float) -> datetime:
    """Return the start of the day that is so many days before."""
    first, back = datetime(1, 1, 1, tzinfo=UTC), timedelta(days=days)
    since = moment.astimezone(UTC) - back if moment - first > back else first
    return since.replace(hour=0, minute=0, second=0, microsecond=0)


@lru_cache(maxsize=4096)  # many names have one day
def parse_day(text: str) -> datetime | None:
    """Return the start of a day that is written in eight digits."""
    with suppress(ValueError):
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    return None
