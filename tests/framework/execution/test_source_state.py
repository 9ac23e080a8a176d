"""The source state: where a source starts, and what each sink is given to keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import Sink
from reporting_framework.execution.source_state import SourceState


def committed(sequence, at, source="shop"):
    return {"sequence": sequence, "source": source, "state": {"at": at}}


def state(*known, kept=None):
    return SourceState("shop", known, kept or [True] * len(known))


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

    found = SourceState.of("shop", [Plain(), Keeping()])
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
