"""Listing of a bucket through obstore alone.

obstore strips a slash from the end of a key, as folder markers of consoles have it.
Such a key is recognised, since no object exists under the name without the slash.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import obstore
from obstore.exceptions import BaseError, InvalidPathError

from reporting_framework.errors import LocationError, StorageUnavailable
from reporting_framework.plugin_api.traffic import ContextThreads, count
from reporting_framework.storage.location import Location
from reporting_framework.storage.sending import send
from reporting_framework.storage.store import Entry, Page
from reporting_framework.storage.timeouts import call_within

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

PAGE_SIZE = 1000

MAX_HEADS = 32
"""Empty objects to look up at once."""

TIMEOUT_SECONDS = 600.0
"""Seconds for one page."""


class PlainListing(NamedTuple):
    """Listing of the keys below a folder of a bucket.

    Attributes:
        location: The folder.
        backend: obstore's store for the whole bucket.
        known: Keys of objects that exist under exactly these names; listings add to it.
        starts_after: Whether every server starts a listing after a key if asked to;
            others list from the start.
    """

    location: Location
    backend: Backend
    known: set[str]
    starts_after: bool = True

    @property
    def prefix(self) -> str:
        """Prefix of every key."""
        return f"{self.location.key}/" if self.location.key else ""

    def pages(self, after: str | None, before: str | None = None) -> Iterator[Page]:
        """Yield the keys after `after` and before `before` in pages.

        `None` is no limit. The folder's own marker has the key "".

        Raises:
            LocationError: A key cannot be named.
            StorageUnavailable: The keys do not increase.
        """
        last = None
        greater = after if self.starts_after else None
        for raw in self._raw_pages(after):
            named = self._with_slashes(raw, greater, after)
            self._check_order(last, named)
            last = greater = named[-1].key
            page = [entry for entry in named if after is None or entry.key > after]
            kept = [entry for entry in page if before is None or entry.key < before]
            if kept:
                yield kept
            if len(kept) < len(page):
                return

    def _raw_pages(self, after: str | None) -> Iterator[Page]:
        """Yield pages of obstore, with the keys as obstore returns them."""
        offset = None if after is None else self.prefix + after.rstrip("/")
        pages: Any = obstore.list(
            self.backend, self.prefix or None, offset=offset, chunk_size=PAGE_SIZE
        )
        skip = len(self.prefix)
        try:
            count("list")
            for number in itertools.count():
                found = call_within(
                    TIMEOUT_SECONDS, lambda: next(pages, None), "reporting-page"
                )
                if not found:
                    return
                if number:  # the end of the listing needs no request
                    count("list")
                yield [
                    Entry(meta["path"][skip:], meta["size"], _quoted(meta["e_tag"]))
                    for meta in found
                ]
        except InvalidPathError as error:
            raise LocationError(
                f"{self.location.uri}: a key there has an empty, . or .. segment or a"
                " control character, which this storage cannot name; rename the object"
            ) from error

    def _with_slashes(self, page: Page, greater: str | None, after: str | None) -> Page:
        """Return the page with the slashes that obstore stripped.

        An empty object that follows a greater key is the marker of a folder whose name
        is also that of an object.

        Args:
            page: The page.
            greater: Key that all keys of the page should be greater than.
            after: Key that the listing starts after, which may be in the page.
        """
        doubtful = [
            entry.key
            for entry, following in zip(page, [*page[1:], None], strict=True)
            if entry.key and (entry.size == 0 or _is_folder_of(entry, following))
        ]
        missing = self._missing(doubtful)
        entries: Page = []
        for entry in page:
            behind = greater is not None and entry.key <= greater
            disordered = behind and entry.size == 0 and entry.key != after
            if entry.key and (disordered or entry.key in missing):
                entry = entry._replace(key=f"{entry.key}/")
            entries.append(entry)
            greater = entry.key
        return entries

    def _missing(self, keys: Sequence[str]) -> set[str]:
        """Return the keys under which there is no object; look them up at once."""
        new = list(dict.fromkeys(key for key in keys if key not in self.known))
        if not new:
            return set()
        with ContextThreads(min(len(new), MAX_HEADS), "reporting-head") as pool:
            there = pool.map(self._is_there, new)
            return {key for key, exists in zip(new, there, strict=True) if not exists}

    def _is_there(self, key: str) -> bool:
        try:
            send("head", lambda: obstore.head(self.backend, f"{self.prefix}{key}"))
        except FileNotFoundError:
            return False
        except BaseError:  # reading it will say why
            return True
        self.known.add(key)
        return True

    def _check_order(self, last: str | None, page: Page) -> None:
        keys = [*([] if last is None else [last]), *(entry.key for entry in page)]
        for one, two in pairwise(keys):
            if two <= one:
                raise StorageUnavailable(
                    f"{self.location.uri}: the listing does not go on: {two!a} follows"
                    f" {one!a}; use a storage that lists keys in the order of their"
                    " bytes, without a key that begins with a slash"
                )


def _is_folder_of(entry: Entry, following: Entry | None) -> bool:
    return following is not None and following.key.startswith(f"{entry.key}/")


def _quoted(version: str | None) -> str | None:
    """Return an ETag with quotes, as other responses have it."""
    if version is None or version.startswith(('"', 'W/"')):
        return version
    return f'"{version}"'
