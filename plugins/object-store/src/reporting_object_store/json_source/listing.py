"""Listings of objects that may be new; the ledgers decide which objects are.

A listing covers everything, or in each range of names only the part that may be new.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from reporting_framework.storage import Entry, Store

MAX_SAMPLES = 5
"""Number of names of ignored objects that are kept."""

STRAY_LIMIT = 1000
"""Number of ignored objects in a row after which an incremental listing skips the names
between two ranges.
"""


@dataclass(slots=True)
class ObjectFilter:
    """Filter of the names that are read, with statistics of a listing.

    Attributes:
        include: Glob pattern for the last part of a key.
        pattern: Regular expression with the groups `range` and `timestamp`, or `None`.
        ignored: Number of objects whose name does not match.
        samples: First names of ignored objects.
        repeated: Number of times that an object was listed again.
        seen: True if anything was listed.
        ranges: Ranges that were listed.
    """

    include: str
    pattern: str | None
    ignored: int = 0
    samples: list[str] = field(default_factory=list)
    ranges: set[str] = field(default_factory=set)
    repeated: int = 0
    seen: bool = False
    _matches: Callable[[str], object] = field(init=False)
    _range: Callable[[str], re.Match[str] | None] = field(init=False)

    def __post_init__(self) -> None:
        self._matches = re.compile(fnmatch.translate(self.include)).match
        self._range = (
            re.compile(self.pattern).match if self.pattern else lambda key: None
        )

    def keep(self, page: Sequence[Entry]) -> list[Entry]:
        """Return the entries of a page that are read; count others, and note ranges."""
        self.seen |= bool(page)
        if self._reads_all([entry.key for entry in page]):
            kept = list(page)
        else:
            kept = []
            for entry in page:
                if self.reads(entry.key):
                    kept.append(entry)
                else:
                    self.ignore(entry.key)
        if self.pattern is not None:
            self._note_ranges([entry.key for entry in kept])
        return kept

    def _reads_all(self, keys: Sequence[str]) -> bool:
        """Return whether these are plain names that are all read, the common case."""
        text = "".join(keys)
        return (
            "/" not in text
            and text.isascii()
            and all(keys)
            and all(map(self._matches, keys))
        )

    def _note_ranges(self, keys: Iterable[str]) -> None:
        current: str | None = None
        for key in keys:
            if (
                current is not None
                and key.startswith(current)
                and key[len(current) : len(current) + 1].isdigit()
            ):
                continue
            current = str(prefix["range"]) if (prefix := self._range(key)) else None
            if current is not None:
                self.ranges.add(current)

    def reads(self, key: str) -> bool:
        """Return whether the object is read.

        An object with an empty name is not, as consoles create such objects for
        folders.
        """
        name = key.rpartition("/")[2]
        return bool(name and self._matches(name)) and (key.isascii() or _is_text(key))

    def ignore(self, key: str) -> None:
        """Count an object that is not read."""
        self.ignored += 1
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(
                (key or "/").encode("utf-8", "backslashreplace").decode()
            )


def _is_text(key: str) -> bool:
    """Return whether the key is valid Unicode.

    The name of a file may be invalid, and no table can store such a name.
    """
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def list_all(store: Store, names: ObjectFilter) -> Iterator[list[Entry]]:
    """List everything, page by page."""
    last: str | None = None
    for page in store.list():
        kept = names.keep(_unique_entries(page, last, names))
        yield (
            [entry for entry in kept if _is_first(entry.key, store, names)]
            if store.shared
            else kept
        )
        last = page[-1].key if page else last


def _is_first(key: str, store: Store, names: ObjectFilter) -> bool:
    """Return whether a key is the first readable key among the names of its file.

    Count the key as ignored if it is not.
    """
    first = next(
        (other for other in store.shared.get(key, ()) if names.reads(other)), key
    )
    if first != key:
        names.ignore(key)
    return first == key


def _unique_entries(
    page: list[Entry], last: str | None, names: ObjectFilter
) -> list[Entry]:
    """Return the entries without repetitions of the previous key, and count these.

    The entry before the first one has the key `last`.
    """
    keys = [last, *(entry.key for entry in page)]
    if len(set(keys)) == len(keys):
        return page
    again = [
        entry for entry, before in zip(page, keys, strict=False) if entry.key == before
    ]
    names.repeated += sum(names.reads(entry.key) for entry in again)
    return [
        entry for entry, before in zip(page, keys, strict=False) if entry.key != before
    ]


def list_since(
    store: Store,
    names: ObjectFilter,
    ranges: Sequence[str],
    since: datetime,
    newest: datetime,
    at_once: int,
) -> Iterator[list[Entry]]:
    """Yield the entries of each range from `since` on, and those between the ranges.

    All listings run in parallel.

    One listing starts at the beginning; in each range, listings start at `since`,
    half-way and at `newest`. The last listing of a range continues behind its end until
    the next known range, so unknown ranges are found without requests of their own.

    Args:
        store: Store to list.
        names: Filter of the names that are read.
        ranges: Known ranges of names.
        since: Start of the window in each range (aware, UTC); only the day counts.
        newest: Time from which on most new names are dated.
        at_once: Largest number of concurrent listings.
    """
    known = tuple(sorted(ranges))
    days = sorted({day_of(since), day_of(since + (newest - since) / 2), day_of(newest)})
    ends: list[str | None] = [*days[1:], None]
    starts = [("", "", None)] + [
        (one, f"{one}{day}", end and f"{one}{end}")
        for one in known
        for day, end in zip(days, ends, strict=True)
    ]

    def follow(own: str, after: str, end: str | None) -> list[Entry]:
        others = tuple(one for one in known if one != own and not own.startswith(one))
        entries: list[Entry] = []
        stray = 0
        for page in store.list(after=after):
            for entry in page:
                if entry.key.startswith(others) or (
                    end is not None and entry.key > end
                ):
                    return entries
                if not (own and entry.key.startswith(own)):
                    stray = (
                        0
                        if names.pattern and re.match(names.pattern, entry.key)
                        else stray + 1
                    )
                    if stray > STRAY_LIMIT:
                        return entries
                entries.append(entry)
        return entries

    with ThreadPoolExecutor(
        min(len(starts), at_once), thread_name_prefix="reporting-list"
    ) as pool:
        pages = list(pool.map(lambda start: follow(*start), starts))
    unique = {
        entry.key: entry
        for page in pages
        for entry in _unique_entries(page, None, names)
    }
    yield names.keep([unique[key] for key in sorted(unique)])


def day_of(moment: datetime) -> str:
    """Return the day as it is written in names, in eight digits."""
    return f"{moment.year:04d}{moment.month:02d}{moment.day:02d}"
