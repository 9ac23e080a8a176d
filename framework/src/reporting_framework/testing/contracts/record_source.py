"""Promises of a record source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import pytest

from reporting_framework.errors import StorageUnavailable
from reporting_framework.plugin_api.records import Batch
from reporting_framework.testing.contracts.base import (
    differing,
    few,
    not_promised,
)
from reporting_framework.testing.contracts.shared_streams import (
    PutInto,
    SharedStreamsContract,
)
from reporting_framework.testing.contracts.stateful_source import Expected, Put
from reporting_framework.testing.harness.table_harness import TableRuns

PAGE = 2
"""Number of records of a page."""


class Feed(Protocol):
    """API behind a record source that a test changes: pages of two records."""

    def put(self, number: int, tick: int) -> Expected:
        """Add record number `number`, or change it; it is then the last record.

        Its version grows with the tick. Let a tick be half a second of a past day, to
        cover APIs that omit the fraction of whole seconds.
        """
        ...

    def fetched(self) -> Sequence[str]:
        """Return the requests since the last call, a text for each request.

        Two requests for the same page have the same text.
        """
        ...


@runtime_checkable
class DeletingFeed(Feed, Protocol):
    """API that also reports deletes, as `Batch.deletes` needs them."""

    def delete(self, number: int, tick: int) -> str:
        """Delete record number `number`, and return its source key.

        The delete is then the last record, and its version grows with the tick.
        """
        ...


class RecordSourceContract(SharedStreamsContract):
    """Promises of a `RecordSource`, in addition to those of every source.

    Required, in addition to `PluginContract`:
        feed: Fixture: a `Feed`, empty at first, or a `DeletingFeed` if the API reports
            deletes. Put `CANARY` into values. If the source reads its streams together,
            `put` adds records to `stream`, and a further method
            ``put_into(stream, number, tick)`` to any stream.

    Declarations:
        crowd: Class attribute, see `SourceContract`.
        stream: Class attribute, see `SourceContract`.

    Provided by the suite, from `feed`:
        put: Fixture: `Feed.put`.
        put_into: Fixture: the further method of `feed`.
        in_streams: Fixture: records that are in all streams, in turn.
        read_all: Fixture: a function that reads all streams at once.
        cut: Fixture: a function that returns runs limited to a number of pages.
        records: Fixture, see `SourceContract`.
        add: Fixture, see `SourceContract`.
        trigger: Fixture, see `SourceContract`: `None`.
    """

    @pytest.fixture
    def feed(self) -> Feed:
        """Return the API behind the source."""
        self._lacks("feed", "an object with `put` and `fetched`, see `Feed`")

    @pytest.fixture
    def put(self, feed: Feed) -> Put:
        """Return a function that adds or changes a record."""
        return feed.put

    @pytest.fixture
    def put_into(self, feed: Feed) -> PutInto:
        """Return a function that adds a record to a stream."""
        if not self.plugin.reads_streams_together:
            not_promised("it does not read its streams together")
        method: PutInto | None = getattr(feed, "put_into", None)
        return method or self._lacks("feed", "with a method `put_into`, too")

    @pytest.fixture
    def cut(self, make: Callable[..., Any]) -> Callable[[int], TableRuns]:
        """Return a function for runs that cannot fetch pages after the first ones."""

        def runs_of(count: int) -> TableRuns:
            def made(**changed: Any) -> Any:
                source = make(**changed)
                pages = source.pages

                def some(after: Any) -> Iterator[Batch]:
                    for number, page in enumerate(pages(after)):
                        if number == count:
                            raise StorageUnavailable("this page cannot be fetched")
                        yield page

                source.pages = some
                return source

            return TableRuns(made)

        return runs_of

    # -- what the ledger is to other sources, the state is to this one -----------------

    def test_nothing_is_read_that_the_ledger_has(  # type: ignore[override]  # fixtures
        self, runs: TableRuns, records: Mapping[str, Any], feed: Feed
    ) -> None:
        """Check that a run without new records reads at most the last page again."""
        runs.run()
        feed.fetched()
        outcome = runs.run()
        assert len(outcome.read) <= PAGE, (
            f"nothing is read that was committed: {len(outcome.read)} records were read"
            " again, more than the last page"
        )
        assert len(feed.fetched()) <= 2, "a run with nothing new fetches the last page"

    def test_hints_lose_nothing(  # type: ignore[override]  # fixtures
        self,
        runs: TableRuns,
        records: Mapping[str, Any],
        cut: Callable[[int], TableRuns],
    ) -> None:
        """Check that the state is the position of the last committed page."""
        for count in range(len(records) // PAGE):
            cut_short = cut(count)
            outcome = cut_short.run()
            assert len(outcome.rejected) == 1, (
                "a page that cannot be fetched is said to be unread, once"
            )
            runs.rows, runs.state = dict(cut_short.rows), cut_short.state
            known = len(runs.rows)
            again = runs.run()
            assert runs.live == dict(records), differing(
                runs.live,
                records,
                f"the state moves only behind committed pages: after {count}",
            )
            assert len(again.read) <= len(records) - known + PAGE, (
                f"the state moves with each page: after {count} of them,"
                f" {len(again.read)} records were read again"
            )

    # -- reading -----------------------------------------------------------------------

    def test_each_page_is_fetched_once(
        self, runs: TableRuns, records: Mapping[str, Any], feed: Feed
    ) -> None:
        """Check that no request is made twice in a run."""
        feed.fetched()
        outcome = runs.run()
        requests = feed.fetched()
        assert requests, "`Feed.fetched` says what was asked for"
        twice = [request for request, times in Counter(requests).items() if times > 1]
        assert not twice, f"each page is fetched once: {few(twice)} twice"
        keys = [key for key, _ in outcome.read]
        assert sorted(keys) == sorted(records), differing(
            keys, records, "each record is read once"
        )

    def test_pages_are_fetched_when_they_are_asked_for(
        self, make: Callable[..., Any], records: Mapping[str, Any], feed: Feed
    ) -> None:
        """Check that `pages` fetches no pages in advance, so that memory is bounded."""
        feed.fetched()
        source = make()
        pages = iter(source.pages(None))
        next(pages)
        early = len(feed.fetched())
        for _ in pages:
            pass
        source.close()
        assert early < len(records) // PAGE, (
            f"a page is fetched when it is asked for: {early} requests for the first"
        )

    def test_an_api_without_records_is_read(self, runs: TableRuns, feed: Feed) -> None:
        """Check that an empty API gives no records, and later records are found."""
        assert runs.run().read == [], "an API without records gives none"
        key, record = feed.put(1, 10)
        runs.run()
        assert runs.live == {key: record}, "a first record is found"

    def test_ties_at_the_edge_of_a_page_are_read(
        self, runs: TableRuns, records: Mapping[str, Any], feed: Feed
    ) -> None:
        """Check that records of one tick are not lost between pages or runs."""
        runs.run()
        new: dict[str, Any] = {}
        for numbers in (range(200, 205), range(205, 208)):
            new.update(feed.put(number, 1_000) for number in numbers)
            runs.run()
            assert runs.live == {**records, **new}, differing(
                runs.live, {*records, *new}, "ties at the edge of a page are read"
            )

    # -- deliveries --------------------------------------------------------------------

    def test_a_repeated_page_changes_nothing(
        self, runs: TableRuns, records: Mapping[str, Any], feed: Feed
    ) -> None:
        """Check that pages are read again after a lost state, without any change."""
        self._ordered()
        runs.run()
        key, record = feed.put(1, 2_000)
        runs.run()
        before = dict(runs.rows)
        runs.state = None
        runs.run()
        assert runs.rows == before, differing(
            runs.rows, before, "a repeated page changes nothing"
        )
        assert runs.live[key] == record, "a repeated page changes nothing: an update"

    def test_a_reported_delete_is_a_version(
        self, runs: TableRuns, records: Mapping[str, Any], feed: Feed
    ) -> None:
        """Check that a delete removes its record until the record changes again."""
        if not isinstance(feed, DeletingFeed):
            not_promised("`Feed` has no `delete`: the API reports no deletes")
        self._ordered()
        runs.run()
        deleted = feed.delete(1, 2_000)
        rest = {key: record for key, record in records.items() if key != deleted}
        for state in (runs.state, None):  # read again after a lost state
            runs.state = state
            runs.run()
            assert runs.live == rest, differing(
                runs.live, rest, "a reported delete removes its record, and no other"
            )
        key, record = feed.put(1, 3_000)
        runs.run()
        assert runs.live == {**rest, key: record}, differing(
            runs.live, {*rest, key}, "a later change restores a deleted record"
        )

    def test_a_full_scan_starts_from_the_beginning(
        self, runs: TableRuns, records: Mapping[str, Any]
    ) -> None:
        """Check the setting ``full_scan``, if there is one."""
        if "full_scan" not in self.plugin.Settings.model_fields:
            not_promised("it has no setting full_scan")
        runs.run()
        keys = {key for key, _ in runs.run(full_scan=True).read}
        assert keys == records.keys(), differing(
            keys, records, "a full scan starts from the beginning"
        )
