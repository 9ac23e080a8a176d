"""Listing a bucket: keys are exactly what the store says.

obstore takes the slash off either end of a key, and gives up on a key that holds an
empty, ``.`` or ``..`` segment or a control character (`ODD_KEY`). It also takes any XML
document for a listing, so that an error or a page to log in that comes with status 200
looks like the end. A page that may hold such a key, and an end that may be none, is
asked for again through boto3, which names every key and shows what the answer is. Only
those are: importing boto3 alone takes longer than most runs list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import obstore
from obstore.exceptions import BaseError, InvalidPathError

from reporting_framework.errors import StorageUnavailable
from reporting_framework.storage.location import ODD_KEY, Location
from reporting_framework.storage.store import Entry, Page
from reporting_framework.storage.timeouts import call_within

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

PAGE_SIZE = 1000
"""Keys in a page; S3 gives no more in one answer."""

TIMEOUT_SECONDS = 600.0
"""Seconds for one page of obstore, which follows a server that always has more, and no
keys, for ever.
"""

MAX_HEADS = 8
"""Empty objects of a page that are looked up one by one; more are listed again."""

_PARTS = ("KeyCount", "Name", "IsTruncated")
"""Parts of every listing; an answer without any is something else."""

_BEHIND_SLASH = "0"
"""The first key behind all those that begin with a slash."""


class BucketListing(NamedTuple):
    """The keys below a folder of a bucket.

    Attributes:
        location: The folder.
        backend: obstore's store for the whole bucket.
        client: Returns a boto3 client.
        known: Empty objects that are there as they are named; listings add to it.
        looking: Held while one is looked up: listings at once look each up once.
    """

    location: Location
    backend: Backend
    client: Callable[[], Any]
    known: set[str]
    looking: Lock

    @property
    def prefix(self) -> str:
        """What every key begins with."""
        return f"{self.location.key}/" if self.location.key else ""

    def pages(self, after: str | None) -> Iterator[Page]:
        """List the keys behind `after`, all if it is None.

        The folder's own marker has the key "".

        Raises:
            StorageUnavailable: The keys do not grow, so the listing may have no end; or
                an answer is no listing.
        """
        more = True
        while more:
            if after is None or not ODD_KEY.search(after):
                ended = self.location.scheme == "memory"
                try:
                    for page in self._fast(after):
                        if self._may_have_lost_slash(page, after):
                            break
                        yield page
                        after = page[-1].key
                        ended = ended or len(page) < PAGE_SIZE
                    else:
                        if ended:
                            return
                except (InvalidPathError, TimeoutError):
                    pass
            page, more = self._list_with_boto3(after)
            if page:
                yield page
                after = page[-1].key

    def _fast(self, after: str | None) -> Iterator[Page]:
        """List with obstore.

        Raises:
            TimeoutError: A page did not come in time.
        """
        skip = len(self.prefix)
        offset = None if after is None else f"{self.prefix}{after}"
        pages = obstore.list(
            self.backend, self.prefix or None, offset=offset, chunk_size=PAGE_SIZE
        )
        while page := call_within(
            TIMEOUT_SECONDS, lambda: next(pages, None), "reporting-page"
        ):
            entries = [
                Entry(meta["path"][skip:], meta["size"], meta["e_tag"]) for meta in page
            ]
            if self.location.scheme == "memory":
                entries.sort()
            yield entries

    def _may_have_lost_slash(self, page: Page, after: str | None) -> bool:
        """Return whether a key of the page may have lost a slash.

        The object that consoles make for a folder (``a/``) is empty, or followed by
        what is in the folder; an empty object that is there as it is named is no such
        one. A key that begins with a slash is possible only in a bucket that is read as
        a whole; without one, the listing from the start is that from "0" on.
        """
        if self.location.scheme == "memory":
            return False
        if not _plain([entry.key for entry in page], after):
            return True
        empty = [entry.key for entry in page if entry.size == 0 and entry.key]
        if len(empty) > MAX_HEADS or not all(map(self._is_there, empty)):
            return True
        whole = not self.prefix and (after is None or after < _BEHIND_SLASH)
        return whole and page[:2] != next(self._fast(_BEHIND_SLASH), [])[:2]

    def _is_there(self, key: str) -> bool:
        """Return whether there is an object of exactly this key."""
        with self.looking:
            if key not in self.known:
                try:
                    obstore.head(self.backend, f"{self.prefix}{key}")
                except (BaseError, OSError):
                    return False
                self.known.add(key)
        return True

    def _list_with_boto3(self, after: str | None) -> tuple[Page, bool]:
        """List one page with boto3; return it, and whether there are more."""
        options = {} if after is None else {"StartAfter": f"{self.prefix}{after}"}
        answer = self.client().list_objects_v2(
            Bucket=self.location.root, Prefix=self.prefix, **options
        )
        if not any(part in answer for part in _PARTS):
            raise StorageUnavailable(
                f"{self.location.uri}: the answer to a listing of bucket"
                f" {self.location.root} is no listing, though its status is 200; check"
                " the endpoint, and the proxy in front of it"
            )
        skip = len(self.prefix)
        page = [
            Entry(item["Key"][skip:], item["Size"], item["ETag"])
            for item in answer.get("Contents", ())
        ]
        more = bool(answer.get("IsTruncated"))
        keys = [*([] if after is None else [after]), *(entry.key for entry in page)]
        back = next(((one, two) for one, two in pairwise(keys) if two < one), None)
        if back is None and more and (not page or page[-1].key == after):
            back = (after or "", after or "")
        if back is not None:
            raise StorageUnavailable(
                f"{self.location.uri}: the listing of bucket {self.location.root} does"
                f" not go on: {back[1]!a} follows {back[0]!a}; use a storage that lists"
                " keys in the order of their bytes"
            )
        return page, more


def _plain(keys: list[str], after: str | None) -> bool:
    """Return whether each key is greater than the one before it.

    Also, no key may have the name of the next one's folder.
    """
    if after is not None and keys[0] <= after:
        return False
    return all(
        one < two and not (one and two.startswith(f"{one}/"))
        for one, two in pairwise(keys)
    )
