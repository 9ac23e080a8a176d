"""Listing of a bucket, with keys exactly as the store has them.

obstore strips a slash from either end of a key, and fails on a key with an empty, ``.``
or ``..`` segment or a control character (`ODD_KEY`). It also accepts any XML document
as a listing, so that an error page or a login page with status 200 looks like the end.
boto3 returns every key and shows the whole response. It repeats the request for a page
that may hold such a key and for an end that may be a wrong response, and only for
these: importing boto3 takes longer than most runs list.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import obstore
from obstore.exceptions import BaseError, InvalidPathError

from reporting_framework.errors import StorageUnavailable
from reporting_framework.plugin_api.traffic import ContextThreads, count
from reporting_framework.storage.location import ODD_KEY, Location
from reporting_framework.storage.sending import send
from reporting_framework.storage.store import Entry, Page
from reporting_framework.storage.timeouts import call_within

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

PAGE_SIZE = 1000
"""Keys in a page; S3 returns at most this many."""

TIMEOUT_SECONDS = 600.0
"""Seconds for one page of obstore, which would never return if a server kept
announcing more and sent no keys.
"""

MAX_HEADS = 8
"""Empty objects of a page to look up at once; a page with more is listed again."""

_PARTS = ("KeyCount", "Name", "IsTruncated")
"""Parts of every listing; a response without any of them is not a listing."""

_BEHIND_SLASH = "0"
"""The first possible key after all keys that begin with a slash."""


class BucketListing(NamedTuple):
    """Listing of the keys below a folder of a bucket.

    Attributes:
        location: The folder.
        backend: obstore's store for the whole bucket.
        client: Function that returns a boto3 client.
        known: Keys of empty objects that exist under exactly these names; listings add
            to it.
    """

    location: Location
    backend: Backend
    client: Callable[[], Any]
    known: set[str]

    @property
    def prefix(self) -> str:
        """Prefix of every key."""
        return f"{self.location.key}/" if self.location.key else ""

    def pages(self, after: str | None, before: str | None = None) -> Iterator[Page]:
        """Yield the keys after `after` and before `before` in pages.

        `None` is no limit. The folder's own marker has the key "".

        Raises:
            StorageUnavailable: The keys do not increase, so the listing may never end;
                or a response is not a listing.
        """
        more = True
        while more:
            if after is None or not ODD_KEY.search(after):
                ended = self.location.scheme == "memory"
                try:
                    for page in self._fast(after):
                        end = _position(page, before)
                        if self._may_have_lost_slash(page, after, end):
                            break
                        if end:
                            yield page[:end]
                        if end < len(page):
                            return
                        after = page[-1].key
                        ended = ended or len(page) < PAGE_SIZE
                    else:
                        if ended:
                            return
                except (InvalidPathError, TimeoutError):
                    pass
            page, more = self._list_with_boto3(after)
            if end := _position(page, before):
                yield page[:end]
                after = page[-1].key
            more = more and end == len(page)

    def _fast(self, after: str | None) -> Iterator[Page]:
        """Yield pages from obstore.

        Raises:
            TimeoutError: A page did not arrive in time.
        """
        skip = len(self.prefix)
        offset = None if after is None else f"{self.prefix}{after}"
        pages = obstore.list(
            self.backend, self.prefix or None, offset=offset, chunk_size=PAGE_SIZE
        )
        count("list")
        for number in itertools.count():
            page = call_within(
                TIMEOUT_SECONDS, lambda: next(pages, None), "reporting-page"
            )
            if not page:
                return
            if number:  # the end of the listing needs no request
                count("list")
            entries = [
                Entry(meta["path"][skip:], meta["size"], meta["e_tag"]) for meta in page
            ]
            if self.location.scheme == "memory":
                entries.sort()
            yield entries

    def _may_have_lost_slash(self, page: Page, after: str | None, end: int) -> bool:
        """Return whether one of the first `end` keys of the page may have lost a slash.

        A folder marker made by a console (``a/``) is empty, or followed by the objects
        of the folder; an empty object that exists under the listed name is no such
        marker. A key can begin with a slash only if the whole bucket is read; without
        such a key, a listing from the start equals a listing from "0".
        """
        if self.location.scheme == "memory":
            return False
        if not _plain([entry.key for entry in page[: end + 1]], after):
            return True
        empty = [entry.key for entry in page[:end] if entry.size == 0 and entry.key]
        if len(empty) > MAX_HEADS or not self._are_there(empty):
            return True
        whole = not self.prefix and (after is None or after < _BEHIND_SLASH)
        return whole and page[:2] != next(self._fast(_BEHIND_SLASH), [])[:2]

    def _are_there(self, keys: list[str]) -> bool:
        """Return whether objects of exactly these keys exist; look them up at once."""
        new = [key for key in keys if key not in self.known]
        if len(new) < 2:
            return all(map(self._is_there, new))
        with ContextThreads(len(new), "reporting-head") as pool:
            return all(list(pool.map(self._is_there, new)))

    def _is_there(self, key: str) -> bool:
        """Return whether an object of exactly this key exists."""
        try:
            send("head", lambda: obstore.head(self.backend, f"{self.prefix}{key}"))
        except (BaseError, OSError):
            return False
        self.known.add(key)
        return True

    def _list_with_boto3(self, after: str | None) -> tuple[Page, bool]:
        """List one page with boto3; return it and whether there are more pages."""
        options = {} if after is None else {"StartAfter": f"{self.prefix}{after}"}
        answer = self.client().list_objects_v2(
            Bucket=self.location.root, Prefix=self.prefix, **options
        )
        if not any(part in answer for part in _PARTS):
            raise StorageUnavailable(
                f"{self.location.uri}: the response to a listing of bucket"
                f" {self.location.root} is not a listing, although its status is 200;"
                " check the endpoint and any proxy before it"
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


def _position(page: Page, before: str | None) -> int:
    """Return the position of the first key that is not before `before`."""
    if before is None:
        return len(page)
    return next((at for at, entry in enumerate(page) if entry.key >= before), len(page))


def _plain(keys: list[str], after: str | None) -> bool:
    """Return whether the keys strictly increase and no key is the next key's folder."""
    if after is not None and keys[0] <= after:
        return False
    return all(
        one < two and not (one and two.startswith(f"{one}/"))
        for one, two in pairwise(keys)
    )
