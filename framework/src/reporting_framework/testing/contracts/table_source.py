"""Promises of a table source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

import pytest

from reporting_framework.testing.contracts.base import (
    differing,
    not_promised,
)
from reporting_framework.testing.contracts.source import Opened
from reporting_framework.testing.contracts.stateful_source import (
    Expected,
    Put,
    StatefulSourceContract,
)
from reporting_framework.testing.harness.source_harness import (
    plain,
    planned,
    sent,
)
from reporting_framework.testing.harness.table_harness import TableRuns

MAX_TICK = 100_000
"""Latest tick that the suite uses."""


class Table(Protocol):
    """Table behind a source that a test changes.

    A tick is a value of the cursor: a later tick is greater. Ticks range from 0 to
    `MAX_TICK`. As minutes these are 69 days, so count them from a day at least 70 days
    ago: a cursor should not be in the future.
    """

    def put(self, number: int, tick: int) -> Expected:
        """Insert row number `number`, or change its values, with this cursor."""
        ...

    def delete(self, number: int) -> None:
        """Delete the row."""
        ...


class TableSourceContract(StatefulSourceContract):
    """Promises of a `TableSource`, in addition to those of every source.

    The table is read in pages of 2 and splits of 4 rows.

    Required, in addition to `PluginContract`:
        table: Fixture: a `Table`, empty at first. Put `CANARY` into values.

    Declarations:
        look_back: Class attribute: look-back of the source under `settings`, in ticks.
            If a tick is a minute, the default look-back is 60.
        has_cursor: Class attribute: False for a table without a cursor.
        crowd: Class attribute, see `SourceContract`.
        stream: Class attribute, see `SourceContract`.

    Provided by the suite, from `table`:
        put: Fixture: `Table.put`.
        records: Fixture, see `SourceContract`.
        add: Fixture, see `SourceContract`.
        trigger: Fixture, see `SourceContract`: `None`.
    """

    look_back: ClassVar[int] = 60
    has_cursor: ClassVar[bool] = True

    @pytest.fixture
    def table(self) -> Table:
        """Return the table behind the source."""
        self._lacks("table", "an object with `put` and `delete`, see `Table`")

    @pytest.fixture
    def put(self, table: Table) -> Put:
        """Return a function that writes a row."""
        return table.put

    @pytest.fixture
    def make(self, settings: Mapping[str, Any], table: Table) -> Callable[..., Any]:
        """Return a function that builds the source, with small pages and splits."""

        def build(**changed: Any) -> Any:
            small = {"page_rows": 2, "split_rows": 4}
            return self._made({**small, **settings, **changed})

        return build

    def _cursor(self) -> None:
        if not self.has_cursor:
            not_promised("it has no cursor, so each run reads the whole table")

    def _ordered(self) -> None:
        self._cursor()

    # -- what the ledger is to other sources, the state is to this one -----------------

    def test_plan_is_repeatable(self, opened: Opened) -> None:
        """Check that the same table and state give the same splits, less snapshots."""
        first, second = (
            [
                (split.id, {**split.data, "snapshot": None})
                for split in planned(opened())
            ]
            for _ in range(2)
        )
        assert first == second, (
            "plan is repeatable: two plans of the same table and state differ"
        )

    def test_a_split_can_be_read_anywhere(
        self, opened: Opened, make: Callable[..., Any]
    ) -> None:
        """Check that another object can read a split while the planning one is open."""
        here = opened()
        splits = planned(here, close=False)
        expected = {split.id: plain(here.read(split)) for split in splits}
        for split in reversed(splits):
            elsewhere = make()
            assert plain(elsewhere.read(sent(split))) == expected[split.id], (
                f"a split can be read anywhere: {split.id} gives other batches where"
                " nothing was planned"
            )
            elsewhere.close()
        here.close()

    def test_nothing_is_read_that_the_ledger_has(  # type: ignore[override]  # fixtures
        self, runs: TableRuns, records: Mapping[str, Any], table: Table
    ) -> None:
        """Check that rows further back than the look-back are not read again."""
        self._cursor()
        runs.run()
        new = dict(table.put(200 + number, 1_000) for number in range(3))
        runs.run()
        outcome = runs.run()
        assert {key for key, _ in outcome.read} <= set(new), differing(
            {key for key, _ in outcome.read}, new, "increments read the window alone"
        )
        assert outcome.stats.listing == "window", "a window says that it is one"

    def test_hints_lose_nothing(  # type: ignore[override]  # fixtures
        self, runs: TableRuns, records: Mapping[str, Any]
    ) -> None:
        """Check that repeated runs reach the end if each is stopped after a split."""
        for _ in range(2 * len(records)):
            if runs.run(splits=1).complete:
                break
        assert runs.live == dict(records), differing(
            runs.live, records, "a run that was stopped is gone on with"
        )

    # -- reading -----------------------------------------------------------------------

    def test_rows_are_read_once(
        self, runs: TableRuns, records: Mapping[str, Any]
    ) -> None:
        """Check that each row is read once, ties at edges of pages and splits too."""
        for page_rows in (1, 2, 3, 100):
            for split_rows in (1, 3, 100):
                runs.rows, runs.state = {}, None
                outcome = runs.run(page_rows=page_rows, split_rows=split_rows)
                keys = [key for key, _ in outcome.read]
                assert sorted(keys) == sorted(records), differing(
                    keys,
                    records,
                    f"rows are read once, in pages of {page_rows} and splits of"
                    f" {split_rows}",
                )

    def test_rows_are_fetched_once(
        self, make: Callable[..., Any], records: Mapping[str, Any]
    ) -> None:
        """Check that no page is fetched twice, or is larger than necessary."""
        counts: list[int] = []

        def counting(**changed: Any) -> Any:
            source = make(**changed)
            fetch = source.fetch

            def counted(query: Any) -> Any:
                frame = fetch(query)
                if len(query.columns) > len(query.order):
                    counts.append(frame.height)
                return frame

            source.fetch = counted
            return source

        TableRuns(counting).run()
        assert sum(counts) == len(records), (
            f"rows are fetched once: {sum(counts)} were fetched of {len(records)}"
        )

    def test_ties_at_the_edge_of_a_page_are_read(
        self, runs: TableRuns, records: Mapping[str, Any], table: Table
    ) -> None:
        """Check that an increment loses no rows with the same cursor between pages."""
        runs.run()
        new = dict(table.put(200 + number, 1_000) for number in range(5))
        for page_rows in (1, 2, 3):
            rows, state = dict(runs.rows), runs.state
            runs.run(page_rows=page_rows, split_rows=page_rows)
            assert new.keys() <= runs.live.keys(), differing(
                runs.live, {*records, *new}, "ties at the edge of a page are read"
            )
            runs.rows, runs.state = rows, state

    @pytest.mark.slow
    def test_memory_is_bounded(
        self, opened: Opened, add: Callable[[int], Expected] | None
    ) -> None:
        """Check that memory does not grow with the number of rows."""
        larger = partial(opened, page_rows=100, split_rows=400)
        super().test_memory_is_bounded(larger, add)

    # -- increments --------------------------------------------------------------------

    def test_a_late_row_within_the_look_back_is_found(
        self, runs: TableRuns, records: Mapping[str, Any], table: Table
    ) -> None:
        """Check a row that is committed after others, with a cursor before theirs."""
        if not self.look_back:
            not_promised("it does not look back, as it says")
        for number, tick in ((300, 500), (301, 500 - self.look_back), (302, 499)):
            key, row = table.put(number, tick)
            runs.run()
            assert runs.live.get(key) == row, (
                "a late row within the look-back is found: it was not"
            )

    def test_a_full_scan_finds_what_increments_cannot(
        self, runs: TableRuns, records: Mapping[str, Any], table: Table
    ) -> None:
        """Check a row that is later than the look-back allows, and deleted rows."""
        due = dict([*records.items(), table.put(300, MAX_TICK)])
        runs.run()
        late, row = table.put(301, 1)
        table.delete(2)
        del due[list(records)[2]]
        runs.run()
        outcome = runs.run(full_scan=True)
        assert runs.live.get(late) == row, "a full scan finds a row that is too late"
        assert outcome.stats.snapshot, "a whole read says so: `PlanStats.snapshot`"
        assert runs.live.keys() == {*due, late}, differing(
            runs.live,
            {*due, late},
            "a full scan finds deleted rows, and keeps the others",
        )

    # -- stops and crashes -------------------------------------------------------------

    def test_a_run_goes_on_after_a_stop_at_any_split(
        self, runs: TableRuns, records: Mapping[str, Any], table: Table
    ) -> None:
        """Check that a run continues, with rows that were written in the meantime."""
        count = runs.run().splits
        for stop in range(1, count + 1):
            runs.rows, runs.state = {}, None
            runs.run(splits=stop)
            key, row = table.put(stop, 60 + stop)
            for _ in range(2 * count + 2):
                if runs.run(splits=1).complete:
                    break
            runs.run()
            assert runs.live.keys() == records.keys(), differing(
                runs.live, records, "a run goes on after a stop at any split"
            )
            assert runs.live[key] == row, (
                "increments start where a stopped read began: an update was lost"
            )

    # -- snapshots ---------------------------------------------------------------------

    def test_a_snapshot_is_of_one_moment(
        self, runs: TableRuns, records: Mapping[str, Any], table: Table, make: Any
    ) -> None:
        """Check that all splits of a run read the table's state at the run's start."""
        source = make()
        token = source.open_snapshot()
        source.close()
        if token is None:
            not_promised("its database has no snapshot for several connections")
        numbers = iter(range(8))

        def write() -> None:
            if (number := next(numbers, None)) is not None:
                table.put(number, 900)

        runs.run(during=partial(write))
        assert runs.live == dict(records), (
            "a snapshot is of one moment: a row is as it was written afterwards"
        )
