"""Base class of sources that read pages of records, such as those of an API."""

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
    """Base class of sources that read pages of records in sequence: implement `pages`.

    Each page is fetched once. Its position is committed with its records, and the next
    run continues from the last position. A page that cannot be fetched for now ends the
    reading: earlier pages are committed, and the next run retries the page.

    All pages of a stream are in one split, so a deadline does not end the reading: if
    there can be very many pages, let `pages` return after a number of them. If the
    settings have a field ``full_scan``, it makes a run start from the beginning. To
    replay rejected records, a source must implement `plan_replay`.
    """

    natural_keys = True

    @abstractmethod
    def pages(self, after: Mapping[str, Any] | None) -> Iterable[Batch]:
        """Return pages in their order; fetch each page when the iterator reaches it.

        A page is a batch with a `position`: the data that this method needs to continue
        after the page (JSON types). A page without a position is read again, unless a
        later page has a position.

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
        """Return the pages, up to the first page that cannot be fetched for now."""
        try:
            yield from self.pages(split.data["after"])
        except TransientError as error:
            _log.warning("page not read: %s", error)
            yield Batch(unread=[ReadFailure(split.id, "unavailable")])

    def plan_stats(self) -> PlanStats:
        """Return the statistics of a plan with one split."""
        return PlanStats(exhausted=True)

    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Return one sentence: where the next run starts to read."""
        if self._start(ledger) is None:
            return ["Reads all pages, from the beginning."]
        return ["Reads the pages after the last one that was committed."]

    def next_state(self, done: Sequence[FinishedSplit]) -> Mapping[str, Any] | None:
        """Return the position of the last page that was read."""
        return done[0].position if done else None
