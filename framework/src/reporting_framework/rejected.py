"""Log lines about records that were not kept and objects that were not read: each by name, up to a limit."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework.records import FILTERED, LOOKS_LIKE

if TYPE_CHECKING:
    from reporting_framework.assembly import Pipeline
    from reporting_framework.records import Rejection, Unread
    from reporting_framework.result import RunResult

NAMED = 100
"""Rejected records of a run, and unread objects, that are named in the log."""

_log = logging.getLogger(__name__)


class RejectionLog:
    """Names the rejected records and the unread objects of one run in the log; never a value of one.

    Args:
        pipeline: The report.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._named, self._unnamed = pipeline, 0, 0

    def note(self, rejections: Sequence[Rejection]) -> None:
        """Name these, as far as the limit allows."""
        found = [each for each in rejections if each.error_type != FILTERED]
        for each in found[: NAMED - self._named]:
            where = f" in {each.field}" if each.field else ""
            known = {"source_key": each.origin, "error_type": each.error_type, "field": each.field}
            _log.info("rejected: %s: %s%s", each.origin, each.error_type, where, extra=known)
        named = min(len(found), NAMED - self._named)
        self._named, self._unnamed = self._named + named, self._unnamed + len(found) - named

    def finish(self, result: RunResult, unread: Sequence[Unread]) -> None:
        """Log how many were not named, what is unread, and what to look at if nothing at all was accepted."""
        if self._unnamed:
            _log.info("rejected, and not named here: %d more", self._unnamed, extra={"rejected_unnamed": self._unnamed})
        for each in unread[:NAMED]:
            known = {"source_key": each.origin, "reason": each.reason}
            _log.info("unread: %s: %s; the next run tries it again", each.origin, each.reason, extra=known)
        if rest := len(unread[NAMED:]):
            _log.info("unread, and not named here: %d more", rest, extra={"unread_unnamed": rest})
        if warning := nothing_accepted(result, self._pipeline):
            _log.warning("%s", warning)


def nothing_accepted(result: RunResult, pipeline: Pipeline) -> str | None:
    """Return a warning if all records of a run were rejected: the first reason, and what the input looks like."""
    if not result.rejected or result.rejected != result.records_read:
        return None
    first = result.rejections[0]
    reason = f"{first.count:,} x {first.type}{f' in {first.field}' if first.field else ''}"
    said = f"report {result.report}: nothing was accepted, all {result.rejected:,} records were rejected"
    source, sources = pipeline.source.name, pipeline.sources
    if not first.type.startswith(LOOKS_LIKE):
        return f"{said} ({reason}); check that source, validator and names of files fit the input"
    form = first.type.removeprefix(LOOKS_LIKE).replace("_", "-")
    readers = [name for name, summary in sources.items() if re.search(rf"\b{form}\b", summary, re.I) and name != source]
    what = (
        f"use {' or '.join(readers)}" if readers else "no installed source reads it: convert the files, or install one"
    )
    reads = f", and source {source} reads {sources[source]}" if source in sources else ""
    return f"{said} ({reason}): the input looks like {form}{reads}; {what}"
