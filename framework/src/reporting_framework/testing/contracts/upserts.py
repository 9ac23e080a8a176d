"""Promises of the write mode ``upsert``: versions, deletes and snapshots."""

from __future__ import annotations

from itertools import count, pairwise, permutations

from reporting_framework.errors import CommitConflict
from reporting_framework.testing.contracts.versioned_sink import VersionedSinkContract
from reporting_framework.testing.harness.versioned_table import (
    AT,
    LATER,
    VersionedTable,
)
from reporting_framework.testing.harness.versions import Change


class UpsertContract(VersionedSinkContract):
    """Promises of ``upsert`` about rows; a part of `WriteModesContract`."""

    # -- versions ----------------------------------------------------------------------

    def test_the_newest_version_wins_in_every_order(
        self, versioned: VersionedTable
    ) -> None:
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

    def test_versions_are_compared_as_texts(self, versioned: VersionedTable) -> None:
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

    def test_of_equal_versions_the_later_one_wins(
        self, versioned: VersionedTable
    ) -> None:
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

    def test_a_delete_is_a_version(self, versioned: VersionedTable) -> None:
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
        self, versioned: VersionedTable
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

    def test_without_a_version_the_later_one_wins(
        self, versioned: VersionedTable
    ) -> None:
        """Check that a deleted record without a version may be restored."""
        row, delete = Change(0, None, 1), Change(0, None, deleted=AT)
        other = [each._replace(number=1) for each in (row, delete)]
        versioned.run([delete], [row], other)
        versioned.is_right("without a version the later one wins within a run")
        versioned.run([other[0], delete])
        versioned.is_right("without a version the later one wins in a later run")

    def test_a_delete_of_an_unseen_key_is_kept(self, versioned: VersionedTable) -> None:
        """Check that an older row that arrives later stays deleted."""
        versioned.run([Change(0, "2", deleted=AT)], [Change(1, "1")])
        versioned.run([Change(0, "1")])
        versioned.is_right(
            "a delete of an unseen key is kept: an older row has come back"
        )

    # -- snapshots ---------------------------------------------------------------------

    def test_a_snapshot_deletes_what_the_source_has_no_more(
        self, versioned: VersionedTable
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

    def test_a_lost_race_infers_no_delete(self, versioned: VersionedTable) -> None:
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
