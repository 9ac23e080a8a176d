"""Promises of write modes and source state; a part of `SinkContract`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise, permutations
from threading import Barrier
from typing import Any, ClassVar

import polars as pl
import pytest

from reporting_framework.errors import CommitConflict, TransientError
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    CommitResult,
    Split,
    UpsertCounts,
)
from reporting_framework.testing.contracts.base import (
    assert_no_value_shown,
    few,
    not_promised,
)
from reporting_framework.testing.faults.calls import Faults, Killed, each_fault
from reporting_framework.testing.harness.sink_harness import Make, Rows, Visible
from reporting_framework.testing.harness.versions import (
    MOMENT,
    Change,
    Edition,
    Frames,
    TableModel,
)

AT = datetime(2024, 3, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
WRITERS = 4
MAX_ATTEMPTS = 10

Parts = Sequence[Sequence[Change]]


class Table:
    """Table that runs write to, and its model."""

    def __init__(self, make: Make, visible: Visible, edition: Edition) -> None:
        self.make, self.frames, self.model = make, Frames(edition), TableModel()
        self.visible = visible
        self._miscounted: list[str] = []

    def opened(self, mode: str = "upsert") -> Any:
        """Return a sink at the beginning of a run, after the calls of the runner."""
        sink = self.make()
        sink.open(self.frames.schema(), mode)
        sink.ledger()
        sink.load_state()
        return sink

    def staged(self, parts: Parts, mode: str = "upsert") -> Callable[..., CommitResult]:
        """Stage parts; return a function that commits them."""
        sink = self.opened(mode)
        staged = [
            sink.stage(
                self.frames.of(part, versions=mode != "append"), Split(f"s{at}", {}), 0
            )
            for at, part in enumerate(parts)
            if part
        ]

        def commit(**context: Any) -> CommitResult:
            try:
                result: CommitResult = sink.commit(
                    staged, CommitContext(**{"at": AT, **context})
                )
            except Exception:  # a killed process closes nothing
                sink.close()
                raise
            sink.close()
            return result

        return commit

    def staged_and_committed(self, parts: Parts, **context: Any) -> None:
        """Execute a whole run."""
        self.staged(parts)(**context)

    def run(
        self, *parts: Sequence[Change], not_staged: Sequence[int] = (), **context: Any
    ) -> None:
        """Execute a whole run, also in the model; `is_right` compares them."""
        keys = [self.frames.key(number) for number in not_staged]
        result = self.staged(parts)(not_staged=keys, **context)
        at = context.get("at", AT) if context.get("snapshot") else None
        due, duplicates = self.expect(parts, snapshot_at=at, not_staged=not_staged)
        if result.upserted not in (None, due):
            self._miscounted.append(
                f"an upsert says what it did: {result.upserted} where {due} is"
            )
        if result.duplicates not in (None, duplicates):
            self._miscounted.append(
                "staged rows are inserted, updated, unchanged or duplicates:"
                f" {result.duplicates} duplicates where {duplicates} are"
            )

    def expect(self, parts: Parts, **more: Any) -> tuple[UpsertCounts, int]:
        """Execute a run in the model alone."""
        return self.model.upsert(parts, **more)

    def differences(self) -> list[str]:
        """Return the differences between the table and the model."""
        seen = self.visible()
        if seen.height and not {VERSION, DELETED_AT} <= set(seen.columns):
            pytest.fail(
                f"the fixture `visible` must give {VERSION} and {DELETED_AT} of a sink"
                " that can upsert",
                pytrace=False,
            )
        for name, dtype in {VERSION: pl.String(), DELETED_AT: MOMENT}.items():
            if name in seen and seen[name].dtype not in (dtype, pl.Null):
                pytest.fail(
                    f"the fixture `visible` must give {name} as {dtype}, not as"
                    f" {seen[name].dtype}",
                    pytrace=False,
                )
        return self.frames.differences(self.model, seen)

    def is_right(self, promise: str) -> None:
        """Fail if the table differs from the model, or an earlier count was wrong."""
        wrong = self.differences()
        assert not wrong, f"{promise}: {few(wrong)}"
        assert not self._miscounted, self._miscounted[0]

    def state(self) -> Any:
        """Return the committed state."""
        sink = self.make()
        sink.open(self.frames.schema(), "upsert")
        state = sink.load_state()
        sink.close()
        return state


class WriteModesContract:
    """Promises of the write modes; skipped for modes that a sink does not have.

    Optional, in addition to `SinkContract`:
        edition: Fixture: a function from a number and the number of an edition to a
            frame with one row: the same number gives the same source key, with other
            values for each edition. By default made from `rows`.

    For a sink that supports ``upsert``, `visible` also returns `VERSION` (String) and
    `DELETED_AT` (Datetime us UTC), and deleted rows that are kept.
    """

    atomic: ClassVar[bool]
    _faults: Any

    @pytest.fixture
    def edition(self, rows: Rows) -> Edition:
        """Return a function of a record's editions: the values of other numbers."""

        def rows_of(number: int, edition: int) -> pl.DataFrame:
            values = rows([number + edition])
            return values.with_columns(rows([number])[SOURCE_KEY])

        return rows_of

    @pytest.fixture
    def versioned(self, make: Make, visible: Visible, edition: Edition) -> Table:
        """Return the table of the tests of ``upsert``."""
        return self._with("upsert", make, visible, edition)

    @pytest.fixture
    def replaced(self, make: Make, visible: Visible, edition: Edition) -> Table:
        """Return the table of the tests of ``replace``."""
        return self._with("replace", make, visible, edition)

    def _with(self, mode: str, make: Make, visible: Visible, edition: Edition) -> Table:
        sink = make()
        if mode not in sink.write_modes:
            not_promised(f"it cannot {mode}")
        return Table(make, visible, edition)

    # -- versions ----------------------------------------------------------------------

    def test_the_newest_version_wins_in_every_order(self, versioned: Table) -> None:
        """Check any order in one part, in several parts, and in several runs."""
        orders = list(permutations([("1", 0), ("2", 1), ("3", 2)]))
        numbers = count()
        one, many, runs = (
            [
                [Change(number, *change) for change in order]
                for number, order in zip(numbers, orders, strict=False)
            ]
            for _ in range(3)
        )
        versioned.run([change for changes in one for change in changes])
        versioned.is_right("the newest version wins in every order within a part")
        versioned.run(*[[changes[at] for changes in many] for at in range(3)])
        versioned.is_right("the newest version wins in every order of parts")
        for at in range(3):
            versioned.run([changes[at] for changes in runs])
        versioned.is_right("the newest version wins in every order of runs")

    def test_versions_are_compared_as_texts(self, versioned: Table) -> None:
        """Check the order by code points; `None` is older than any version."""
        order = [None, "", "10", "9", "B", "a", "ab", "é", "\U0001f600"]
        pairs = [*pairwise(order)]
        versioned.run([Change(number, new, 1) for number, (_, new) in enumerate(pairs)])
        versioned.run([Change(number, old) for number, (old, _) in enumerate(pairs)])
        versioned.is_right("versions are compared as texts: an older one has won")
        more = len(pairs)
        versioned.run(
            [Change(more + at, new, 1) for at, (_, new) in enumerate(pairs)],
            [Change(more + at, old) for at, (old, _) in enumerate(pairs)],
        )
        versioned.is_right("versions are compared as texts within a run, too")

    def test_of_equal_versions_the_later_one_wins(self, versioned: Table) -> None:
        """Check that the later row, part or run wins, even without a version."""
        for version in ("1", None):
            first = 0 if version else 10
            same = [Change(first, version, edition) for edition in range(3)]
            versioned.run(same)
            versioned.is_right("of equal versions the later row wins")
            versioned.run(*[[change._replace(number=first + 1)] for change in same])
            versioned.is_right("of equal versions that of the later part wins")
            for change in same:
                versioned.run([change._replace(number=first + 2)])
            versioned.is_right("of equal versions that of the later run wins")

    # -- deletes -----------------------------------------------------------------------

    def test_a_delete_is_a_version(self, versioned: Table) -> None:
        """Check that a delete replaces older versions; newer versions replace it."""
        versioned.run([Change(number, "2") for number in range(4)])
        versioned.run([Change(0, "3", deleted=AT), Change(1, "1", deleted=AT)])
        versioned.is_right(
            "a delete is a version: a newer one deletes, an older one does not"
        )
        versioned.run([Change(0, "2", 1)])
        versioned.is_right("a delete is a version: an older row does not come back")
        versioned.run([Change(0, "3", deleted=AT)])
        versioned.is_right("a delete that is repeated changes nothing")
        versioned.run([Change(0, "4", 2)])
        versioned.is_right("a delete is a version: a newer row is there again")

    def test_a_delete_of_the_same_version_wins_in_every_order(
        self, versioned: Table
    ) -> None:
        """Check that a row that is delivered again, in any run, stays deleted."""
        row, delete = Change(0, "1"), Change(0, "1", deleted=AT)
        other = [change._replace(number=1) for change in (delete, row)]
        versioned.run([row], [delete], other)
        versioned.is_right("a delete of the same version wins within a run")
        versioned.run([row], [other[1]])
        versioned.is_right("a delete of the same version wins over a later run")
        versioned.run([row._replace(number=2)])
        versioned.run([delete._replace(number=2)])
        versioned.is_right("a delete of the same version wins in a later run")

    def test_without_a_version_the_later_one_wins(self, versioned: Table) -> None:
        """Check that a deleted record without a version may be restored."""
        row, delete = Change(0, None, 1), Change(0, None, deleted=AT)
        other = [each._replace(number=1) for each in (row, delete)]
        versioned.run([delete], [row], other)
        versioned.is_right("without a version the later one wins within a run")
        versioned.run([other[0], delete])
        versioned.is_right("without a version the later one wins in a later run")

    def test_a_delete_of_an_unseen_key_is_kept(self, versioned: Table) -> None:
        """Check that an older row that arrives later stays deleted."""
        versioned.run([Change(0, "2", deleted=AT)], [Change(1, "1")])
        versioned.run([Change(0, "1")])
        versioned.is_right(
            "a delete of an unseen key is kept: an older row has come back"
        )

    # -- snapshots ---------------------------------------------------------------------

    def test_a_snapshot_deletes_what_the_source_has_no_more(
        self, versioned: Table
    ) -> None:
        """Check that rows read but not staged stay, as do values of deleted rows."""
        versioned.run([Change(number, "2") for number in range(5)])
        versioned.run(
            [Change(0, "2"), Change(5, "1")], snapshot=True, not_staged=[1], at=LATER
        )
        versioned.is_right("a snapshot deletes what the source has no more")
        versioned.run([Change(2, "2"), Change(3, "1", 1), Change(4, "3", 1)])
        versioned.is_right("a row of the same or a newer version is there again")
        versioned.run(snapshot=True, at=LATER)
        versioned.is_right("an empty snapshot deletes all rows")

    def test_a_lost_race_infers_no_delete(self, versioned: Table) -> None:
        """Check that a lost race also keeps newer versions and the winner's state."""
        versioned.run([Change(0, "1"), Change(1, "1")], state={"run": 0})
        late = [[Change(0, "2", 1), Change(3, "1")]]
        commit = versioned.staged(late)
        versioned.run([Change(0, "3", 2), Change(2, "1")], state={"run": 1})
        try:
            commit(snapshot=True, state={"run": 2})
        except CommitConflict:
            late = []  # it has changed nothing, so the next run does it all
        versioned.expect(late)
        versioned.is_right(
            "a commit decides on the table as it is, and a late one deletes nothing"
        )
        if self._keeps_state(versioned):
            assert versioned.state() == {"run": 1}, (
                "after a lost race the state that the winner left stays"
            )

    # -- runs --------------------------------------------------------------------------

    def test_a_repeated_upsert_changes_nothing(
        self, versioned: Table, files: Callable[[], Mapping[str, bytes]] | None
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
        self, versioned: Table, seed: int
    ) -> None:
        """Check random rows, deletes, ties, repeated deliveries and snapshots."""
        self._by_chance(versioned, random.Random(seed), runs=6)  # noqa: S311 - no secret

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(3, 10))
    def test_any_runs_give_what_their_versions_say_often(
        self, versioned: Table, seed: int
    ) -> None:
        """Check the same for more random runs."""
        self._by_chance(versioned, random.Random(seed), runs=40)  # noqa: S311 - no secret

    def _by_chance(self, versioned: Table, chance: random.Random, runs: int) -> None:
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
        self, versioned: Table
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
                _persistent(partial(versioned.staged_and_committed, works[writer]))

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(commit, range(WRITERS)))
        for work in works:
            versioned.expect(work)
        versioned.is_right("upserts at once give what one after the other gives")

    @pytest.mark.faults
    def test_a_fault_in_an_upsert_leaves_all_or_nothing(
        self, versioned: Table, faults: Faults | None
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
            _persistent(partial(versioned.staged_and_committed, parts, state=state))
            versioned.is_right(f"the run after a fault makes it good: {attempt}")
            assert not keeps or versioned.state() == state, (
                f"the run after a fault commits the state: {attempt}"
            )

    # -- the state ---------------------------------------------------------------------

    def test_state_is_committed_with_the_rows(self, versioned: Table) -> None:
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

    # -- replace -----------------------------------------------------------------------

    def test_replace_makes_the_rows_the_table(self, replaced: Table) -> None:
        """Check for the newest version of each source key, without deleted rows."""
        _replace(replaced, [[Change(0), Change(1)]], {0: 0, 1: 0})
        parts = [
            [Change(1, "1", 1), Change(2, "2", 2), Change(3, "1")],
            [Change(2, "1"), Change(1, "1", 2), Change(3, "2", deleted=AT)],
        ]
        result = _replace(replaced, parts, {1: 2, 2: 2})
        rows = sum(output.rows for output in result.outputs)
        assert rows == 2, f"an output says its rows: {rows} where 2 are"
        _replace(replaced, [], {})

    @pytest.mark.faults
    def test_a_fault_in_a_replacement_leaves_all_or_nothing(
        self, replaced: Table, faults: Faults | None
    ) -> None:
        """Check for the old or the new table, whichever call fails."""
        self._faults(faults)
        _replace(replaced, [[Change(0), Change(1)]], {0: 0, 1: 0})
        due = {0: 0, 1: 0}
        for number, attempt in enumerate(each_fault(self._faults(faults)), start=1):
            new = {0: number % 3, number % 4 + 1: 0}
            parts = [[Change(at, "1", edition)] for at, edition in new.items()]
            attempt.run(replaced.staged(parts, "replace"))
            if self.atomic:
                whole = _is_replaced(replaced, due) or _is_replaced(replaced, new)
                assert whole, f"a replacement is atomic: {attempt} left a part of it"
            _persistent(replaced.staged(parts, "replace"))
            assert _is_replaced(replaced, new), (
                f"the run after a fault makes it good: {attempt}"
            )
            due = new

    def _keeps_state(self, versioned: Table) -> bool:
        return supports(versioned.make(), "load_state")


def _any_change(chance: random.Random) -> Change:
    return Change(
        chance.randrange(6),
        chance.choice([None, "1", "10", "2", "3"]),
        chance.randrange(3),
        AT if chance.random() < 0.25 else None,
    )


def _persistent(work: Callable[[], Any]) -> None:
    """Do work, and retry while other runs win."""
    for _ in range(MAX_ATTEMPTS):
        try:
            work()
        except TransientError:
            continue
        return
    raise AssertionError(
        f"a run gets through at last: it did not in {MAX_ATTEMPTS} attempts"
    )


def _replace(table: Table, parts: Parts, due: Mapping[int, int]) -> CommitResult:
    """Execute a run; fail unless the table is these editions of these records."""
    result = table.staged(parts, "replace")()
    assert _is_replaced(table, due), (
        "replace makes the rows the table, and nothing else"
    )
    staged = sum(change.deleted is None for part in parts for change in part)
    assert result.duplicates in (None, staged - len(due)), (
        f"staged rows are in the table or duplicates: {result.duplicates} duplicates of"
        f" {staged} rows"
    )
    return result


def _is_replaced(table: Table, due: Mapping[int, int]) -> bool:
    seen, frames = table.visible(), table.frames
    rows = [Change(number, None, edition) for number, edition in due.items()]
    wanted = frames.of(rows, versions=False) if rows else frames.schema().to_frame()
    if not seen.height:
        return not rows
    names = [name for name in wanted.columns if name in seen.columns]
    return sorted(map(repr, seen.select(names).rows())) == sorted(
        map(repr, wanted.select(names).rows())
    )
