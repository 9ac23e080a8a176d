"""Why an object that is there is in no table."""

from __future__ import annotations

import re
from contextlib import suppress

from reporting_framework import Absence
from reporting_framework.errors import ReportingError
from reporting_framework.storage import Store
from reporting_object_store.bookmark import Listing, due, window
from reporting_object_store.listing import Names
from reporting_object_store.settings import ObjectStoreJsonSettings


def absence(
    name: str, listing: Listing, store: Store, names: Names, settings: ObjectStoreJsonSettings
) -> Absence | None:
    """Return why the object `name` was not read, or `None` if nothing speaks against it.

    Args:
        name: Its key.
        listing: What the next run would list; `looked` is when the last one began.
        store: The source's folder.
        names: Which names are read.
        settings: The source's settings.
    """
    if not names.reads(name):
        return Absence("not matched", f"its name is not one that the source reads, which is {settings.include}")
    if store.location.scheme == "file" and any(part.startswith(".") for part in name.split("/")[:-1]):
        return Absence("not matched", "it is in a folder whose name begins with a dot, which is not entered")
    if not listing.full and listing.newest and (day := _day(name, listing, settings)):
        since = window(listing.newest, settings)
        listing.ended = True
        if day < f"{since:%Y%m%d}":
            return Absence(
                "before the window",
                f"its name is dated {day}, and runs list names dated {since:%Y%m%d} or later; everything is listed "
                f"again from {due(listing, settings):%Y-%m-%d %H:%M} UTC on, or by a run with --reconcile",
            )
    with suppress(ReportingError):
        written = store.modified(name)
        if written and listing.looked and written >= listing.looked:
            return Absence(
                "newer than the last run",
                f"it was written at {written:%Y-%m-%d %H:%M:%S} UTC, and the last run began at "
                f"{listing.looked:%Y-%m-%d %H:%M:%S} UTC; the next one reads it",
            )
    return None


def _day(name: str, listing: Listing, settings: ObjectStoreJsonSettings) -> str | None:
    """Return the day that a name of a known range is dated, as eight digits."""
    found = re.match(settings.name_pattern, name) if settings.name_pattern else None
    return found["timestamp"][:8] if found and found["range"] in listing.ranges else None
