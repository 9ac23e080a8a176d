"""Names of a period, by the dates that are written in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from reporting_framework import DatedObject, NotSupported
from reporting_framework.storage import Entry
from reporting_object_store.json_source.days import parse_day

DIGITS = 8
"""Number of digits of a date in a name."""


class DatedNames:
    """Filter of the names whose dates lie in a window.

    Args:
        pattern: Regular expression with the group `timestamp`, whose first eight digits
            are the date.
        first: First day of the window.
        last: Last day of the window.
        head: Function that looks up an object that was listed without its size.

    Raises:
        NotSupported: There is no pattern.
    """

    def __init__(
        self,
        pattern: str | None,
        first: date,
        last: date,
        head: Callable[[str], Entry | None],
    ) -> None:
        if pattern is None:
            raise NotSupported(
                "source object-store-json: names have no dates, as name_pattern is not"
                " set; set it, with the groups `range` and `timestamp`"
            )
        self._match = re.compile(pattern).match
        self._head = head
        self._first, self._last = (
            f"{day:%Y%m%d}".zfill(DIGITS) for day in (first, last)
        )

    def select(self, page: Sequence[Entry]) -> Sequence[DatedObject]:
        """Return the objects of a page in the window, and those without a date."""
        return [found for entry in page if (found := self._dated(entry)) is not None]

    def _dated(self, entry: Entry) -> DatedObject | None:
        match = self._match(entry.key)
        text = match["timestamp"][:8] if match else ""
        if len(text) == DIGITS and not self._first <= text <= self._last:
            return None
        moment = parse_day(text)
        if moment is None:
            return DatedObject(entry.key, entry.size, None)
        size = entry.size
        if size is None and (found := self._head(entry.key)) is not None:
            size = found.size
        return DatedObject(entry.key, size, moment.date())
