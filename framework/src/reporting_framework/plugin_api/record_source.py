"""The base class of sources that read an API, or anything else that has pages."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reporting_framework.errors import TransientError
from reporting_framework.plugin_api.ledger import RunLedger
from reporting_framework.plugin_api.records import (
    Batch,
    FinishedSplit,
    ReadFailure,
    Split,
)
from reporting_framework.plugin_api.source import PlanStats, Source

_log = logging.getLogger(__name__)


class RecordSource(Source):
    """Base class of sources that read pages of records, one after another: `pages`.

    Each page is fetched once. Its position is committed with its records, and the next
    run goes on from the last one. A page that cannot be fetched just now ends the
    reading: what came before it is committed, and the next run tries again.

    There is one stream, in one split, so a deadline does not end the reading: let
    `pages` return after a number of pages if there can be very many. A setting
    ``full_scan``, if there is one, makes a run start from the beginning. Rejected
    records cannot be replayed without a `plan_replay` of the source's own.
    """

    natural_keys = True

    @abstractmethod
    def pages(self, after: Mapping[str, Any] | None) -> Iterable[Batch]:
        """Return pages in their order, each fetched when it is asked for.

        A page is a batch with its `position`: what this method needs to go on after the
        page (JSON types). A page without one is read again, unless a later one has one.

        Args:
            after: Position of the last page that was committed, `None` at the
                beginning.

        Raises:
            AccessDenied: Reading was refused; nothing is committed.
            StorageUnavailable: A page cannot be fetched after retries.
        """

    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        """Return one split: all pages after the position in the state."""
        return [Split(self.name, {"after": self._start(ledger)})]

    def _start(self, ledger: RunLedger) -> Mapping[str, Any] | None:
        again = getattr(self.settings, "full_scan", False)
        return None if again else ledger.state

    def read(self, split: Split) -> Iterator[Batch]:
        """Return the pages, up to one that cannot be fetched just now."""
        try:
            yield from self.pages(split.data["after"])
        except TransientError as error:
            _log.warning("page not read: %s", error)
            yield Batch(unread=[ReadFailure(split.id, "unavailable")])

    def plan_stats(self) -> PlanStats:
        """Return nothing but that there is no other split."""
        return PlanStats(exhausted=True)

    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Say whether the next run reads from the beginning."""
        if self._start(ledger) is None:
            return ["Reads all pages, from the beginning."]
        return ["Reads the pages after the last one that was committed."]

    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        """Return the position of the last page that was read."""
        return done[0].position if done else None
