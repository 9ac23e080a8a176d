"""Promises of a sink whose table can be queried; a part of `SinkContract`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.testing.contracts.base import not_promised
from reporting_framework.testing.faults.calls import Faults, each_fault
from reporting_framework.testing.harness.sink_harness import Place


class ReadableContract:
    """Promises of `Sink.scan`; skipped for a sink without it."""

    @pytest.fixture
    def table(self, place: Place) -> Callable[[], pl.LazyFrame | None]:
        """Return a function that scans with a new sink."""
        if not supports(place.make(), "scan"):
            not_promised("what it holds cannot be asked for as a table")

        def scanned() -> pl.LazyFrame | None:
            frame: pl.LazyFrame | None = place.opened(with_ledger=False).scan()
            return frame

        return scanned

    def test_there_is_no_table_before_the_first_commit(
        self, place: Place, table: Callable[[], pl.LazyFrame | None]
    ) -> None:
        """Check for `None`, not an empty table, even after rows were staged."""
        assert table() is None, (
            "there is no table before the first commit: scan gave one"
        )
        sink, _ = place.staged(range(4))
        assert table() is None, (
            "there is no table before the first commit: scan gave what is staged"
        )
        sink.close()

    def test_a_table_has_what_was_committed(
        self, place: Place, table: Callable[[], pl.LazyFrame | None]
    ) -> None:
        """Check that a table has all committed rows, and no staged rows.

        It has the columns of `open`, in their order and types.
        """
        place.run(range(5))
        sink, _ = place.staged(range(5, 9))
        frame, due = _collected(table()), place.rows(range(5))
        columns = frame.columns[: len(due.columns)]
        assert columns == due.columns, (
            f"a table has the prepared columns first, in their order: it has {columns}"
        )
        wrong = [name for name in due.columns if frame.schema[name] != due.schema[name]]
        assert not wrong, (
            f"a table has the prepared types: column {wrong[0]} is"
            f" {frame.schema[wrong[0]]}"
        )
        sink.close()
        assert _same(frame.select(due.columns), due), (
            "a table has all that was committed, and nothing else"
        )

    def test_rows_and_columns_of_a_table_are_picked(
        self, place: Place, table: Callable[[], pl.LazyFrame | None]
    ) -> None:
        """Check that rows and columns of a table can be selected.

        Each filter and each selection of columns gives the same result as on the rows
        themselves.
        """
        place.run(range(6))
        due = place.rows(range(6))
        some = pl.col(SOURCE_KEY).is_in(due[SOURCE_KEY][::2].implode())
        for name in due.columns:
            frame = _collected(_existing(table()).filter(some).select(name))
            assert _same(frame, due.filter(some).select(name)), (
                f"rows and columns are picked: column {name} differs"
            )
        assert _collected(_existing(table()).select(pl.len())).item() == 6, (
            "rows of a table are counted"
        )
        assert _collected(_existing(table()).head(2)).height == 2, (
            "a table can be read in part"
        )

    def test_a_later_commit_mixes_no_table(
        self, place: Place, table: Callable[[], pl.LazyFrame | None]
    ) -> None:
        """Check that a later commit mixes no table.

        An earlier scan returns the old rows, or all new rows, or fails. It never
        returns some of each.
        """
        place.run(range(4))
        before = _existing(table())
        place.run(range(4, 8))
        try:
            frame = before.select(place.rows([0]).columns).collect()
        except Exception:  # whatever polars makes of a file that was replaced
            frame = place.rows(range(4))
        whole = any(_same(frame, place.rows(range(most))) for most in (4, 8))
        assert whole, (
            f"a later commit mixes no table: {frame.height} rows where 4 or 8 are"
        )
        assert _collected(table()).height == 8, (
            "a scan sees what was committed before it"
        )

    def test_to_scan_changes_nothing(
        self,
        place: Place,
        table: Callable[[], pl.LazyFrame | None],
        files: Callable[[], Mapping[str, bytes]] | None,
    ) -> None:
        """Check that a scan changes no byte, and not the ledger of a later run."""
        place.run(range(3))
        before = files() if files else {}
        _collected(table())
        assert (files() if files else {}) == before, (
            "to scan changes nothing: files differ"
        )
        place.shows(range(3), "to scan changes nothing")

    @pytest.mark.faults
    def test_a_table_that_cannot_be_read_is_none_of_nothing(
        self,
        place: Place,
        table: Callable[[], pl.LazyFrame | None],
        faults: Faults | None,
    ) -> None:
        """Check that a fault while a table is opened is an error.

        Any call may fail: the result is an error of the right type, or the whole table.
        """
        if faults is None:
            pytest.skip("nothing breaks its I/O: give the fixture `faults`")
        place.run(range(3))
        for attempt in each_fault(faults):
            frame: Any = attempt.run(table)
            if attempt.error is None:
                assert frame is not None, (
                    f"an error is not an absence: {attempt} left no table"
                )
        assert _collected(table()).height == 3, (
            "a fault while a table is read changes nothing"
        )


def _existing(frame: pl.LazyFrame | None) -> pl.LazyFrame:
    assert frame is not None, "there is a table after the first commit: scan gave none"
    return frame


def _collected(frame: pl.LazyFrame | None) -> pl.DataFrame:
    try:
        return _existing(frame).collect()
    except ReportingError as error:
        raise AssertionError(
            f"a table that is there can be read: {type(error).__name__}"
        ) from error


def _same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Return whether two frames have the same rows, in any order."""
    return sorted(map(repr, one.rows())) == sorted(map(repr, other.rows()))
