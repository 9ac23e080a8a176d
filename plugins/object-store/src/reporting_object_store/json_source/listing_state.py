"""State of a source's listings, stored in the hints for the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from reporting_framework import RunLedger
from reporting_object_store.json_source.days import day_of, days_before, parse_day
from reporting_object_store.json_source.marks import Mark, newest_day, starts_of
from reporting_object_store.settings import ObjectStoreJsonSettings

UNREAD_KEPT = 1000
"""Most unread objects in the hints; with more, the next run is a full scan."""


@dataclass(slots=True)
class Listing:
    """Listing to do, based on the hints.

    Attributes:
        full: True if everything is listed.
        listed: Time of the last full scan whose objects were all handled.
        marks: Known ranges of names, with the timestamps at which a listing starts in
            each.
        dated: Newest day in the names that is not in the future, in eight digits; empty
            if it is not known.
        unread: Objects that could not be read.
        rows: Number of rows in the checkpoint.
        newest: Start of the look-back: the newest timestamp that is not in the future,
            or the last run if that is earlier.
        looked: Start of the last run that listed.
        settled: Start of an earlier run that no row is newer than, so that the
            look-back is the same from there; `None` if there is none.
        since: Start of the window that was listed.
    """

    full: bool = True
    listed: datetime | None = None
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dated: str = ""
    unread: Sequence[str] = ()
    rows: int = 0
    newest: datetime | None = None
    looked: datetime | None = None
    settled: datetime | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, hints: Mapping[str, Any], identity: Mapping[str, Any]) -> Listing:
        """Read the hints if they belong to this folder and these names.

        Damaged or foreign hints count as none.
        """
        try:
            if any(hints[name] != value for name, value in identity.items()):
                return cls()
            return cls(
                listed=_moment(hints["listed"]),
                looked=_moment(hints["looked"]),
                marks={
                    str(one): [str(mark) for mark in marks]
                    for one, marks in hints["ranges"].items()
                },
                dated=str(hints["dated"]),
                unread=[str(one) for one in hints["unread"]],
                rows=int(hints["rows"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()

    @property
    def ranges(self) -> Set[str]:
        """Known ranges of names."""
        return self.marks.keys()

    def needs_scan(self, settings: ObjectStoreJsonSettings, now: datetime) -> bool:
        """Return whether settings or hints make a run at `now` a full scan."""
        return (
            settings.full_scan
            or not settings.name_pattern
            or not self.marks
            or self.listed is None
            or not timedelta(0)
            <= now - self.listed
            <= timedelta(days=settings.full_scan_every_days)
        )

    def hints(
        self,
        *,
        found: Mapping[str, Sequence[Mark]],
        named: bool,
        lookback_days: float,
        unread: Set[str],
        complete: bool,
        rows: int,
    ) -> Mapping[str, Any]:
        """Return what `of` reads in the next run.

        Args:
            found: Ranges of names that were found, with marks.
            named: Whether a trigger named the objects, so the marks say little.
            lookback_days: Length of the look-back.
            unread: Objects that must be tried again.
            complete: Whether the listing was read to its end.
            rows: Number of rows in the checkpoint.
        """
        listed = self.listed if complete and len(unread) <= UNREAD_KEPT else None
        settled = self.settled if rows == self.rows else None
        looked = settled or self.looked
        marks, dated = self.marks, self.dated
        if named:
            marks = {**dict.fromkeys(found, ()), **marks}
        elif self.full or settled is None or found.keys() - marks.keys():
            dated = newest_day(found) or dated
            day = parse_day(dated)
            first = day_of(days_before(day, lookback_days)) if day else ""
            marks = {**dict.fromkeys(marks, ()), **starts_of(found, first)}
        return {
            "listed": listed.isoformat() if listed else None,
            "looked": looked.isoformat() if looked else None,
            "ranges": {one: list(marks[one]) for one in sorted(marks)},
            "dated": dated,
            "unread": sorted(unread)[:UNREAD_KEPT],
            "rows": rows,
        }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def window(newest: datetime, settings: ObjectStoreJsonSettings) -> datetime:
    """Return the start of the window: the first day whose names are listed.

    It is `lookback_days` before the newest timestamp.
    """
    return days_before(newest, settings.lookback_days)


def expected(
    hints: Mapping[str, Any],
    identity: Mapping[str, Any],
    settings: ObjectStoreJsonSettings,
    now: datetime,
) -> tuple[Listing, str] | None:
    """Return the window that a run will probably list, and its first day.

    Returns `None` for a full scan.

    Args:
        hints: Hints of the last run, which may be outdated.
        identity: Folder and names that the hints must belong to.
        settings: Settings of the source.
        now: Start of the run (aware, UTC).
    """
    listing = Listing.of(hints, identity)
    day = parse_day(listing.dated)
    if day is None or listing.needs_scan(settings, now):
        return None
    return listing, day_of(window(day, settings))


def choose(
    ledger: RunLedger,
    identity: Mapping[str, Any],
    settings: ObjectStoreJsonSettings,
    now: datetime,
    *,
    lists_after: bool,
) -> Listing:
    """Choose what to list: everything, or the window that the hints allows.

    Args:
        ledger: Ledger of the run.
        identity: Folder and names that the hints must belong to.
        settings: Settings of the source.
        now: Start of the run (aware, UTC).
        lists_after: True if the store can list from a name onwards.
    """
    listing = Listing.of(ledger.hints, identity)
    # an event dated next year must not hide the events of this year
    newest = ledger.newest_until(now)
    if ledger.newest and listing.looked and ledger.newest <= listing.looked:
        listing.settled = listing.looked
    listing.newest = newest and min(newest, listing.looked or newest)
    listing.full = (
        not lists_after
        or listing.needs_scan(settings, now)
        or listing.newest is None
        or ledger.rows < listing.rows
    )
    listing.looked = now
    if listing.full:
        listing.listed = now
    return listing


def due(
    listing: Listing, settings: ObjectStoreJsonSettings, *, complete: bool
) -> datetime | None:
    """Return the time when the next full scan is due; `None` if every run is one."""
    if not settings.name_pattern:
        return None
    # after an incomplete run, a full scan finds the remaining objects
    listed = listing.listed if complete else None
    return (
        listed + timedelta(days=settings.full_scan_every_days)
        if listed
        else datetime.now(UTC)
    )


def next_listing(listing: Listing, settings: ObjectStoreJsonSettings) -> list[str]:
    """Describe in sentences the listing of a run that chose `listing`."""
    lines = ["the next run is a full scan"]
    if not listing.full and listing.listed and listing.newest:
        days, since = settings.full_scan_every_days, window(listing.newest, settings)
        lines = [
            (
                f"the last full scan was at {listing.listed:%Y-%m-%d %H:%M} UTC, the"
                " next one is due at"
                f" {listing.listed + timedelta(days=days):%Y-%m-%d %H:%M} UTC (every"
                f" {days:g} days)"
            ),
            (
                f"a run that starts now lists names dated {since:%Y-%m-%d} or later,"
                f" {settings.lookback_days:g} days back from {listing.newest:%Y-%m-%d};"
                f" ranges of names: {len(listing.ranges)}"
            ),
        ]
    if listing.unread:
        lines.append(
            "objects that could not be read and will be retried:"
            f" {len(listing.unread):,}"
        )
    return lines
