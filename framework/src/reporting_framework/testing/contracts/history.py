"""The promises of a history of runs; a part of `SinkContract`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, ClassVar

import polars as pl
import pytest

from reporting_framework.plugin_api.result import (
    Output,
    RejectionCount,
    RunRecord,
    Step,
)
from reporting_framework.testing.contracts.base import few

AT = datetime(2024, 1, 1, tzinfo=UTC)
WRITERS = 4
COLUMNS = ["source_key", "version", "run_id", "validator", "at"]


def record(number: int, **more: Any) -> RunRecord:
    """The record of a run that began `number` minutes after `AT`."""
    began = AT + timedelta(minutes=number)
    return RunRecord(
        run_id=f"run-{number}",
        report="test",
        started_at=began,
        finished_at=began + timedelta(seconds=1),
        status="ok",
        complete=True,
        **more,
    )


FULL = record(
    1,
    records_read=7,
    accepted=4,
    rejected=1,
    filtered=1,
    duplicates=1,
    last_processed_timestamp=AT,
    inputs=["s3://in/a"],
    outputs=[Output(uri="s3://out/x", rows=9, new_rows=4, bytes=100, version="v")],
    rejections=[RejectionCount(type="missing", field="ptid", count=1)],
    steps=[Step(role="validator", name="v", distribution="d", version="1")],
    framework="1",
)


class HistoryContract:
    """The promises of a `History`.

    Each is looked at by an object that was made afterwards.

    To say:
        kept_runs: Class attribute: how many runs' records are kept under `settings`: 4
            at the least, and no more than some ten. 0: it is not tried.

    To give if you can:
        spoil: Fixture: a function that puts something else in the place of all that the
            history holds.
    """

    kept_runs: ClassVar[int] = 0

    @pytest.fixture
    def spoil(self) -> Callable[[], object] | None:
        """Damages it."""
        return None

    @pytest.fixture
    def history(
        self, make: Callable[..., Any], rows: Callable[[Sequence[int]], pl.DataFrame]
    ) -> Callable[[], Any]:
        """Makes the history of a fresh sink."""

        def opened() -> Any:
            sink = make()
            sink.open(rows([0]).schema)
            history = sink.history()
            if history is None:
                pytest.skip("it keeps no history")
            sink.ledger()
            return history

        return opened

    def test_a_history_keeps_what_it_is_given(self, history: Callable[[], Any]) -> None:
        """Records as they were, the newest run first."""
        assert list(history().records()) == list(history().newest()) == [], (
            "an empty history has no records"
        )
        failed = record(2).model_copy(
            update={
                "status": "failed",
                "complete": False,
                "error": "StorageUnavailable",
            }
        )
        for run_record in (FULL, failed):
            history().add_run(run_record)
        records = list(history().records())
        assert records == [
            failed,
            FULL,
        ], f"a history keeps what it is given, the newest first: {records}"
        assert list(history().newest()) == records, (
            "the records one by one are the same, the one that ended last first"
        )

    def test_a_history_is_bounded(self, history: Callable[[], Any]) -> None:
        """The oldest records are let go of."""
        if not self.kept_runs:
            pytest.skip(
                "it is not said how many runs it keeps: give the class attribute"
                " `kept_runs`"
            )
        for number in range(self.kept_runs + 3):
            history().add_run(record(number))
        run_ids = [record.run_id for record in history().records()]
        due = [f"run-{number}" for number in reversed(range(3, self.kept_runs + 3))]
        assert run_ids == due, (
            f"a history is bounded, and the oldest go first: {run_ids}"
        )

    def test_records_kept_at_once_are_all_there(
        self, history: Callable[[], Any]
    ) -> None:
        """Check that several runs can end at the same time.

        Each of them has read the history before.
        """
        opened = [history() for _ in range(WRITERS)]
        barrier = Barrier(WRITERS)

        def keep(number: int) -> None:
            barrier.wait(timeout=30)
            opened[number].add_run(record(number))

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(keep, range(WRITERS)))
        run_ids = {record.run_id for record in history().records()}
        due = {f"run-{number}" for number in range(WRITERS)}
        assert run_ids == due, (
            f"records kept at once are all there: missing {few(due - run_ids)}"
        )

    def test_a_row_s_run_is_found(self, history: Callable[[], Any]) -> None:
        """By its source key: version, run, validator and time.

        Of two runs that brought it, the newer first.
        """
        nothing = history().lineage(["a.json"])
        assert (nothing.columns, nothing.height) == (
            COLUMNS,
            0,
        ), f"an empty history knows no row: {nothing}"
        one = history()
        one.add_rows(["a.json", "b.json#1"], ["v1", None])
        one.add_rows(["b.json#2"], [None])
        assert history().lineage(["a.json"]).height == 0, (
            "what is noted is set down by `write`, and not before"
        )
        one.flush(run_id="one", validator="v", at=AT)
        two = history()
        two.add_rows(["a.json"], ["v2"])
        two.flush(run_id="two", validator="w", at=AT + timedelta(days=1))
        lineage = history().lineage(["a.json", "b.json#2", "c.json"])
        due = [
            ("a.json", "v2", "two", "w", AT + timedelta(days=1)),
            ("a.json", "v1", "one", "v", AT),
            ("b.json#2", None, "one", "v", AT),
        ]
        assert lineage.columns == COLUMNS, f"columns are {COLUMNS}: {lineage.columns}"
        assert lineage.rows() == due, (
            f"a row's run is found by its source key: {lineage.rows()}"
        )

    def test_notes_from_several_threads_are_all_there(
        self, history: Callable[[], Any]
    ) -> None:
        """Each once, whatever the order."""
        one = history()
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda number: one.add_rows([f"{number}.json"], ["v"]), range(64)
                )
            )
        one.flush(run_id="one", validator="v", at=AT)
        keys = (
            history()
            .lineage([f"{number}.json" for number in range(64)])["source_key"]
            .to_list()
        )
        assert sorted(keys) == sorted(f"{number}.json" for number in range(64)), (
            "notes of several threads are there"
        )

    def test_a_damaged_history_does_not_stop_a_run(
        self, history: Callable[[], Any], spoil: Callable[[], object] | None
    ) -> None:
        """It is read as far as that goes, and what is kept from then on is there."""
        if spoil is None:
            pytest.skip("nothing damages it: give the fixture `spoil`")
        one = history()
        one.add_rows(["a.json"], ["v1"])
        one.flush(run_id="one", validator="v", at=AT)
        one.add_run(record(1))
        spoil()
        assert list(history().records()) == [], (
            "a damaged history has no records, and raises nothing"
        )
        assert history().lineage(["a.json"]).height == 0, (
            "a damaged history knows no row, and raises nothing"
        )
        two = history()
        two.add_rows(["b.json"], ["v1"])
        two.flush(run_id="two", validator="v", at=AT)
        two.add_run(record(2))
        assert [record.run_id for record in history().records()] == ["run-2"], (
            "what is kept after damage is there"
        )
        assert history().lineage(["b.json"]).height == 1, (
            "what is set down after damage is there"
        )
