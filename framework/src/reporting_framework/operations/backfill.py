"""Backfill: the objects of a past period, in chunks that are committed one by one.

A row of a table is an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

from reporting_framework.errors import NotSupported, PluginError, ReportingError
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.planning import check_replayable
from reporting_framework.execution.progress import open_sinks
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.ledger import RunLedger
    from reporting_framework.plugin_api.source import DatedObject, Source

LOOKUP_OBJECTS = 131_072
"""Objects looked up in a ledger at once: each lookup is one pass over its keys."""

Unit = Literal["objects", "rows"]

_COLUMNS = {
    "day": pl.Date,
    "key": pl.String,
    "size": pl.Int64,
    "version": pl.String,
}


class Window(NamedTuple):
    """Period of a backfill: all days from the first to the last."""

    first: date
    last: date


class Chunk(NamedTuple):
    """Objects that one run of a backfill reads and commits.

    Attributes:
        first: Day of the first object.
        last: Day of the last object.
        objects: Keys, by day.
    """

    first: date
    last: date
    objects: Sequence[str]


class FoundObjects(NamedTuple):
    """Objects that a backfill has to read.

    Attributes:
        objects: Columns `day`, `key`, `size` (bytes) and `version`, which are null if
            they are not known; sorted by day and key.
        already_taken: Number of further objects in the window that the report has.
        without_date: Number of objects outside the backfill, as their names have no
            date; `None` if it is not known.
        list_requests: Number of requests of the listing.
        uri: Place that was listed, empty if it has none.
        unit: Kind of the objects.
    """

    objects: pl.DataFrame
    already_taken: int
    without_date: int | None
    list_requests: int
    uri: str
    unit: Unit

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the objects in chunks of this number."""
        for start in range(0, self.objects.height, size):
            part = self.objects.slice(start, size)
            days = part["day"]
            yield Chunk(days[0], days[-1], part["key"].to_list())


def find_objects(
    pipeline: Pipeline, window: Window, *, again: bool = False
) -> FoundObjects:
    """List the objects of a window, without those that the report has; write nothing.

    With ``upsert``, all objects are returned: an object that the report has may have
    another version by now. The pipeline is closed afterwards.

    Args:
        pipeline: The report.
        window: The period.
        again: Whether to return the objects that the report has, too.

    Raises:
        NotSupported: The source cannot list a window.
        PluginError: The report cannot be processed in parts, or not without making rows
            twice.
        ReportingError: The source cannot be listed, or a sink cannot be read.
    """
    try:
        check_window(pipeline.report, pipeline.source)
        check_replayable(pipeline)
        opened = open_sinks(pipeline, None, plans=False)
        _check_sinks(pipeline, opened.keepers, again=again)
        found, without_date, requests = _listed(pipeline, window)
        everything = again or "upsert" in pipeline.modes
        new = found if everything else _filter_new(found, opened.progress, pipeline)
        rows = pipeline.source.natural_keys
        return FoundObjects(
            new.sort("day", "key"),
            found.height - new.height,
            None if rows else without_date,
            requests,
            next(iter(pipeline.source.source_uris()), ""),
            "rows" if rows else "objects",
        )
    finally:
        close(pipeline)


def check_window(report: str, source: type[Source] | Source) -> None:
    """Check that a source, or its class, can list a window.

    Raises:
        NotSupported: It cannot.
    """
    if not supports(source, "list_window"):
        raise NotSupported(
            f"report {report}: source {source.name} cannot tell which of its records"
            " are of a period, so there is no backfill of it; a full scan, if the"
            " source has one, reads everything"
        )


def _check_sinks(pipeline: Pipeline, keepers: Sequence[bool], *, again: bool) -> None:
    """Check that no sink would get rows twice, and that none would lose any.

    Raises:
        PluginError: A sink appends without a ledger, or replaces its table.
    """
    if "replace" in pipeline.modes:
        raise PluginError(
            f"report {pipeline.report}: write_mode is replace, so rows outside the"
            " period would be lost; run the report as a whole"
        )
    blind = [
        sink.name
        for sink, mode, keeps in zip(
            pipeline.sinks, pipeline.modes, keepers, strict=True
        )
        if mode == "append" and not keeps
    ]
    upserts = "upsert" in pipeline.modes
    if blind and (again or upserts or not any(keepers)):
        fix = (
            "with upsert beside it, write it in a report of its own"
            if upserts
            else "leave out --again"
            if any(keepers)
            else "add a sink that keeps one"
        )
        raise PluginError(
            f"report {pipeline.report}: sink {blind[0]} appends and keeps no ledger, so"
            f" it would get rows twice; {fix}"
        )


def _listed(pipeline: Pipeline, window: Window) -> tuple[pl.DataFrame, int, int]:
    """Return the objects of a window, the number without a date, and of requests."""
    frames, without_date, requests = [pl.DataFrame(schema=_COLUMNS)], 0, 0
    for page in pipeline.source.list_window(*window):
        requests += 1
        dated = [item for item in page if item.day is not None]
        without_date += len(page) - len(dated)
        if dated:
            frames.append(_frame(dated))
    return pl.concat(frames).unique("key", keep="first"), without_date, requests


def _frame(objects: Sequence[DatedObject]) -> pl.DataFrame:
    keys, sizes, days, versions = zip(*objects, strict=True)
    return pl.DataFrame([days, keys, sizes, versions], schema=_COLUMNS)


def _filter_new(
    found: pl.DataFrame, ledger: RunLedger, pipeline: Pipeline
) -> pl.DataFrame:
    """Return the objects that must be read; see `RunLedger.filter_new`."""
    listed: dict[str, str | None] = {}

    def version(key: str) -> str | None:
        if (known := listed.get(key)) is not None:
            return known
        try:
            return pipeline.source.object_version(key)
        except ReportingError:
            return None

    new: list[str] = []
    for start in range(0, found.height, LOOKUP_OBJECTS):
        part = found.slice(start, LOOKUP_OBJECTS)
        listed = dict(part.select("key", "version").iter_rows())
        new += ledger.filter_new(list(listed), version)
    return found.filter(pl.col("key").is_in(pl.Series(new, dtype=pl.String).implode()))
