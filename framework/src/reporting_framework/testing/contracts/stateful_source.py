"""Promises that table sources and record sources share: both have a state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reporting_framework.plugin_api.records import VERSION
from reporting_framework.testing.contracts.base import (
    assert_no_value_shown,
    differing,
    not_promised,
)
from reporting_framework.testing.contracts.source import SourceContract
from reporting_framework.testing.faults.calls import Faults, Killed, each_fault
from reporting_framework.testing.harness.source_harness import sent, through_json
from reporting_framework.testing.harness.table_harness import TableRuns

Expected = tuple[str, Any]
"""Source key of a record, and the expected record: values of a row as a mapping, or the
payload as bytes.
"""

Put = Callable[[int, int], Expected]
"""Function that adds a record by its number, or changes it, at a tick."""


class StatefulSourceContract(SourceContract):
    """Promises of a source that starts from its state; do not inherit it directly."""

    @pytest.fixture
    @abstractmethod
    def put(self) -> Put:
        """Return a function that adds or changes a record."""

    @pytest.fixture
    def records(self, put: Put) -> Mapping[str, Any]:
        """Return the initial records, three of them with the same tick."""
        ticks = (0, 10, 20, 20, 20, 30, 40, 50)
        return dict(put(number, tick) for number, tick in enumerate(ticks))

    @pytest.fixture
    def add(self, put: Put) -> Callable[[int], Expected]:
        """Return a function that adds a record."""
        return lambda number: put(100 + number, 1_000)

    @pytest.fixture
    def runs(self, make: Callable[..., Any]) -> TableRuns:
        """Return runs of the source, with a table that keeps their rows."""
        return TableRuns(make)

    def _ordered(self) -> None:
        if not self.plugin.versions_ordered:
            not_promised("its versions have no order")

    def test_a_new_record_is_found(  # type: ignore[override]  # fixtures
        self, runs: TableRuns, records: Mapping[str, Any], add: Any
    ) -> None:
        """Check that a record that was added since the last run is read, unchanged."""
        runs.run()
        key, row = add(0)
        runs.run()
        assert runs.live == {**records, key: row}, differing(
            runs.live, {*records, key}, "a new record is found"
        )

    @pytest.mark.faults
    def test_what_cannot_be_read_is_never_passed_over(
        self,
        runs: TableRuns,
        records: Mapping[str, Any],
        faults: Faults | None,
    ) -> None:
        """Check that any failing call is reported, and later runs read the rest."""
        for attempt in each_fault(self._faults(faults)):
            runs.rows, runs.state = {}, None
            outcome = attempt.run(runs.run)
            if attempt.error is None and outcome is not None:
                lost = runs.live.keys() != records.keys()
                assert outcome.rejected or not lost, differing(
                    runs.live, records, f"nothing is passed over: {attempt}"
                )
            elif not isinstance(attempt.error, Killed):
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
            runs.run()
            assert runs.live == dict(records), differing(
                runs.live, records, f"the run after a fault reads the rest: {attempt}"
            )

    def test_an_update_has_a_newer_version(
        self, runs: TableRuns, records: Mapping[str, Any], put: Put
    ) -> None:
        """Check that a later tick is a greater text, and replaces the record."""
        self._ordered()
        runs.run()
        versions: list[str] = []
        for tick in (60, 99, 100, 101, 1_000):
            key, row = put(1, tick)
            runs.run()
            assert runs.live[key] == row, "an update takes the place of the record"
            version = runs.rows[key].version
            assert version is not None, f"an update has a newer {VERSION}: it has none"
            versions.append(version)
        assert sorted(set(versions)) == versions, (
            f"an update has a newer {VERSION}: versions are not in the order of the"
            " ticks"
        )

    def test_a_window_has_the_present_versions(
        self, make: Callable[..., Any], records: Mapping[str, Any], put: Put
    ) -> None:
        """Check that a backfill finds a record once, as it is after an update."""
        source = self._revisiting(make)
        put(1, 50_000)
        listed = [(item.key, item.version) for item in self._window(source)]
        batches = [
            batch
            for split in source.plan_replay(sorted(records))
            for batch in source.read(sent(split))
        ]
        source.close()
        read = [
            pair
            for batch in batches
            for pair in zip(batch.source_keys, batch.versions, strict=True)
        ]
        assert len(dict(listed)) == len(listed), "a window has each record once"
        assert sorted(listed) == sorted(read), (
            "a window has the present versions: they are not those of the batches"
        )

    def test_the_state_is_enough_after_a_crash(
        self, runs: TableRuns, records: Mapping[str, Any], add: Any
    ) -> None:
        """Check that after a crash between two batches the next run reads all."""
        batches = runs.run().batches
        runs.rows, runs.state = {}, None
        for crash in range(1, batches + 1):
            runs.run(crash_after=crash)
            assert not runs.rows
            runs.run()
            assert runs.live == dict(records), differing(
                runs.live, records, "the state is enough after a crash"
            )
            runs.rows, runs.state = {}, None

    def test_the_state_is_of_json_types(
        self, runs: TableRuns, records: Mapping[str, Any]
    ) -> None:
        """Check that the state survives JSON, after a whole and after a stopped run."""
        for splits in (1, None):
            runs.run(splits=splits)
            assert runs.state is not None, "a run has a state"
            assert through_json(runs.state) == runs.state, "a state survives JSON"

    def test_what_is_written_during_a_run_is_not_lost(
        self, runs: TableRuns, records: Mapping[str, Any], put: Put
    ) -> None:
        """Check that records that change during a run are right after the next run."""
        numbers = iter(range(400, 500))
        due = dict(records)

        def write() -> None:
            if (number := next(numbers)) < 404:
                due.update([put(number, 900 + number)])
                due.update([put(number - 400, 900 + number)])

        runs.run(during=write)
        runs.run()
        assert runs.live == due, differing(
            runs.live, due, "what is written during a run is not lost"
        )
