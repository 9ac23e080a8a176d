"""Promises of a sink before the commit; a part of `SinkContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from reporting_framework.plugin_api.records import SOURCE_KEY, Split
from reporting_framework.tables.table_sink import TableSink
from reporting_framework.testing.contracts.base import PluginContract, not_promised
from reporting_framework.testing.harness.sink_harness import (
    Files,
    Place,
    adds_up,
)


class StagingContract(PluginContract):
    """Promises of `Sink.open`, `Sink.stage` and `Sink.close`."""

    has_files: ClassVar[bool]

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

    def test_a_source_key_is_taken_once_in_a_run(self, place: Place) -> None:
        """Check that a record that a run has read twice is there once.

        The second time it may have other values, as on two pages of an API.
        """
        sink = place.opened()
        if sink.ledger() is None:
            sink.close()
            not_promised("it keeps no ledger")
        first, other = place.rows(range(4)), place.rows(range(4, 8))
        again = other.with_columns(first[SOURCE_KEY])[1:3].extend(place.rows([9]))
        staged_parts = [
            sink.stage(frame, Split(f"s{number}", {}), 0)
            for number, frame in enumerate([first, again])
        ]
        commit_result = sink.commit(staged_parts)
        sink.close()
        place.shows([*range(4), 9], "a source key is taken once in a run")
        adds_up(commit_result, 7, 5)

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
