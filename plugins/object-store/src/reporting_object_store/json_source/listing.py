"""Names that are read, with the ranges and marks of a listing."""

from __future__ import annotations

import fnmatch
import re
from collections import deque
from collections.abc import Callable, Sequence, Set

from typing_extensions import override

from reporting_framework.storage import Entry
from reporting_framework.storage.object_names import ObjectNames
from reporting_object_store.json_source.marks import MARK_KEYS, MAX_MARKS, Mark


class ObjectFilter(ObjectNames):
    """Filter of the names that are read, with statistics of a listing.

    Args:
        include: Glob pattern for the last part of a key.
        pattern: Regular expression with the groups `range` and `timestamp`, or `None`.

    Attributes:
        marks: For each range that was listed, its last names, at most `MARK_KEYS`
            names apart.
    """

    def __init__(self, include: str, pattern: str | None) -> None:
        super().__init__(re.compile(fnmatch.translate(include)).match, whole=False)
        self.marks: dict[str, deque[Mark]] = {}
        self._kept = 0
        self._range: Callable[[str], re.Match[str] | None] | None = (
            re.compile(pattern).match if pattern else None
        )

    @property
    def ranges(self) -> Set[str]:
        """Ranges that were listed."""
        return self.marks.keys()

    @override
    def keep(self, page: Sequence[Entry]) -> list[Entry]:
        """Return the entries of a page that are read; count others, and note ranges."""
        kept = super().keep(page)
        if self._range is not None:
            self._mark(kept)
        self._kept += len(kept)
        return kept

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
        match = self._range(key) if self._range is not None else None
        if match is None:
            return None
        of_range = str(match["range"])
        mark = Mark(self._kept + at, match["timestamp"])
        self.marks.setdefault(of_range, deque(maxlen=MAX_MARKS)).append(mark)
        return of_range
