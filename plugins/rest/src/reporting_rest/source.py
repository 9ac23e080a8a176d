"""Source ``rest-api``: resources of an API, each a stream."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import (
    Batch,
    FinishedSplit,
    Permission,
    PlanStats,
    ReadFailure,
    RecordSource,
    ReportingError,
    RunLedger,
    Split,
    TransientError,
)
from reporting_framework.plugin_api.records import CheckResult
from reporting_rest.buffers import Buffers
from reporting_rest.columns import sampled
from reporting_rest.fetcher import Fetcher
from reporting_rest.reader import Reached, Reader
from reporting_rest.resources import Resource, resources_of
from reporting_rest.sampling import Sampler
from reporting_rest.settings import RestApiSettings
from reporting_rest.shared import Shared, shared_of
from reporting_rest.warnings import ignored_fields, unasked_rows, untyped_columns

_log = logging.getLogger(__name__)


class RestApi(RecordSource):
    """Records of the resources of an API.

    All resources are read together, so that a page whose rows have children is fetched
    once. The state has a position for each resource that is not below another.
    """

    name: ClassVar[str] = "rest-api"
    Settings: ClassVar[type[RestApiSettings]] = RestApiSettings
    output_format = "frames"
    versions_ordered = True
    reads_streams_together = True
    settings: RestApiSettings

    def __init__(self, settings: RestApiSettings) -> None:
        super().__init__(settings)
        self._known = pl.Schema()
        self._positions: Mapping[str, Any] = {}
        self._reached: Mapping[str, Any] | None = None
        self._unfinished = False
        self._done: set[str] = set()
        self._failed = False
        self._ignored: dict[str, Counter[str]] = defaultdict(Counter)
        self._unasked: Counter[str] = Counter()

    @classmethod
    @override
    def aws_permissions(cls, settings: RestApiSettings) -> Sequence[Permission]:
        return () if settings.auth is None else settings.auth.permissions()

    @override
    def streams(self) -> Sequence[str]:
        return [resource.name for resource in self.settings.resources]

    @classmethod
    @override
    def declared_streams(cls, settings: RestApiSettings) -> Sequence[str]:
        return [resource.name for resource in settings.resources]

    @property
    @override
    def primary_key(self) -> Sequence[str]:
        if self.stream is None:
            return ()
        return self._resources[self.stream].settings.primary_key

    # -- columns -----------------------------------------------------------------------

    @override
    def use_known_columns(self, known: pl.Schema) -> None:
        self._known = known

    @override
    def use_last_position(self, position: Mapping[str, Any]) -> None:
        if not self.settings.full_scan:
            self._positions = position

    @override
    def schema(self) -> pl.Schema | None:
        if self.stream is None:
            return None
        settings = self._resources[self.stream].settings
        pages: Sequence[Sequence[bytes]] = ()
        if settings.sample:
            try:
                pages = self._sampler.pages(self._resources[self.stream])
            finally:
                self.close()  # another object reads
        sample = sampled(pages, settings, self._known)
        self._shared.schemas[self.stream] = sample.schema
        self._shared.untyped[self.stream] = list(sample.untyped)
        return sample.schema

    # -- reading -----------------------------------------------------------------------

    @override
    def plan(self, ledger: RunLedger) -> Iterator[Split]:
        after, done, number = self._start(ledger), list[str](), 0
        while True:
            self._unfinished = False
            split_id = self.name if number == 0 else f"{self.name}/{number}"
            yield Split(split_id, {"after": after, "done": done, "number": number})
            if not self._unfinished:
                return
            after, done, number = self._reached, sorted(self._done), number + 1

    @override
    def read(self, split: Split) -> Iterator[Batch]:
        """Yield batches; stop after `split_pages` positions."""
        self._unfinished, pages = False, 0
        after = split.data["after"] or {}
        self._done = set(split.data["done"])
        for batch in super().read(split):
            yield batch
            if batch.position is not None:
                self._reached, pages = batch.position, pages + 1
                due = len(self._roots) - len(self._done)
                moved = batch.position != after  # else the next split starts there, too
                if pages >= self.settings.split_pages and due and moved:
                    self._unfinished = True
                    break
        if self._failed:
            self._failed = False
            yield Batch(unread=[ReadFailure(split.id, "unavailable")])

    @override
    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        last = max(done, key=lambda each: each.split.data["number"], default=None)
        return None if last is None else last.position

    @override
    def plan_stats(self) -> PlanStats:
        resources = self._resources.values()
        warnings = untyped_columns(resources, self._shared.untyped)
        warnings += ignored_fields(resources, self._ignored)
        warnings += unasked_rows(resources, self._unasked)
        return PlanStats(exhausted=not self._unfinished, warnings=warnings)

    @override
    def pages(self, after: Mapping[str, Any] | None) -> Iterator[Batch]:
        buffers = Buffers(self.settings.batch_records, self._shared.schemas)
        try:
            yield from self._pages(dict(after or {}), buffers)
        finally:
            for stream, counts in buffers.ignored.items():
                self._ignored[stream] += counts

    def _pages(self, positions: dict[str, Any], buffers: Buffers) -> Iterator[Batch]:
        refused: ReportingError | None = None
        begun = False
        for resource in self._roots:
            if resource.name in self._done:
                continue
            try:
                events = self._reader.events(resource, positions.get(resource.name))
                for event in events:
                    begun = True
                    if not isinstance(event, Reached):
                        yield from buffers.add(event.resource, event.lines)
                        continue
                    if event.end:
                        self._done.add(resource.name)
                    if event.position is not None:
                        positions[resource.name] = event.position
                    if buffers.full:
                        yield from buffers.take()
                        yield Batch(position=dict(positions))
            except ReportingError as error:  # other resources are still read
                if not isinstance(error, TransientError):
                    refused = refused or error
                self._done.add(resource.name)
                self._failed = True
                _log.warning("page not read: %s", error)
        if refused is not None and not begun:
            raise refused
        yield from buffers.take()
        yield Batch(position=dict(positions))

    @override
    def source_uris(self) -> Sequence[str]:
        if self.stream is None:
            return [self.settings.base_url]
        return [self._resources[self.stream].requests.shown]

    @override
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        known = self._start(ledger) or {}
        return [
            f"Resource {resource.name}: continues where the last run ended."
            if resource.name in known
            else f"Resource {resource.name}: reads all records."
            for resource in self._resources.values()
            if resource.parent is None
        ]

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {"source": self._check}

    @override
    def close(self) -> None:
        if "_fetcher" in vars(self):
            self._fetcher.close()
            del self._fetcher
            vars(self).pop("_reader", None)

    # -- what is behind it -------------------------------------------------------------

    def _check(self) -> CheckResult:
        """Check that the first resource answers, with the credentials."""
        resource = next(iter(self._resources.values()))
        try:
            page, _ = next(self._sampler.first(resource))
        finally:
            self.close()
        found = (
            f"{resource.requests.shown}: {len(page.lines):,} records on the first page"
        )
        return CheckResult("ok", found)

    @cached_property
    def _resources(self) -> Mapping[str, Resource]:
        return resources_of(self.settings, f"source {self.name}")

    @property
    def _roots(self) -> Sequence[Resource]:
        """Resources that are not below another."""
        return [each for each in self._resources.values() if each.parent is None]

    @cached_property
    def _shared(self) -> Shared:
        return shared_of(self.settings)

    @cached_property
    def _fetcher(self) -> Fetcher:
        return Fetcher(self.settings, f"source {self.name}", self._shared)

    @property
    def _sampler(self) -> Sampler:
        return Sampler(self._fetcher, self._positions)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._fetcher, self.settings.parallelism, self._unasked)
