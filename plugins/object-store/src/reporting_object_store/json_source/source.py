"""The source ``object-store-json``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from operator import length_hint
from typing import Any, ClassVar

from typing_extensions import override

from reporting_framework import (
    Absence,
    Batch,
    DatedObject,
    ObjectPlan,
    Permission,
    PlanStats,
    ReadFailure,
    Rejection,
    RunLedger,
    Source,
    Split,
    Trigger,
    TriggerResponse,
)
from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage import Entry, open_store, parse_location, permissions
from reporting_framework.storage.object_names import list_all
from reporting_object_store.health_checks import clock, listed
from reporting_object_store.json_source.absence import absence, empty_prefix_warning
from reporting_object_store.json_source.dated_names import DatedNames
from reporting_object_store.json_source.days import day_of
from reporting_object_store.json_source.listing import ObjectFilter
from reporting_object_store.json_source.listing_state import (
    Listing,
    choose,
    due,
    expected,
    next_listing,
    window,
)
from reporting_object_store.json_source.notifications import (
    KINDS,
    NamedObjects,
    messages,
)
from reporting_object_store.json_source.object_reader import ObjectReader
from reporting_object_store.json_source.window_listing import WindowListing
from reporting_object_store.settings import MEBIBYTE, ObjectStoreJsonSettings

SPLIT_OBJECTS = 500
"""Most objects in a split of a bucket."""

SPLIT_ROUNDS = 8
"""A split of a bucket has at most this many times `max_in_flight` objects, as a run can
stop only between splits.
"""

SPLIT_FILES = 4000
"""Most files in a split of a folder."""

SPLIT_FILE_BYTES = 32 * MEBIBYTE
"""Bytes of the files in a split of a folder, estimated from a sample."""

LARGE_FILE = MEBIBYTE // 4
"""Mean number of bytes from which files are large."""

SAMPLE_FILES = 10
"""Number of files whose mean size is taken for that of all."""

SPLIT_BYTES = 64 * MEBIBYTE

LOOKUP_OBJECTS = 131_072
"""Objects per question to a ledger; each question costs one pass over its keys."""


class ObjectStoreJson(Source):
    """JSON objects in a folder, with some hundreds of objects in a split.

    An object is new if its key is not in the ledger. The listing that finds new objects
    covers:

    - everything, on the first run, with `full_scan`, if the last full scan is too old
      or of another folder, if the ledger has fewer rows than before, and always if the
      store cannot list from a name onwards (a folder);
    - otherwise, in each known range of names, the names from the look-back before the
      newest timestamp that is not in the future (or before the last run, if that is
      earlier), the names between the ranges, and objects that could not be read in the
      last run;
    - nothing, if a notification of S3, or a queue of notifications, names the objects.
      Objects of these that remain are retried by the next run that lists.
    """

    name: ClassVar[str] = "object-store-json"
    Settings: ClassVar[type[ObjectStoreJsonSettings]] = ObjectStoreJsonSettings
    triggers: ClassVar[frozenset[str]] = KINDS

    def __init__(self, settings: ObjectStoreJsonSettings) -> None:
        self.settings = settings
        self.store = open_store(settings.uri)
        self._reader = ObjectReader(self.store, settings)
        self._names = ObjectFilter(
            settings.include,
            settings.name_pattern if self.store.supports_list_after else None,
        )
        self._listing = Listing()
        self._early: WindowListing | None = None
        self._plan = self._new_plan()
        self._rest: Iterator[Entry] = iter(())
        self._listed: Iterator[list[Entry]] = iter(())
        self._new_in_page = 0
        self._named: NamedObjects | None = None
        self._replayed = self._large_files = False
        self._read_before: Sequence[str] = ()

    @property
    def parallelism(self) -> int:
        """Two splits keep all requests busy while a third is validated.

        The files of a folder are read one split at a time. If they are large, those of
        another split are validated meanwhile; threads that read small files wait for
        each other.
        """
        return 3 if self.store.remote else 2 if self._large_files else 1

    def _new_plan(self) -> ObjectPlan:
        most = min(SPLIT_OBJECTS, SPLIT_ROUNDS * self.settings.max_in_flight)
        return ObjectPlan(most, SPLIT_BYTES, LOOKUP_OBJECTS)

    @override
    def prefetch(self, hints: Mapping[str, Any]) -> None:
        """Start to list the window of the last run, if there was one.

        The names of that window and of the next one are mostly the same.
        """
        if self._named is None and self.store.supports_list_after:
            now = datetime.now(UTC)
            window = expected(hints, self._identity, self.settings, now)
            if window is not None:
                self._early = self._list_window(*window)

    @override
    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        early, self._early = self._early, None
        now = early.began if early else datetime.now(UTC)
        self._plan = self._new_plan()
        self._listing = listing = self._choose_listing(ledger, now)
        self._read_before = (
            [uri] if isinstance(uri := ledger.hints.get("uri"), str) else ()
        )
        pages: Iterable[list[Entry]]
        if self._named is not None:
            keys, elsewhere = self._named.keys()
            for name in elsewhere:
                self._names.ignore(name)
            page = self._names.keep([Entry(key, None, None) for key in keys])
            pages, self._plan.left = [page], {entry.key for entry in page}
        elif listing.full:
            pages = self._all_pages(has_rows=bool(ledger.rows))
        else:
            pages = self._window_pages(listing, listing.newest or now, early)
            early = None
        if early is not None:
            early.cancel()
        self._rest = self._plan.new_objects(pages, ledger, self._reader.version)
        return self._plan.splits(self._rest)

    def _all_pages(self, *, has_rows: bool) -> Iterable[list[Entry]]:
        """Return everything; fit the splits of a folder to the size of its files.

        If there are no rows yet, all objects of the pages that are left are new.
        """
        self._listed = self.store.list()
        pages = list_all(self.store, self._names, self._listed)
        if self.store.remote:
            return pages
        first = next(filter(None, pages), [])  # a page may have no name that is read
        self._new_in_page = 0 if has_rows else len(first)
        size = self._reader.mean_size(first[:: max(1, len(first) // SAMPLE_FILES)])
        most = max(1, min(SPLIT_FILES, SPLIT_FILE_BYTES // max(1, size)))
        self._large_files = size >= LARGE_FILE
        self._plan = ObjectPlan(most, SPLIT_BYTES, LOOKUP_OBJECTS)
        return chain([first], pages)

    def _window_pages(
        self, listing: Listing, newest: datetime, early: WindowListing | None
    ) -> Iterable[list[Entry]]:
        """Return unread objects of the last run, then the names of the window.

        Args:
            listing: The listing to do.
            newest: Start of the look-back.
            early: Listing that has begun already, if there is one.
        """
        listing.since = since = window(newest, self.settings)
        unread, day = frozenset(listing.unread), day_of(since)
        if early is None or listing.ranges != set(early.ranges):
            early = self._list_window(listing, day)
        pages = early.pages(self._names, day)
        new = ([entry for entry in page if entry.key not in unread] for page in pages)
        return chain(self._reader.existing(listing.unread), new)

    def _list_window(self, listing: Listing, day: str) -> WindowListing:
        """Start to list the names of a window from `day` on."""
        pattern, most = self.settings.name_pattern, self.settings.max_in_flight
        return WindowListing(self.store, pattern, listing.marks, day, most)

    @override
    def remaining_splits(self) -> int:
        pages = length_hint(self._listed) if self._new_in_page else 0
        return self._plan.remaining_splits(pages * self._new_in_page)

    @override
    def plan_replay(self, objects: Sequence[str]) -> Iterable[Split]:
        self._rest, self._listing, self._replayed = iter(()), Listing(), True
        self._plan = self._new_plan()
        return self._plan.replay(objects)

    @override
    def list_window(self, first: date, last: date) -> Iterable[Sequence[DatedObject]]:
        """Yield the objects whose names have dates in the window, and names without.

        Everything is listed: ranges of names that no run has seen yet are found too.
        """
        names = ObjectFilter(self.settings.include, None)
        dated = DatedNames(self.settings.name_pattern, first, last, self._reader.head)
        return map(dated.select, list_all(self.store, names, self.store.list()))

    def _choose_listing(self, ledger: RunLedger, now: datetime) -> Listing:
        """Return a full scan or a window; with a trigger, the stored listing."""
        if self._named is not None:
            return Listing.of(ledger.hints, self._identity)
        return choose(
            ledger,
            self._identity,
            self.settings,
            now,
            lists_after=self.store.supports_list_after,
        )

    @override
    def read(self, split: Split) -> Iterator[Batch]:
        return self._reader.read(split.data["keys"])

    @classmethod
    @override
    def aws_permissions(cls, settings: ObjectStoreJsonSettings) -> Sequence[Permission]:
        return permissions.reading(parse_location(settings.uri))

    @override
    def source_uris(self) -> Sequence[str]:
        return [self.store.location.uri]

    @override
    def object_uri(self, name: str) -> str:
        return self.store.location.join(name).uri

    @override
    def object_version(self, name: str) -> str | None:
        entry = self.store.head(name)
        return entry.version if entry else None

    @override
    def absence(
        self, name: str, ledger: RunLedger, last_run: datetime | None
    ) -> Absence | None:
        listing = self._choose_listing(ledger, datetime.now(UTC))
        listing.looked = Listing.of(ledger.hints, self._identity).looked or last_run
        return absence(name, listing, last_run, self.store, self._names, self.settings)

    @override
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        if not self.store.supports_list_after:
            return ["every run lists the whole folder"]
        return next_listing(
            self._choose_listing(ledger, datetime.now(UTC)), self.settings
        )

    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """See `Plugin.health_checks`; the checks never write anything."""
        names = ObjectFilter(self.settings.include, self.settings.name_pattern)
        return {
            "source": partial(listed, self.store, names),
            "clock": partial(clock, self.store),
        }

    # -- triggers ----------------------------------------------------------------------

    @override
    def accept_trigger(self, trigger: Trigger) -> None:
        self._named = NamedObjects(messages(trigger), self.store.location)

    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """See `Source.build_response`: messages that a queue must deliver again."""
        if self._named is None:
            return TriggerResponse()
        return self._named.response(unread, self._plan.left)

    @property
    def _identity(self) -> Mapping[str, Any]:
        """Folder and names that a hints must belong to."""
        return {
            "uri": self.store.location.uri,
            "names": [self.settings.include, self.settings.name_pattern],
        }

    @override
    def close(self) -> None:
        if self._early is not None:
            self._early.cancel()
        self._reader.close()

    def plan_stats(self) -> PlanStats:
        """See `Source.plan_stats`.

        A folder is listed to its end for the counts; a bucket is not, as that takes too
        long.
        """
        if not self.store.remote:
            with suppress(ReportingError):  # the next run will fail with the same error
                deque(self._rest, maxlen=0)
                self._plan.ended |= not self._plan.waiting
        listing, named = self._listing, self._replayed or self._named is not None
        plan = self._plan
        empty = (
            not named
            and self.store.supports_list_after
            and listing.full
            and plan.ended
            and not self._names.seen
        )
        return PlanStats(
            self._names.ignored,
            tuple(self._names.samples),
            plan.waiting,
            plan.ended,
            self._names.repeated,
            "named" if named else "full" if listing.full else "window",
            listing.since,
            (
                due(listing, self.settings, complete=plan.ended)
                if self.store.supports_list_after and not self._replayed
                else None
            ),
            [empty_prefix_warning(self.store)] if empty else (),
            self._read_before,
        )

    def next_hints(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """See `Source.next_hints`.

        The time of a full scan is stored only if all its objects were handled. A run
        that finds nothing new leaves the hints as they are, so it need not write them.
        """
        if not self.store.supports_list_after:
            return {}  # every run lists the whole folder
        listing, waiting = self._listing, set(unread)
        if self._named is not None:
            waiting |= self._plan.left | set(listing.unread)
            complete = True  # the listing itself is complete
        return {
            **self._identity,
            **listing.hints(
                found=self._names.marks,
                named=self._named is not None,
                lookback_days=self.settings.lookback_days,
                unread=waiting,
                complete=complete,
                rows=rows,
            ),
        }
