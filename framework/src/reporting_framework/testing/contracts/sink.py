"""Promises of a sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any, ClassVar

import polars as pl
import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.ledger import DatedLedger
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    CommitResult,
    Split,
    object_of,
)
from reporting_framework.tables.table_sink import TableSink
from reporting_framework.testing.contracts.backup import BackupContract
from reporting_framework.testing.contracts.base import (
    PluginContract,
    assert_no_value_shown,
    few,
    not_promised,
)
from reporting_framework.testing.contracts.output_versions import (
    OutputVersionsContract,
)
from reporting_framework.testing.contracts.table import ReadableContract
from reporting_framework.testing.contracts.write_modes import WriteModesContract
from reporting_framework.testing.faults.calls import Attempt, Faults, Killed, each_fault
from reporting_framework.testing.harness.memory import assert_bounded, peak
from reporting_framework.testing.harness.sink_harness import (
    Expected,
    Make,
    Place,
    Rows,
    Visible,
    adds_up,
)

Files = Callable[[], Mapping[str, bytes]]
Clear = Callable[[], object]

WRITERS = 4


class SinkContract(
    WriteModesContract,
    OutputVersionsContract,
    BackupContract,
    ReadableContract,
    PluginContract,
):
    """Promises of a `Sink`.

    They include the promises of its write modes, ledger, versions, table and reset, if
    it has them.

    Required, in addition to `PluginContract`:
        rows: Fixture: a function that returns a frame, `SOURCE_KEY` last, with one row
            for each number in its argument. The same number must give the same row and
            source key. Put `CANARY` into some value.
        visible: Fixture: a function that returns all rows that a reader sees now, as a
            frame; in any order, with the columns of `rows` or some of them.

    Optional:
        expected: Fixture: a function from a frame of `rows` to the frame that `visible`
            must return after exactly these rows were committed, for a sink that shows
            other rows than it was given. By default the rows themselves.
        files: Fixture: a function that returns the bytes of every visible file by name,
            if the same rows give the same bytes. This excludes the file of a database,
            as its bytes depend on the order of writes.
        clear: Fixture: a function that empties the place, to its state before the first
            run.
        edition: Fixture: a function from a number and the number of an edition to a
            frame with one row: the same number gives the same source key, with other
            values for each edition. For a sink that supports ``upsert`` or ``replace``;
            by default made from `rows`. `visible` must then also return `VERSION`
            (String), `DELETED_AT` (Datetime us UTC) and deleted rows.

    Declarations:
        atomic: Class attribute: False if `rows` lead to several outputs, each of which
            becomes visible on its own.
        idempotent: Class attribute: False for a sink that counts or keeps a row again
            if it is committed again, and whose documentation says so.
        has_files: Class attribute: False for a sink without `files`, such as a table of
            a database; for a `TableSink` it is False.
        crowd: Class attribute: number of rows to commit in the test of bounded memory,
            which then commits four times as many. 0: the test is skipped.
    """

    atomic: ClassVar[bool] = True
    idempotent: ClassVar[bool] = True
    has_files: ClassVar[bool] = True
    crowd: ClassVar[int] = 0

    @pytest.fixture
    def rows(self) -> Rows:
        """Return a function that returns frames."""
        self._lacks(
            "rows",
            "a function from numbers to a frame with a row for each, SOURCE_KEY last",
        )

    @pytest.fixture
    def visible(self) -> Visible:
        """Return a function that returns the visible rows."""
        self._lacks(
            "visible",
            "a function that reads back, as a frame, what any reader now sees",
        )

    @pytest.fixture
    def expected(self) -> Expected:
        """Return a function from committed rows to the rows that must be visible."""
        return lambda frame: frame

    @pytest.fixture
    def files(self) -> Files | None:
        """Return a function that returns the bytes of files, or `None`."""
        return None

    @pytest.fixture
    def clear(self) -> Clear | None:
        """Return a function that empties the place, or `None`."""
        return None

    @pytest.fixture
    def place(
        self, make: Make, rows: Rows, visible: Visible, expected: Expected
    ) -> Place:
        """Return the place that the tests write to."""
        return Place(make, rows, visible, expected)

    # -- staging -----------------------------------------------------------------------

    def test_prepare_writes_nothing(self, place: Place, files: Files | None) -> None:
        """Check that `open` creates neither a table nor a folder, as in dry runs."""
        if files is None:
            if not self.has_files or issubclass(self.plugin, TableSink):
                not_promised("it has no files")
            pytest.skip(
                "there are no files to look at: give the fixture `files`, or say"
                " has_files = False"
            )
        before = files()
        place.opened().close()
        assert files() == before, (
            "prepare writes nothing: there are other files after it"
        )

    def test_nothing_is_visible_before_the_commit(self, place: Place) -> None:
        """Check that staged rows are not visible, even after `close`."""
        sink, _ = place.staged(range(6))
        place.shows([], "nothing is visible before the commit")
        sink.close()
        place.shows([], "nothing of an abandoned run is ever visible")

    def test_stage_is_repeatable(self, place: Place) -> None:
        """Check that a split staged twice and committed once is visible once."""
        sink = place.opened()
        frame = place.rows(range(4))
        staged_parts = [sink.stage(frame, Split("s", {}), 0) for _ in range(2)]
        sink.commit(staged_parts[1:])
        sink.close()
        place.shows(range(4), "stage is repeatable: a split staged twice is there once")

    def test_parts_of_a_split_are_all_there(self, place: Place) -> None:
        """Check that all parts of a split are committed, one for each batch."""
        sink = place.opened()
        staged_parts = [
            sink.stage(place.rows([2 * part, 2 * part + 1]), Split("s", {}), part)
            for part in range(3)
        ]
        commit_result = sink.commit(staged_parts)
        sink.close()
        place.shows(range(6), "parts of a split are all there")
        adds_up(commit_result, 6, 6)

    def test_stage_is_thread_safe(self, place: Place) -> None:
        """Check that splits can be staged from several threads at once."""
        sink = place.opened()
        with ThreadPoolExecutor(8) as pool:
            jobs = [
                pool.submit(
                    sink.stage, place.rows([number]), Split(f"s{number}", {}), 0
                )
                for number in range(24)
            ]
            staged_parts = [job.result() for job in jobs]
        sink.commit(staged_parts)
        sink.close()
        place.shows(range(24), "stage is thread-safe")

    # -- the commit --------------------------------------------------------------------

    def test_commit_makes_every_row_visible(self, place: Place) -> None:
        """Check that all rows are visible once, with those of a later run."""
        for numbers, all_of_them in ((range(5), range(5)), (range(5, 9), range(9))):
            commit_result = place.run(numbers)
            place.shows(all_of_them, "commit makes every row visible, once")
            adds_up(commit_result, len(numbers), len(numbers))

    def test_commit_of_nothing_changes_nothing(
        self, place: Place, files: Files | None
    ) -> None:
        """Check a commit without staged parts, as in a run without new rows."""
        place.run([])
        place.shows([], "commit of nothing makes nothing")
        place.run(range(3))
        before = files() if files else {}
        place.run([])
        place.shows(range(3), "commit of nothing changes nothing")
        assert (files() if files else {}) == before, "commit of nothing changes no byte"

    def test_abort_after_the_commit_changes_nothing(
        self, place: Place, files: Files | None
    ) -> None:
        """Check that `close` changes nothing; it may be called twice."""
        sink, staged_parts = place.staged(range(3))
        sink.commit(staged_parts)
        before = files() if files else {}
        sink.close()
        sink.close()
        place.shows(range(3), "abort after the commit changes nothing")
        assert (files() if files else {}) == before, (
            "abort after the commit changes no byte"
        )

    def test_a_repeated_commit_changes_nothing(
        self, place: Place, files: Files | None
    ) -> None:
        """Check that a repeated run changes neither rows nor bytes.

        It may be repeated as a whole or in part, in any splits.
        """
        self._idempotent()
        place.run(range(6))
        before = files() if files else {}
        commit_result = place.run(range(6))
        place.shows(range(6), "a repeated commit changes nothing: rows differ")
        assert (files() if files else {}) == before, (
            "a repeated commit changes nothing: bytes differ"
        )
        adds_up(commit_result, 6, 0)
        commit_result = place.run(range(3, 8), parts=5)
        place.shows(range(8), "rows that come again among others are there once")
        adds_up(commit_result, 5, 2)

    def test_the_order_of_fragments_changes_nothing(
        self, place: Place, files: Files | None, clear: Clear | None
    ) -> None:
        """Check that splits may end in any order."""
        sink, staged_parts = place.staged(range(9), parts=3)
        sink.commit(list(reversed(staged_parts)))
        sink.close()
        place.shows(range(9), "the order of staged parts changes nothing: rows differ")
        if files and clear:
            backwards = dict(files())
            clear()
            place.run(range(9), parts=3)
            assert dict(files()) == backwards, (
                "the order of staged parts changes nothing: bytes differ"
            )

    @pytest.mark.faults
    @pytest.mark.parametrize("first", [True, False], ids=["first run", "later run"])
    def test_a_fault_in_the_commit_leaves_all_or_nothing(
        self,
        place: Place,
        faults: Faults | None,
        files: Files | None,
        clear: Clear | None,
        first: bool,
    ) -> None:
        """Check that after a fault all rows are visible, or none.

        Any call may fail, and the process may be killed at any call; the next run
        succeeds.
        """
        kept = [*range(0 if first else 3)]
        place.run(kept)
        due = self._undisturbed(place, kept, files, clear)
        for attempt in each_fault(self._faults(faults)):
            if clear:
                clear()
                kept = [*range(0 if first else 3)]
                place.run(kept)
            new = [*range(len(kept), len(kept) + 4)]
            sink, staged_parts = place.staged(new)
            commit_result = attempt.run(partial(sink.commit, staged_parts))
            if not isinstance(attempt.error, Killed):
                sink.close()
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
            if not self.idempotent:
                continue  # a request that was sent again may have been counted again
            self._left_whole(place, kept, new, attempt, commit_result)
            place.persistent(new)
            kept += new
            place.shows(kept, f"the run after a fault makes it good: {attempt}")
            assert due is None or files is None or dict(files()) == due, (
                f"the run after a fault leaves the same bytes as one without: {attempt}"
            )

    def _undisturbed(
        self,
        place: Place,
        kept: Sequence[int],
        files: Files | None,
        clear: Clear | None,
    ) -> Mapping[str, bytes] | None:
        """Return the outputs of the same runs without faults, `None` if not known."""
        if files is None or clear is None:
            return None
        place.run(range(len(kept), len(kept) + 4))
        return dict(files())

    def _left_whole(
        self,
        place: Place,
        kept: Sequence[int],
        new: Sequence[int],
        attempt: Attempt,
        commit_result: CommitResult | None,
    ) -> None:
        """Check that all or nothing is visible, and the commit result is right."""
        if self.atomic:
            whole = place.is_shown([*kept, *new]) or place.is_shown(kept)
            assert whole, f"commit is atomic: {attempt} left a part of the rows visible"
        if (
            attempt.error is None
            and commit_result is not None
            and not commit_result.failed
        ):
            place.shows(
                [*kept, *new], f"what commit says it has kept is there: {attempt}"
            )

    @pytest.mark.faults
    def test_a_fault_while_staging_leaves_nothing(
        self, place: Place, faults: Faults | None
    ) -> None:
        """Check that nothing is visible after a fault before the commit.

        Any call may fail; the next run succeeds.
        """
        kept: list[int] = []
        for attempt in each_fault(self._faults(faults)):
            new = [*range(len(kept), len(kept) + 2)]
            sink = place.opened()
            attempt.run(partial(sink.stage, place.rows(new), Split("s", {}), 0))
            if not isinstance(attempt.error, Killed):
                sink.close()
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
            place.shows(kept, f"nothing is visible before the commit: {attempt}")
            place.run(new)
            kept += new
            place.shows(kept, f"the run after a fault makes it good: {attempt}")

    def test_commits_at_once_lose_and_double_nothing(self, place: Place) -> None:
        """Check concurrent commits of runs that have some rows in common."""
        self._idempotent()
        shares = [range(2 * number, 2 * number + 5) for number in range(WRITERS)]
        staged = [place.staged(share) for share in shares]
        barrier = Barrier(WRITERS)

        def commit(number: int) -> CommitResult:
            sink, staged_parts = staged[number]
            barrier.wait(timeout=30)
            try:
                commit_result: CommitResult = sink.commit(staged_parts)
            except CommitConflict:
                commit_result = place.persistent(shares[number])
            finally:
                sink.close()
            return (
                commit_result
                if not commit_result.failed
                else place.persistent(shares[number])
            )

        with ThreadPoolExecutor(WRITERS) as pool:
            commit_results = list(pool.map(commit, range(WRITERS)))
        union = {number for share in shares for number in share}
        place.shows(sorted(union), "commits at once lose nothing and double nothing")
        duplicates, staged_rows = (
            [commit_result.duplicates for commit_result in commit_results],
            sum(map(len, shares)),
        )
        added = staged_rows - sum(count or 0 for count in duplicates)
        assert None in duplicates or added == len(union), (
            f"commit results of commits at once add up: {duplicates} duplicates of"
            f" {staged_rows} rows"
        )

    # -- the ledger --------------------------------------------------------------------

    def test_the_ledger_is_what_is_visible(self, place: Place) -> None:
        """Check that the ledger has exactly the objects of all committed rows.

        Its results are in the order of the argument.
        """
        ledger = self._ledger(place)
        objects = [*map(object_of, place.rows(range(8))[SOURCE_KEY].to_list())]
        assert (ledger.rows, ledger.newest) == (
            0,
            None,
        ), "a ledger of nothing has no rows and no newest"
        assert ledger.filter_new(objects) == objects, (
            "a ledger of nothing knows no object"
        )
        place.run(range(0, 8, 2))
        sink, _ = place.staged(range(1, 8, 2))
        ledger = sink.ledger()
        assert ledger.rows == 4, (
            f"the ledger is what is visible: it tells {ledger.rows} rows of 4"
        )
        wanted = list(reversed(objects))
        due = [name for name in wanted if objects.index(name) % 2]
        assert ledger.filter_new(wanted) == due, (
            f"the ledger is what is visible: unseen {few(ledger.filter_new(wanted))}"
        )
        newest = ledger.newest
        assert newest is None or newest.utcoffset() is not None, (
            "the newest timestamp has a time zone"
        )
        if newest is not None and isinstance(ledger, DatedLedger):
            assert ledger.newest_until(newest) == newest, (
                "the newest timestamp until it is the newest"
            )
            before = ledger.newest_until(newest - timedelta(microseconds=1))
            assert before is None or before < newest, (
                "the newest timestamp until a moment is not after it"
            )
        sink.close()

    @pytest.mark.faults
    def test_an_error_is_not_an_absence(
        self, place: Place, faults: Faults | None
    ) -> None:
        """Check that a fault while the ledger is read is an error.

        Any call may fail: the result is an error of the right type, or the whole
        ledger.
        """
        self._ledger(place)
        place.run(range(3))
        for attempt in each_fault(self._faults(faults)):
            ledger = attempt.run(lambda: place.opened(with_ledger=False).ledger())
            if attempt.error is None:
                assert ledger.rows == 3, (
                    f"an error is not an absence: {attempt} left a ledger of"
                    f" {ledger.rows} rows"
                )
            assert_no_value_shown({f"the error of {attempt}": attempt.error})
        place.shows(range(3), "reading the ledger changes nothing")

    # -- whatever else -----------------------------------------------------------------

    def test_no_value_is_shown(
        self, place: Place, output: Callable[[], Mapping[str, str]]
    ) -> None:
        """Check commit results, logs, and the error for an unsupported schema."""
        commit_result = place.run(range(4))
        assert_no_value_shown(
            {"the commit result": commit_result, "the log of a run": output()}
        )
        sink = place.make()
        try:
            sink.open(pl.Schema({SOURCE_KEY: pl.String()}))
        except Exception as error:
            assert_no_value_shown({"the error of another schema": error})

    @pytest.mark.slow
    def test_memory_is_bounded(self, place: Place, clear: Clear | None) -> None:
        """Check that memory does not grow with the number of rows of a run."""
        self._bounded()
        if clear is None or not self.crowd:
            pytest.skip(
                "no crowd can be committed: give the fixture `clear` and the class"
                " attribute `crowd`"
            )
        peaks = []
        part = place.rows(range(self.crowd // 4))
        for times in (4, 16):
            clear()
            peaks.append(peak(partial(place.stream, part, times)))
        assert_bounded(
            peaks[0],
            peaks[1],
            data=12 * int(part.estimated_size()),
            what="staging and committing",
        )

    def _idempotent(self) -> None:
        if not self.idempotent:
            not_promised("rows that come again are taken again, as it says")

    def _ledger(self, place: Place) -> Any:
        ledger = place.opened(with_ledger=False).ledger()
        if ledger is None:
            not_promised("it keeps no ledger")
        return ledger
