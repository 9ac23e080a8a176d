"""State of a source's listings, stored in the hints for the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reporting_framework import RunLedger
from reporting_object_store.settings import ObjectStoreJsonSettings

UNREAD_KEPT = 1000
"""Most unread objects in the hints; with more, the next run is a full scan."""


@dataclass(slots=True)
class Listing:
    """Listing to do, based on the hints.

    Attributes:
        full: True if everything is listed.
        listed: Time of the last full scan whose objects were all handled.
        ranges: Known ranges of names.
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
    ranges: Sequence[str] = ()
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
                ranges=[str(one) for one in hints["ranges"]],
                unread=[str(one) for one in hints["unread"]],
                rows=int(hints["rows"]),
            )
        except (KeyError, TypeError, ValueError):
            return cls()

    def hints(
        self, *, ranges: Set[str], unread: Set[str], complete: bool, rows: int
    ) -> Mapping[str, Any]:
        """Return what `of` reads in the next run.

        Args:
            ranges: Ranges of names that were found.
            unread: Objects that must be tried again.
            complete: Whether the listing was read to its end.
            rows: Number of rows in the checkpoint.
        """
        listed = self.listed if complete and len(unread) <= UNREAD_KEPT else None
        settled = self.settled if rows == self.rows else None
        looked = settled or self.looked
        return {
            "listed": listed.isoformat() if listed else None,
            "looked": looked.isoformat() if looked else None,
            "ranges": sorted({*ranges, *self.ranges}),
            "unread": sorted(unread)[:UNREAD_KEPT],
            "rows": rows,
        }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def window(newest: datetime, settings: ObjectStoreJsonSettings) -> datetime:
    """Return the start of the window: the first day whose names are listed.

    It is `lookback_days` before the newest timestamp.
    """
    first, back = datetime(1, 1, 1, tzinfo=UTC), timedelta(days=settings.lookback_days)
    since = newest.astimezone(UTC) - back if newest - first > back else first
    return since.replace(hour=0, minute=0, second=0, microsecond=0)


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
        settings.full_scan
        or not lists_after
        or not settings.name_pattern
        or not listing.ranges
        or listing.newest is None
        or listing.listed is None
        or not timedelta(0)
        <= now - listing.listed
        <= timedelta(days=settings.full_scan_every_days)
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
