"""The source state: where a source starts, and what each sink is given to keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import Sink
from reporting_framework.execution.source_state import SourceState, identity_of
from tests.support.plugins import GivenRecords


def committed(sequence, at, source="shop", mode="upsert"):
    return {"sequence": sequence, "source": source, "mode": mode, "state": {"at": at}}


def state(*known, kept=None, mode="upsert"):
    modes = [mode] * len(known)
    return SourceState("shop", known, kept or [True] * len(known), modes)


@pytest.mark.parametrize(
    ("known", "kept", "start"),
    [
        ([None], [True], None),
        ([committed(3, "c")], [True], {"at": "c"}),
        ([committed(3, "c"), committed(2, "b")], [True, True], {"at": "b"}),
        ([committed(3, "c"), None], [True, True], None),
        ([committed(3, "c"), None], [True, False], {"at": "c"}),
        ([None], [False], None),
        ([committed(3, "c", source="other")], [True], None),
        ([committed(3, "c", mode="append")], [True], None),
        ([committed(3, "c"), committed(3, "b")], [True, True], None),
        ([committed(3, "c"), committed(3, "c")], [True, True], {"at": "c"}),
    ],
)
def test_a_source_starts_from_the_sink_furthest_behind(known, kept, start):
    assert state(*known, kept=kept).start == start


def test_a_sink_without_a_state_of_its_own_keeps_none():
    class Plain(Sink):
        name = "plain"

        def stage(self, frame, split, part): ...

        def commit(self, staged_parts, context=None): ...

    class Keeping(Plain):
        def load_state(self):
            return committed(1, "a")

    found = SourceState.of("shop", [Plain(), Keeping()], ["append", "append"])
    assert (found.committed, found.kept) == ([None, committed(1, "a")], [False, True])


def test_each_sink_that_keeps_a_state_is_given_the_new_one():
    before = state(committed(3, "c"), committed(2, "b"), None, kept=[True, True, False])
    new = committed(4, "d")
    assert before.following({"at": "d"}) == [new, new, None]


def test_a_sink_that_has_the_state_already_writes_nothing():
    before = state(committed(3, "c"), committed(2, "b"))
    assert before.following({"at": "c"}) == [None, committed(4, "c")]
    assert state(committed(3, "c")).following({"at": "c"}) == [None]


def test_a_source_whose_state_stays_brings_a_sink_behind_no_further_than_it_read():
    before = state(committed(3, "c"), committed(2, "b"))
    assert before.following(None) == [committed(4, "b"), None]


def test_a_source_without_a_state_leaves_what_is_there():
    assert state(None, None).following(None) == [None, None]


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.lists(st.booleans()))
def test_whatever_sink_fails_no_record_is_skipped(first, more):
    """Runs commit to two sinks; where one of them fails, it is behind, and catches up."""
    rows, known, made = [set(), set()], [None, None], 0
    for fails in [*first, *more, False]:
        made += 1
        before = state(*known)
        begin = (before.start or {"at": 0})["at"]
        new = before.following({"at": made})
        for sink in (0, 1):
            if fails and sink == 1:
                continue
            rows[sink] |= set(range(begin, made))
            known[sink] = new[sink] or known[sink]
    assert rows == [set(range(made))] * 2


def test_a_table_that_is_replaced_starts_from_nothing_and_keeps_no_older_state():
    """The rows that the older state stands for are gone."""
    before = state(committed(3, "c"), mode="replace")
    assert before.start is None
    [new] = before.following({"at": "d"})
    assert new["state"] == {"at": "d"}
    [unknown] = before.following(None)
    assert state(unknown).start is None
    assert state(unknown, mode="append").start is None
    assert state(None, mode="replace").following(None) == [None]


def test_a_state_of_another_write_mode_is_replaced_by_one_of_this():
    before = state(committed(3, "c", mode="append"))
    assert before.following({"at": "c"}) == [committed(4, "c")]


def test_sinks_that_two_runs_at_once_have_reached_make_the_next_one_read_everything():
    """One run was killed between the sinks, and an older one has reached the second."""
    both = state(committed(1, 0), committed(1, 0))
    newer, older = both.following({"at": 7}), both.following({"at": 3})
    assert state(newer[0], older[1]).start is None
    assert state(newer[0], newer[1]).start == {"at": 7}


def test_a_source_that_reads_another_place_is_another_source():
    """Two databases may have tables of one name; a new password makes no other one."""

    class Table(GivenRecords):
        name = "table"

        def __init__(self, uri):
            self.uri = uri

        def source_uris(self):
            return [self.uri]

    one, other, renewed = (
        identity_of(Table(f"postgresql://{place}/shop"))
        for place in ("me:old@a", "me:old@b", "me:new@a")
    )
    assert one == renewed != other
    assert "old" not in one
