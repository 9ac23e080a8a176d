"""Listings that find what may be new; the ledgers decide what is.

It takes the whole listing, or just the part of each range of names in which something
can be new.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from reporting_framework.storage import Entry, Store

MAX_SAMPLES = 5
"""How many names of ignored objects are kept."""

STRAY_LIMIT = 1000
"""Ignored objects in a row after which an incremental listing gives up on the names
between two ranges.
"""


@dataclass(slots=True)
class ObjectFilter:
    """Which names are read, and how they sort.

    Attributes:
        include: Glob pattern for the last part of a key.
        pattern: Regular expression with the groups `range` and `timestamp`, or None.
        ignored: Objects seen whose name does not match.
        samples: The first of those names.
        repeated: How often an object that is read was listed again.
        seen: Whether anything at all was listed.
        ranges: Ranges seen.
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
        """Those of a page that are read; the others are counted, and ranges noted."""
        kept, current = [], None
        self.seen |= bool(page)
        for entry in page:
            key = entry.key
            if not self.reads(key):
                self.ignore(key)
                continue
            kept.append(entry)
            if current is None or not (
                key.startswith(current)
                and key[len(current) : len(current) + 1].isdigit()
            ):
                current = str(prefix["range"]) if (prefix := self._range(key)) else None
                if current is not None:
                    self.ranges.add(current)
        return kept

    def reads(self, key: str) -> bool:
        """Return whether the object is read.

        None whose name is empty is, since consoles make such ones for folders.
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
    """Whether the key is valid Unicode.

    A file's name on disk need not be, and no table can hold such a name.
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
    """Return whether a key is the first one that is read of those that name its file.

    Count it as ignored if not.
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
    """Return the entries whose key is not that of the one before.

    For the first, the one before is `last`. The others are counted.
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
    """Yield what each range holds from `since` on, and what is between the ranges.

    All listings run in parallel.

    One listing starts at the beginning, and in each range one at `since`, one half-way
    and one at `newest`. The last one of a range goes on behind its end until it meets
    the next known range, so that a range nobody knew of is found at no request of its
    own.

    Args:
        store: What to list.
        names: Which names are read.
        ranges: Known ranges of names.
        since: Where to begin in each (aware, UTC); the day decides.
        newest: Where most of what is new begins.
        at_once: How many listings may be under way at once.
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
    """Return the day as names have it, in eight digits."""
    return f"{moment.year:04d}{moment.month:02d}{moment.day:02d}"
