"""Promises of a sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

import polars as pl
import pytest

from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.testing.contracts.backup import BackupContract
from reporting_framework.testing.contracts.base import (
    PluginContract,
    assert_no_value_shown,
)
from reporting_framework.testing.contracts.commit import CommitContract
from reporting_framework.testing.contracts.commit_faults import CommitFaultsContract
from reporting_framework.testing.contracts.compaction import CompactionContract
from reporting_framework.testing.contracts.output_versions import OutputVersionsContract
from reporting_framework.testing.contracts.sink_ledger import LedgerContract
from reporting_framework.testing.contracts.staging import StagingContract
from reporting_framework.testing.contracts.table import ReadableContract
from reporting_framework.testing.contracts.write_modes import WriteModesContract
from reporting_framework.testing.harness.memory import assert_bounded, peak
from reporting_framework.testing.harness.sink_harness import (
    Clear,
    Expected,
    Files,
    Make,
    Place,
    Rows,
    Visible,
)


class SinkContract(
    StagingContract,
    CommitContract,
    CommitFaultsContract,
    LedgerContract,
    WriteModesContract,
    OutputVersionsContract,
    BackupContract,
    CompactionContract,
    ReadableContract,
    PluginContract,
):
    """Promises of a `Sink`.

    They include the promises of its write modes, ledger, versions, table, reset and
    compaction, if it has them.

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

    def test_health_checks_need_no_columns(self, place: Place) -> None:
        """Check the health checks of a sink before it is opened, without and with rows.

        The columns of a report are not always known when ``reporting doctor`` runs.
        """
        for when in ("before the first run", "after a run"):
            checks = place.make().health_checks(write=False)
            failed = [
                name for name, check in checks.items() if check().status == "fail"
            ]
            assert not failed, (
                f"health checks need no columns: {', '.join(failed)} failed {when}"
            )
            place.run(range(4))

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
