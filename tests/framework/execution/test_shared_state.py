"""Positions that streams keep of the readings they share: the next reading loses no record of any stream."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.execution.shared_state import common_start, following_state

STREAMS = range(3)
END = 6


def at(position):
    return {"at": position} if position else None


def kept(start, state):
    return {"start": at(start), "state": at(state)}


@pytest.mark.parametrize(
    ("known", "start"),
    [
        ([kept(1, 2), kept(1, 2)], 2),
        ([kept(1, 2), kept(0, 1)], 1),
        ([kept(1, 2), kept(1, 3)], 1),
        ([kept(0, 2), kept(0, 3)], 0),
        ([kept(1, 2), None], 0),
        ([kept(0, 1), kept(2, 3)], 0),
        ([kept(1, 2), kept(2, 3), kept(2, 4)], 2),
    ],
)
def test_a_reading_starts_at_a_position_that_all_streams_have(known, start):
    assert common_start(known) == at(start)


@pytest.mark.parametrize(
    ("known", "end", "state"),
    [
        (kept(0, 1), 1, None),
        (kept(0, 1), 0, None),
        (kept(0, 1), 2, kept(1, 2)),
        (None, 2, kept(1, 2)),
    ],
)
def test_a_stream_commits_no_state_if_it_has_reached_the_position(known, end, state):
    assert following_state(known, at(1), at(end)) == state


class Reading(NamedTuple):
    """A reading that may not have been committed by all streams yet."""

    known: list
    start: int
    end: int


@given(st.data())
def test_no_stream_loses_a_record_whichever_fail_and_however_readings_race(data):
    """A stream has the records that its commits brought, whatever the others have committed meanwhile."""
    states = [None for _ in STREAMS]
    records = [set() for _ in STREAMS]
    open_readings = []
    for _ in range(data.draw(st.integers(1, 12))):
        position = (common_start(states) or {"at": 0})["at"]
        for stream in STREAMS:
            assert records[stream] >= set(range(position)), "the next reading skips one"
        if not open_readings or data.draw(st.booleans()):
            end = data.draw(st.integers(position, END))
            open_readings.append(Reading(list(states), position, end))
        reading = data.draw(st.sampled_from(open_readings))
        for stream in data.draw(st.sets(st.sampled_from(STREAMS))):
            records[stream] |= set(range(reading.start, reading.end))
            states[stream] = (
                following_state(
                    reading.known[stream], at(reading.start), at(reading.end)
                )
                or states[stream]
            )
