"""First requests of a run, made while the modules of its plugins are imported.

Importing polars takes longer than a round trip to a bucket. So what a run reads first,
its metadata, its table and the listing of its source, is on its way meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from reporting_framework.execution.plugin_building import source_of
from reporting_framework.execution.plugin_errors import log_errors
from reporting_framework.metadata.hints import hints_in
from reporting_framework.metadata.places import MetadataPlaces
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.metadata import FirstReads, MetadataLocation
from reporting_framework.storage.early_reads import EarlyReads, begin
from reporting_framework.storage.location import Location, parse_location
from reporting_framework.storage.open import open_store

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import Trigger
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.registry.registry import Registry
    from reporting_framework.storage.store import Object

_IN_NETWORK = frozenset({"s3", "gs", "az"})

_log = logging.getLogger(__name__)


class EarlyStart:
    """Requests that a run has begun.

    They only save time: a response that nobody asks for is dropped, and an error is
    raised where a later read would raise it.

    Attributes:
        source: The source, if it has begun to list; nothing else begins with it.
    """

    def __init__(self) -> None:
        self.source: Source | None = None
        self._reads = EarlyReads(open_store)
        self._hints: Future[Object] | None = None
        self._listing: Future[bool] | None = None
        self._cancelled = False
        self._lock = Lock()

    def read(self, location: MetadataLocation | None, sinks: list[FirstReads]) -> None:
        """Begin to read the metadata of a report, and what its sinks read first.

        Args:
            location: Place of the metadata, if the report has one.
            sinks: Objects that each sink reads first.
        """
        for sink in sinks:
            for uri, limit in sink.objects.items():
                if _is_remote(place := parse_location(uri)):
                    self._reads.get(place, limit)
        if location is None or not _is_remote(parse_location(location.folder)):
            return
        places = MetadataPlaces.of(location)
        self._reads.head(places.marker)
        if _is_remote(places.quarantine):
            self._hints = self._reads.get(places.hints)
            self._reads.get(places.quarantine)

    def prefetch(self, source: Source) -> None:
        """Have a source begin its listing as soon as its hints are there."""
        if self._hints is None:
            return
        self.source = source
        self._listing = begin(partial(self._prefetch, source, self._hints))

    def _prefetch(self, source: Source, hints: Future[Object]) -> bool:
        if hints.exception() is not None:
            return False
        with self._lock:
            if not self._cancelled:
                source.prefetch(hints_in(hints.result().data))
            return not self._cancelled

    def wait(self) -> bool:
        """Wait until the source has begun its listing; return whether it has.

        Raises:
            ReportingError: The source could not.
        """
        return self._listing is not None and self._listing.result()

    def cancel(self) -> None:
        """Have the source begin nothing more, as it is about to be closed."""
        with self._lock:
            self._cancelled = True

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Let the sinks and the metadata store that are built in the block use it.

        If the block fails, the source is closed.
        """
        try:
            with self._reads.serve():
                yield
        except BaseException:
            self.cancel()
            if self.source is not None:
                log_errors(self.source.close, "while closing")
            raise


def _is_remote(location: Location) -> bool:
    return location.scheme in _IN_NETWORK


def start_early(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    trigger: Trigger | None,
) -> EarlyStart:
    """Begin the first requests of a run that are known before its plugins are built.

    Whatever is wrong is left to those who build them.
    """
    start = EarlyStart()
    try:
        sinks = [
            registry.first_reads("sink", use.name, use.settings)
            for use in composition.sinks
        ]
        location = sinks[0].metadata  # another sink's may not be that of the report
        if composition.metadata is not None:
            location = MetadataLocation(composition.metadata, report)
        start.read(location, sinks)
        plugin = registry.find("source", composition.source.name)
        if _lists_window(composition, trigger) and supports(plugin, "prefetch"):
            start.prefetch(source_of(report, composition, registry))
    except Exception as error:
        _log.debug("no more requests are made early: %s", type(error).__name__)
    except BaseException:
        start.cancel()
        raise
    return start


def _lists_window(composition: PipelineSpec, trigger: Trigger | None) -> bool:
    """Return whether the source of a run may list from its hints.

    It does not if a trigger names its work, if a stream must be selected first, or if
    the run replaces a table, and so reads everything.
    """
    modes = {
        composition.write_mode,
        *(u.settings.get("mode") for u in composition.sinks),
    }
    named = trigger is not None and trigger.names_work
    return not named and composition.stream is None and "replace" not in modes
