"""Listing of the names that may be new, in each known range from one day on."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import NamedTuple

from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import Entry, Store
from reporting_framework.storage.object_names import unique_entries
from reporting_object_store.json_source.listing import ObjectFilter

STRAY_LIMIT = 1000
"""Number of ignored objects in a row after which a listing skips the names between two
ranges.
"""


class Piece(NamedTuple):
    """Part of a listing, with one request for each page.

    Attributes:
        own: Range that it begins in, empty at the start of the listing.
        after: Name behind which it begins.
        before: Name before which it ends; `None`: it is the last one.
    """

    own: str
    after: str
    before: str | None


class WindowListing:
    """Listings of a window; all begin at once.

    One listing starts at the beginning. In each range, listings start at the first day
    and at each mark after it. The last listing of a range continues behind its end
    until the next known range, so unknown ranges are found without requests of their
    own.

    Args:
        store: Store to list.
        pattern: Regular expression of names that are no strays, or `None`.
        marks: Known ranges of names, with the timestamps at which to start in each.
        day: First day in each range, in eight digits.
        at_once: Largest number of concurrent listings.

    Attributes:
        began: Time at which the listings began (aware, UTC).
        ranges: Known ranges of names.
    """

    def __init__(
        self,
        store: Store,
        pattern: str | None,
        marks: Mapping[str, Sequence[str]],
        day: str,
        at_once: int,
    ) -> None:
        self.began = datetime.now(UTC)
        self.ranges = sorted(marks)
        self._store, self._day, self._cancelled = store, day, False
        self._matches = re.compile(pattern).match if pattern else None
        parts = list(_pieces(self.ranges, marks, day))
        self._pool = ContextThreads(
            min(len(parts), at_once), thread_name_prefix="reporting-list"
        )
        self._parts = self._start(parts)

    def _start(
        self, parts: Sequence[Piece]
    ) -> Sequence[tuple[Piece, Future[list[Entry]]]]:
        return [(part, self._pool.submit(self._follow, part)) for part in parts]

    def pages(self, names: ObjectFilter, day: str) -> Iterator[list[Entry]]:
        """Yield the names from `day` on as one page, whichever day it began with.

        If it began with a later day, the days between are listed now.

        Args:
            names: Filter of the names that are read.
            day: First day in each range, in eight digits.
        """
        missing = [
            Piece(one, f"{one}{day}", f"{one}{self._day}\0")
            for one in self.ranges
            if day < self._day
        ]
        parts = [*self._parts, *self._start(missing)]
        self._pool.shutdown(wait=False)
        try:
            pages = [_from_day(part, future.result(), day) for part, future in parts]
        finally:
            self.cancel()
        unique = {
            entry.key: entry
            for page in pages
            for entry in unique_entries(page, None, names)
        }
        yield names.keep([unique[key] for key in sorted(unique)])

    def cancel(self) -> None:
        """Start no further request."""
        self._cancelled = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _follow(self, part: Piece) -> list[Entry]:
        """Return the entries of a piece, up to a long series of strays."""
        entries: list[Entry] = []
        stray = 0
        for page in self._store.list(after=part.after, before=part.before):
            if self._cancelled:
                break
            for at in range(_end_of(page, part.own), len(page)):
                known = self._matches is not None and self._matches(page[at].key)
                stray = 0 if known else stray + 1
                if stray > STRAY_LIMIT:
                    return [*entries, *page[:at]]
            entries += page
        return entries


def _pieces(
    ranges: Sequence[str], marks: Mapping[str, Sequence[str]], day: str
) -> Iterator[Piece]:
    """Yield the pieces of a listing.

    A piece ends where a range or another piece begins.
    """
    starts = [
        (own, f"{own}{start}")
        for own in ranges
        for start in (day, *(mark for mark in marks[own] if mark > day))
    ]
    ends = sorted({*ranges, *(f"{start}\0" for _, start in starts)})
    for own, start in [("", ""), *starts]:
        at = bisect_right(ends, f"{start}\0")
        yield Piece(own, start, ends[at] if at < len(ends) else None)


def _end_of(page: Sequence[Entry], own: str) -> int:
    """Return the position behind the names of a range that a page begins with."""
    if not own or not page or not page[0].key.startswith(own):
        return 0
    if page[-1].key.startswith(own):
        return len(page)
    return bisect_left(page, True, key=lambda entry: not entry.key.startswith(own))


def _from_day(part: Piece, page: list[Entry], day: str) -> list[Entry]:
    """Return the entries of a piece without those before the day in its range."""
    if not part.own or part.after >= f"{part.own}{day}":
        return page
    first = f"{part.own}{day}"
    return page[bisect_right(page, first, key=lambda entry: entry.key) :]
