"""Reasons that an existing object was not read."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime

from reporting_framework import Absence
from reporting_framework.errors import ReportingError
from reporting_framework.storage import Store, open_store
from reporting_object_store.json_source.days import day_of
from reporting_object_store.json_source.listing import ObjectFilter
from reporting_object_store.json_source.listing_state import Listing, due, window
from reporting_object_store.settings import ObjectStoreJsonSettings


def absence(
    name: str,
    listing: Listing,
    last_run: datetime | None,
    store: Store,
    names: ObjectFilter,
    settings: ObjectStoreJsonSettings,
) -> Absence | None:
    """Return why the object `name` was not read; `None` if no reason is known.

    Args:
        name: Key of the object.
        listing: Listing of the next run; `looked` is the start of the last run that
            stored hints.
        last_run: Start of the last run in the history, if there is one.
        store: Folder of the source.
        names: Filter of the names that are read.
        settings: Settings of the source.
    """
    if not names.reads(name):
        return Absence(
            "not matched",
            f"its name does not match include ({settings.include})",
        )
    if store.location.scheme == "file" and any(
        part.startswith(".") for part in name.split("/")[:-1]
    ):
        return Absence(
            "not matched",
            "it is in a folder whose name begins with a dot, which is not listed",
        )
    if (
        not listing.full
        and listing.newest
        and (
            passed := _why_skipped(
                name, listing, window(listing.newest, settings), settings
            )
        )
    ):
        return passed
    with suppress(ReportingError):
        written = store.modified(name)
        if written and listing.looked and written >= listing.looked:
            later = last_run and listing.looked < last_run <= written
            began = last_run if later else listing.looked
            return Absence(
                "newer than the last run",
                f"it was written at {written:%Y-%m-%d %H:%M:%S} UTC, and the last run"
                f" began at {began:%Y-%m-%d %H:%M:%S} UTC; the next run"
                " reads it",
            )
    return None


def _why_skipped(
    name: str, listing: Listing, since: datetime, settings: ObjectStoreJsonSettings
) -> Absence | None:
    """Return why a listing from `since` on skips the name; `None` if it does not.

    A name is skipped if it sorts before the start of the listing in its range.
    """
    known = max(
        (
            listed_range
            for listed_range in listing.ranges
            if name.startswith(listed_range)
        ),
        key=len,
        default=None,
    )
    if known is None or name > f"{known}{day_of(since)}":
        return None
    match = re.match(settings.name_pattern, name) if settings.name_pattern else None
    scan = due(listing, settings, complete=True)
    listed = (
        f"runs list names dated {day_of(since)} or later; a full scan is due at"
        f" {scan:%Y-%m-%d %H:%M} UTC, or pass --full-scan (for a report defined in"
        " TOML: --set source.full_scan=true)"
    )
    if match and match["range"] == known:
        return Absence(
            "before the window",
            f"its name is dated {match['timestamp'][:8]}, and {listed}",
        )
    return Absence(
        "without a date",
        f"its name has no date behind {known} that the report recognises, and {listed}",
    )


def empty_prefix_warning(store: Store) -> str:
    """Return a warning that no object is below this prefix of a bucket.

    A missing local folder makes the run fail instead.
    """
    place = store.location
    folder, _, name = place.key.rpartition("/")
    parent = place._replace(key=folder)
    with suppress(ReportingError):  # perhaps only objects below the prefix may be read
        if name and open_store(parent).head(name) is not None:
            return (
                f"source {place.uri}: it is an object, not a folder; use its folder,"
                f" {parent.uri}"
            )
    return (
        f"source {place.uri}: no object was found; check bucket and prefix, which are"
        " case-sensitive"
    )
