"""The source ``object-store-json``."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from itertools import chain
from typing import Any, ClassVar

from reporting_framework import (
    Absence,
    Batch,
    Permission,
    PlanStats,
    ReadFailure,
    Rejection,
    RunLedger,
    Source,
    Split,
    Trigger,
    TriggerResponse,
    object_of,
    single_source_key,
)
from reporting_framework.errors import AccessDenied, ObjectMissing, ReportingError
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage import (
    Entry,
    Object,
    TooLargeError,
    open_store,
    parse_location,
)
from reporting_object_store.health_checks import clock, listed
from reporting_object_store.json_source.absence import absence, empty_prefix_warning
from reporting_object_store.json_source.batches import BatchBuilder
from reporting_object_store.json_source.in_flight import Admit, InFlight
from reporting_object_store.json_source.listing import (
    ObjectFilter,
    list_all,
    list_since,
)
from reporting_object_store.json_source.listing_state import (
    Listing,
    due,
    next_listing,
    window,
)
from reporting_object_store.json_source.notifications import KINDS, Message, messages
from reporting_object_store.permissions import reading
from reporting_object_store.settings import MEBIBYTE, ObjectStoreJsonSettings

_log = logging.getLogger(__name__)

SPLIT_OBJECTS = 500
"""Objects in a split of a bucket, at the most."""

SPLIT_ROUNDS = 8
"""How many times `max_in_flight` objects a split of a bucket has at the most: a run can
stop only between splits.
"""

SPLIT_FILES = 2000
"""Files in a split of a folder."""

SPLIT_BYTES = 64 * MEBIBYTE
BATCH_BYTES = 16 * MEBIBYTE

IN_FLIGHT_BYTES = 128 * MEBIBYTE
"""Bodies of all splits that are being read, or wait to be taken apart; sizes are those
that the answers tell.
"""

LOOKUP_OBJECTS = 131_072
"""Objects asked of a ledger at once: each question costs one pass over its keys."""

UNREAD_KEPT = 1000
"""Unread objects kept in the bookmark; when there are more, the next run lists
everything.
"""


class ObjectStoreJson(Source):
    """JSON objects below a folder, one split for some hundreds of them.

    An object is new when its key is not in the ledger. What is listed to find that out:

    - everything on the first run, when asked to, when the last full scan is too old
      or of another folder, when the ledger holds less than it did, and always where
      listing from a name onwards is not possible (a folder);
    - otherwise, in each known range of names, what is not older than the look-back
      before the newest timestamp that is not in the future (or before the last run, if
      that is earlier), what is between the ranges, and what could not be read last
      time;
    - nothing, when a notification of S3, or a queue of them, names the objects. What of
      these is left over is tried by the next run that lists.
    """

    name: ClassVar[str] = "object-store-json"
    Settings: ClassVar[type[ObjectStoreJsonSettings]] = ObjectStoreJsonSettings
    triggers: ClassVar[frozenset[str]] = KINDS

    def __init__(self, settings: ObjectStoreJsonSettings) -> None:
        self.settings = settings
        self.store = open_store(settings.uri)
        self._names = ObjectFilter(settings.include, settings.name_pattern)
        self._listing = Listing()
        self._rest: Iterator[Entry] = iter(())
        self._named: list[Message] | None = None
        self._replayed = False
        self._left: set[str] = set()
        self._read_before: Sequence[str] = ()

    @property
    def parallelism(self) -> int:
        """Two splits keep all requests busy while a third one is being validated.

        A folder is faster one by one.
        """
        return 3 if self.store.remote else 1

    @cached_property
    def _requests(self) -> ThreadPoolExecutor:
        """All splits share the requests under way."""
        return ThreadPoolExecutor(
            self.settings.max_in_flight, thread_name_prefix="reporting-get"
        )

    @cached_property
    def _in_flight(self) -> InFlight:
        return InFlight(self._requests, IN_FLIGHT_BYTES)

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """See `Source.plan`."""
        now = datetime.now(UTC)
        self._listing = listing = self._choose_listing(ledger, now)
        self._read_before = (
            [uri] if isinstance(uri := ledger.bookmark.get("uri"), str) else ()
        )
        pages: Iterable[list[Entry]]
        if self._named is not None:
            pages = [
                self._names.keep(
                    [Entry(key, None, None) for key in self._keys(self._named)]
                )
            ]
            self._left = {entry.key for page in pages for entry in page}
        elif listing.full:
            pages = list_all(self.store, self._names)
        else:
            newest = listing.newest or now
            listing.since = since = window(newest, self.settings)
            tried = frozenset(listing.unread)
            listings = list_since(
                self.store,
                self._names,
                listing.ranges,
                since,
                newest,
                self.settings.max_in_flight,
            )
            pages = (
                [entry for entry in page if entry.key not in tried] for page in listings
            )
            pages = chain(self._retry_unread(listing), pages)
        self._rest = self._new(pages, ledger)
        return self._split(self._rest)

    def plan_replay(self, objects: Sequence[str]) -> Iterable[Split]:
        """See `Source.plan_replay`."""
        keys = list(dict.fromkeys(objects))
        self._rest, self._listing, self._replayed = (
            iter(()),
            Listing(waiting=len(keys)),
            True,
        )
        return self._split([Entry(key, None, None) for key in keys])

    def _choose_listing(self, ledger: RunLedger, now: datetime) -> Listing:
        """Choose a full scan, or what is new.

        It is chosen from the bookmark of the last run.
        """
        listing = Listing.of(ledger.bookmark, self._identity)
        if self._named is not None:
            return listing
        newest = ledger.newest_until(
            now
        )  # one event dated next year must not hide this year's
        listing.newest = newest and min(newest, listing.looked or newest)
        listing.full = (
            self.settings.full_scan
            or not self.store.supports_list_after
            or not self.settings.name_pattern
            or not listing.ranges
            or listing.newest is None
            or listing.listed is None
            or not timedelta(0)
            <= now - listing.listed
            <= timedelta(days=self.settings.full_scan_every_days)
            or ledger.rows < listing.rows
        )
        listing.looked = now
        if listing.full:
            listing.listed = now
        return listing

    def _retry_unread(self, listing: Listing) -> Iterator[list[Entry]]:
        """Objects that the last run could not read, if they are still there."""
        entries = self._requests.map(self._head, listing.unread)
        yield [entry for entry in entries if entry is not None]

    def _head(self, key: str) -> Entry | None:
        """What there is at `key`.

        Of unknown version when that is not to be learnt, so that reading it is tried.
        """
        try:
            return self.store.head(key)
        except ReportingError:
            return Entry(key, None, None)

    def _new(self, pages: Iterable[list[Entry]], ledger: RunLedger) -> Iterator[Entry]:
        """Entries that the ledger does not have.

        While it has nothing there is no need to gather them first.
        """
        chunk: dict[str, Entry] = {}
        size = LOOKUP_OBJECTS if ledger.rows else 1
        for page in pages:
            chunk.update((entry.key, entry) for entry in page)
            if len(chunk) >= size:
                yield from self._filter_new(chunk, ledger)
                chunk = {}
        yield from self._filter_new(chunk, ledger)

    def _filter_new(
        self, chunk: Mapping[str, Entry], ledger: RunLedger
    ) -> Iterator[Entry]:
        def version_of(key: str) -> str | None:
            entry = chunk[key] if chunk[key].version is not None else self._head(key)
            return entry.version if entry else None

        new = ledger.filter_new(list(chunk), version_of) if chunk else []
        if self._left:
            self._left -= chunk.keys() - set(new)
        self._listing.waiting += len(new)
        for key in new:
            yield chunk[key]

    def _split(self, entries: Iterable[Entry]) -> Iterator[Split]:
        """Splits of bounded number and size, in the order of the listing."""
        keys: list[str] = []
        size = 0
        most = (
            min(SPLIT_OBJECTS, SPLIT_ROUNDS * self.settings.max_in_flight)
            if self.store.remote
            else SPLIT_FILES
        )
        for entry in entries:
            if keys and (len(keys) >= most or size + (entry.size or 0) > SPLIT_BYTES):
                yield self._new_split(keys)
                keys, size = [], 0
            keys.append(entry.key)
            size += entry.size or 0
        self._listing.ended = True
        if keys:
            yield self._new_split(keys)

    def _new_split(self, keys: list[str]) -> Split:
        self._listing.waiting -= len(keys)
        self._left -= set(keys)
        return Split(keys[0], {"keys": keys})

    def read(self, split: Split) -> Iterator[Batch]:
        """See `Source.read`.

        Batches end with an object, so one may be as large as the largest object
        allowed.
        """
        keys: Sequence[str] = split.data["keys"]
        fetched = (
            self._in_flight.map(self._fetch, keys)
            if self.store.remote
            else map(self._fetch, keys)
        )
        batch = BatchBuilder(self.settings)
        for key, content in zip(keys, fetched, strict=True):
            batch.add(key, content)
            if batch.size >= BATCH_BYTES:
                yield batch.build()
                batch = BatchBuilder(self.settings)
        yield batch.build()

    def _fetch(
        self, key: str, admit: Admit | None = None
    ) -> Object | Rejection | ReadFailure | None:
        try:
            return self.store.get(
                key,
                limit=self.settings.max_object_bytes,
                admit=admit,
            )
        except TooLargeError as error:
            return Rejection(single_source_key(key), error.version, "too_large")
        except ObjectMissing:
            return None if self._is_folder(key) else ReadFailure(key, "missing")
        except AccessDenied as error:
            return ReadFailure(
                key, "archived" if "archived" in str(error) else "denied"
            )
        except ReportingError:
            return ReadFailure(key, "unavailable")

    def _is_folder(self, key: str) -> bool:
        """Return whether `key` is how a listing shows the object ``key/``.

        Consoles make such an object for a folder.

        An empty one is seen when it is listed; one with content is not.
        """
        try:
            return self.store.remote and self.store.head(f"{key}/") is not None
        except ReportingError:
            return False

    @classmethod
    def aws_permissions(cls, settings: ObjectStoreJsonSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`."""
        return reading(parse_location(settings.uri))

    def source_uris(self) -> Sequence[str]:
        """See `Source.source_uris`."""
        return [self.store.location.uri]

    def object_uri(self, name: str) -> str:
        """See `Source.object_uri`."""
        return self.store.location.join(name).uri

    def object_version(self, name: str) -> str | None:
        """See `Source.object_version`."""
        entry = self.store.head(name)
        return entry.version if entry else None

    def absence(
        self, name: str, ledger: RunLedger, last_run: datetime | None
    ) -> Absence | None:
        """See `Source.absence`."""
        listing = self._choose_listing(ledger, datetime.now(UTC))
        listing.looked = Listing.of(ledger.bookmark, self._identity).looked or last_run
        return absence(name, listing, self.store, self._names, self.settings)

    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """See `Source.describe_hints`."""
        if not self.store.supports_list_after:
            return ["a folder is listed as a whole by every run"]
        return next_listing(
            self._choose_listing(ledger, datetime.now(UTC)), self.settings
        )

    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """See `Plugin.health_checks`; nothing is ever written here."""
        names = ObjectFilter(self.settings.include, self.settings.name_pattern)
        return {
            "source": partial(listed, self.store, names),
            "clock": partial(clock, self.store),
        }

    # -- what a trigger names ----------------------------------------------------------

    def accept_trigger(self, trigger: Trigger) -> None:
        """See `Source.accept_trigger`."""
        self._named = messages(trigger)

    def _keys(self, named: Iterable[Message]) -> list[str]:
        """Keys of the objects below this folder, each once.

        Others are counted as ignored.
        """
        keys: dict[str, None] = {}
        for message in named:
            for bucket, key in message.objects:
                if (below := self._below(bucket, key)) is None:
                    self._names.ignore(f"{bucket}/{key}")
                else:
                    keys[below] = None
        return list(keys)

    def _below(self, bucket: str, key: str) -> str | None:
        """The key relative to this folder, or None when it is elsewhere."""
        place = self.store.location
        prefix = f"{place.key}/" if place.key else ""
        if (
            place.scheme != "s3"
            or bucket != place.root
            or not key.startswith(prefix)
            or key == prefix
        ):
            return None
        return key.removeprefix(prefix)

    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """See `Source.build_response`: messages that a queue is to deliver again.

        A missing object is done.
        """
        if self._named is None or all(message.id is None for message in self._named):
            return TriggerResponse()
        if odd := [message.id for message in self._named if not message.valid]:
            _log.warning(
                "messages that are no notifications of S3, left in the queue: %s",
                ", ".join(map(str, odd)),
            )
        again = [item.source_key for item in unread if item.reason != "missing"]
        left = self._left | {*again, *map(object_of, again)}
        failed = [
            message.id
            for message in self._named
            if not message.valid
            or any(self._below(*location) in left for location in message.objects)
        ]
        return TriggerResponse(
            {
                "batchItemFailures": [
                    {"itemIdentifier": identifier} for identifier in failed
                ]
            }
        )

    @property
    def _identity(self) -> Mapping[str, Any]:
        """What a bookmark must be of to be of use."""
        return {
            "uri": self.store.location.uri,
            "names": [self.settings.include, self.settings.name_pattern],
        }

    def close(self) -> None:
        """See `Source.close`."""
        if in_flight := vars(self).pop("_in_flight", None):
            in_flight.close()
        if requests := vars(self).pop("_requests", None):
            requests.shutdown(wait=False, cancel_futures=True)

    def plan_stats(self) -> PlanStats:
        """See `Source.plan_stats`.

        A folder is listed to its end, to count; for a bucket that would take too long.
        """
        if not self.store.remote:
            with suppress(ReportingError):  # the next run will fail of it
                deque(self._rest, maxlen=0)
                self._listing.ended |= not self._listing.waiting
        listing, named = self._listing, self._replayed or self._named is not None
        empty = (
            not named
            and self.store.supports_list_after
            and listing.full
            and listing.ended
            and not self._names.seen
        )
        return PlanStats(
            self._names.ignored,
            tuple(self._names.samples),
            listing.waiting,
            listing.ended,
            self._names.repeated,
            "named" if named else "full" if listing.full else "window",
            listing.since,
            (
                due(listing, self.settings)
                if self.store.supports_list_after and not self._replayed
                else None
            ),
            [empty_prefix_warning(self.store)] if empty else (),
            self._read_before,
        )

    def bookmark(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """See `Source.bookmark`.

        The time of the last full scan is kept only if nothing of it is left to do.
        """
        if not self.store.supports_list_after:
            return {}  # a folder is listed as a whole each time
        listing, waiting = self._listing, set(unread)
        if self._named is not None:
            waiting |= self._left | set(listing.unread)
            complete = True  # as far as listing goes
        listed = listing.listed if complete and len(waiting) <= UNREAD_KEPT else None
        return {
            **self._identity,
            "listed": listed.isoformat() if listed else None,
            "looked": listing.looked.isoformat() if listing.looked else None,
            "ranges": sorted(self._names.ranges | set(listing.ranges)),
            "unread": sorted(waiting)[:UNREAD_KEPT],
            "rows": rows,
        }
