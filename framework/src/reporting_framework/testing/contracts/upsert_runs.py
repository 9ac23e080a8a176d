"""Promises of runs that upsert: repeated, by chance, at once, with faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from reporting_framework.errors import TransientError
from reporting_framework.plugin_api.base import supports
from reporting_framework.testing.contracts.base import (
    assert_no_value_shown,
    few,
    not_promised,
)
from reporting_framework.testing.contracts.versioned_sink import VersionedSinkContract
from reporting_framework.testing.faults.calls import Faults, Killed, each_fault
from reporting_framework.testing.harness.versioned_table import (
    AT,
    LATER,
    VersionedTable,
    persistent,
)
from reporting_framework.testing.harness.versions import Change

WRITERS, MANY = 4, 10


class UpsertRunsContract(VersionedSinkContract):
    """Promises of ``upsert`` about runs; a part of `WriteModesContract`."""

    # -- runs --------------------------------------------------------------------------

    def test_a_repeated_upsert_changes_nothing(
        self, versioned: VersionedTable, files: Callable[[], Mapping[str, bytes]] | None
    ) -> None:
        """Check that a repeated run changes neither a row nor a byte."""
        parts = [
            [Change(0, "2"), Change(1, "1"), Change(2, "1", deleted=AT)],
            [Change(0, "1", 1), Change(3, None)],
        ]
        versioned.run(*parts)
        before = dict(files()) if files else {}
        versioned.run(*parts)
        versioned.is_right("a repeated upsert changes nothing: rows differ")
        assert (dict(files()) if files else {}) == before, (
            "a repeated upsert changes nothing: bytes differ"
        )

    @pytest.mark.parametrize("seed", range(3))
    def test_any_runs_give_what_their_versions_say(
        self, versioned: VersionedTable, seed: int
    ) -> None:
        """Check random rows, deletes, ties, repeated deliveries and snapshots."""
        self._by_chance(versioned, random.Random(seed), runs=6)  # noqa: S311 - no secret

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(3, 10))
    def test_any_runs_give_what_their_versions_say_often(
        self, versioned: VersionedTable, seed: int
    ) -> None:
        """Check the same for more random runs."""
        self._by_chance(versioned, random.Random(seed), runs=40)  # noqa: S311 - no secret

    def _by_chance(
        self, versioned: VersionedTable, chance: random.Random, runs: int
    ) -> None:
        before: list[list[Change]] = []
        for _ in range(runs):
            parts = [
                [_any_change(chance) for _ in range(chance.randint(1, 6))]
                for _ in range(chance.randint(0, 3))
            ]
            if before and chance.random() < 0.3:
                parts += before
            snapshot = chance.random() < 0.2
            read = chance.sample(range(6), 2) if snapshot else []
            versioned.run(*parts, snapshot=snapshot, not_staged=read, at=LATER)
            versioned.is_right("any runs give what their versions say")
            before = parts

    def test_upserts_at_once_give_what_one_after_the_other_gives(
        self, versioned: VersionedTable
    ) -> None:
        """Check that no row is lost, and no newer version is replaced."""
        versioned.run([Change(number, "0") for number in range(6)])
        works = [
            [
                [Change(at, f"{(at + writer) % WRITERS + 1}{writer}", writer)]
                for at in range(8)
            ]
            for writer in range(WRITERS)
        ]
        commits = [versioned.staged(work) for work in works]
        barrier = Barrier(WRITERS)

        def commit(writer: int) -> None:
            barrier.wait(timeout=30)
            try:
                commits[writer]()
            except TransientError:
                persistent(partial(versioned.staged_and_committed, works[writer]))

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(commit, range(WRITERS)))
        for work in works:
            versioned.expect(work)
        versioned.is_right("upserts at once give what one after the other gives")

    @pytest.mark.faults
    def test_a_fault_in_an_upsert_leaves_all_or_nothing(
        self, versioned: VersionedTable, faults: Faults | None
    ) -> None:
        """Check rows, deletes and state after any failing call, and the next run."""
        keeps = self._keeps_state(versioned)
        versioned.run([Change(0, "000"), Change(1, "000")], state={"run": 0})
        for number, attempt in enumerate(each_fault(self._faults(faults)), start=1):
            version = f"{number:03}"
            parts = [
                [Change(0, version, number % 3), Change(1, version, deleted=AT)],
                [Change(2, version, number % 2), Change(1, version + "a")],
            ]
            state = {"run": number}
            was = (list(versioned.differences()), versioned.state() if keeps else None)
            assert not was[0], f"the run before was good: {few(was[0])}"
            attempt.run(partial(versioned.staged(parts), state=state))
            if not isinstance(attempt.error, Killed):
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
            old = not versioned.differences()
            versioned.expect(parts)
            new = not versioned.differences()
            if self.atomic:
                assert old or new, f"an upsert is atomic: {attempt} left a part of it"
            if keeps and self.atomic:
                due = state if new else was[1]
                assert versioned.state() == due, (
                    f"the state is committed with the rows: {attempt} left one without"
                    " the other"
                )
            persistent(partial(versioned.staged_and_committed, parts, state=state))
            versioned.is_right(f"the run after a fault makes it good: {attempt}")
            assert not keeps or versioned.state() == state, (
                f"the run after a fault commits the state: {attempt}"
            )

    # -- the state ---------------------------------------------------------------------

    def test_state_is_committed_with_the_rows(self, versioned: VersionedTable) -> None:
        """Check that a state stays if there is no new one, and needs no rows."""
        if not self._keeps_state(versioned):
            not_promised("it keeps no source state")
        assert versioned.state() is None, "there is no state before the first commit"
        first = {"after": [1, None, "ü 'quoted' \"{x}\""], "more": {"a": 1.5}}
        commit = versioned.staged([[Change(0)]])
        assert versioned.state() is None, "a state is not visible before the commit"
        commit(state=first)
        assert versioned.state() == first, "a state is committed with the rows"
        versioned.staged([[Change(1)]])()
        assert versioned.state() == first, "the state stays if the run has none"
        versioned.staged([])(state={"after": 2})
        assert versioned.state() == {"after": 2}, (
            "a state is committed without rows, too"
        )

    def test_a_compaction_leaves_the_state_to_the_run(
        self, versioned: VersionedTable
    ) -> None:
        """Check the state of a run that has staged its rows before a compaction."""
        if not self._keeps_state(versioned):
            not_promised("it keeps no source state")
        if not supports(versioned.opened("upsert"), "compact"):
            not_promised("it cannot be compacted")
        for number in range(MANY):  # some are in the same partition
            versioned.staged([[Change(number)]])(state={"after": number})
        commit = versioned.staged([[Change(MANY)]])
        versioned.opened("upsert").compact()
        assert versioned.state() == {"after": MANY - 1}, "a compaction keeps the state"
        commit(state={"after": MANY})
        assert versioned.state() == {"after": MANY}, (
            "a run during a compaction commits its state"
        )


def _any_change(chance: random.Random) -> Change:
    return Change(
        chance.randrange(6),
        chance.choice([None, "1", "10", "2", "3"]),
        chance.randrange(3),
        AT if chance.random() < 0.25 else None,
    )
