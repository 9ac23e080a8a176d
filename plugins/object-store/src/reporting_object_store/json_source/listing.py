"""Names that are read, and the listing of everything; see also `window_listing`."""

from __future__ import annotations

import fnmatch
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from reporting_framework.storage import Entry, Store
from reporting_object_store.json_source.marks import MARK_KEYS, MAX_MARKS, Mark

MAX_SAMPLES = 5
"""Number of names of ignored objects that are kept."""


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
        marks: For each range that was listed, its last names, at most `MARK_KEYS`
            names apart.
    """

    include: str
    pattern: str | None
    ignored: int = 0
    samples: list[str] = field(default_factory=list)
    marks: dict[str, deque[Mark]] = field(default_factory=dict)
    repeated: int = 0
    seen: bool = False
    _kept: int = 0
    _matches: Callable[[str], object] = field(init=False)
    _range: Callable[[str], re.Match[str] | None] = field(init=False)

    def __post_init__(self) -> None:
        self._matches = re.compile(fnmatch.translate(self.include)).match
        self._range = (
            re.compile(self.pattern).match if self.pattern else lambda key: None
        )

    @property
    def ranges(self) -> Set[str]:
        """Ranges that were listed."""
        return self.marks.keys()

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
            self._mark(kept)
        self._kept += len(kept)
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

    def _mark(self, entries: Sequence[Entry]) -> None:
        """Note the ranges of a page, and marks in them."""
        current, last = None, 0
        for at, (key, _, _) in enumerate(entries):
            if current is not None and (
                key.startswith(current)
                and key[len(current) : len(current) + 1].isdigit()
            ):
                if at - last < MARK_KEYS:
                    continue
            elif current is not None:
                self._note(at - 1, entries[at - 1].key)
            current, last = self._note(at, key), at
        if current is not None:
            self._note(len(entries) - 1, entries[-1].key)

    def _note(self, at: int, key: str) -> str | None:
        """Note a mark at a name of a page; return its range, `None` if it has none."""
        if (match := self._range(key)) is None:
            return None
        of_range = str(match["range"])
        mark = Mark(self._kept + at, match["timestamp"])
        self.marks.setdefault(of_range, deque(maxlen=MAX_MARKS)).append(mark)
        return of_range

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


def list_all(
    store: Store, names: ObjectFilter, pages: Iterable[list[Entry]]
) -> Iterator[list[Entry]]:
    """Yield what is read of a listing of everything, page by page."""
    last: str | None = None
    for page in pages:
        kept = names.keep(unique_entries(page, last, names))
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


def unique_entries(
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
