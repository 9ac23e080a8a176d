"""The sink dynamodb-counters counts exactly: whatever breaks, whoever writes at the same time, however often it comes."""

import contextlib
import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

from hypothesis import strategies as st

from reporting_aws.clients import client
from reporting_aws.counters import DynamoDbCounters
from reporting_framework import Split
from tests.plugins.aws import wire
from tests.plugins.aws.conftest import make_counters
from tests.plugins.aws.test_counters import SCHEMA, counters, rows
from tests.plugins.aws.test_counters import settings as sink_settings
from tests.support.properties import given_few

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["u", "v", "w", None]),
        st.sampled_from(["1", "2", None]),
        st.sampled_from(["view", "buy"]),
        st.sampled_from([0, 30, 70]),
    ),
    min_size=1,
    max_size=12,
).map(lambda events: [(f"e{number}", *event) for number, event in enumerate(events)])

FAULTS = [
    None,
    None,
    wire.unreachable,
    wire.lost,
    wire.killed_before,
    wire.killed_after,
    wire.cancel("TransactionConflict"),
    wire.cancel("ThrottlingError"),
    wire.refused(400, "ProvisionedThroughputExceededException"),
    wire.refused(500, "InternalServerError"),
]


def oracle(events):
    """What the counters must be."""
    counts, users = Counter(), defaultdict(set)
    for _, user, experiment, kind, minutes in set(events):
        for window in (f"hour#2026-03-01-{10 + minutes // 60}", "day#2026-03-01"):
            key = (f"exp_{experiment or 'none'}#{window}", f"type#{kind}")
            counts[key] += 1
            users[key] |= {user} - {None}
    return {key: (number, len(users[key])) for key, number in counts.items()}


def deliver(events, sizes, attempts):
    """One commit of a new sink, in batches of these sizes; whether all of it was kept."""
    sink = DynamoDbCounters(sink_settings(attempts=attempts))
    sink.open(SCHEMA)
    staged_parts, left = [], list(events)
    for part, size in enumerate([*sizes, len(left)]):
        if left:
            staged_parts.append(
                sink.stage(rows(*left[:size], first=100 * part), Split("s", {}), part)
            )
            left = left[size:]
    commit_result = sink.commit(staged_parts)
    assert commit_result.outputs[0].new_rows + commit_result.duplicates + len(
        commit_result.failed
    ) == len(events)
    return not commit_result.failed


@given_few(data=st.data(), events=EVENTS)
def test_counters_are_those_of_the_distinct_events(dynamodb, data, events):
    dynamodb.wire.fault = lambda number, operation: None
    make_counters(dynamodb)
    dynamodb.wire.tokens_kept = data.draw(st.booleans())
    again = st.lists(st.sampled_from(events), max_size=20)
    deliveries = data.draw(st.lists(again.map(tuple), min_size=1, max_size=4))
    faults = data.draw(st.lists(st.sampled_from(FAULTS), max_size=25))
    other = {data.draw(st.integers(0, 12)): data.draw(again) for _ in range(2)}

    def fault(number, operation):
        if (
            number in other
        ):  # another writer does all of its work between two requests of this one
            others = other.pop(number)
            with contextlib.suppress(wire.Killed):
                deliver(others, [], 2)
        return faults[number] if number < len(faults) else None

    dynamodb.wire.fault = fault
    for delivered in deliveries:
        sizes = data.draw(st.lists(st.integers(1, 5), max_size=4))
        with contextlib.suppress(wire.Killed):
            deliver(delivered, sizes, data.draw(st.integers(1, 4)))
    faults.clear()
    assert deliver(
        events, [], 5
    )  # at last it all comes once more, as a stream delivers what was not taken
    assert counters(dynamodb) == oracle(events)


def test_ten_writers_of_overlapping_batches_end_exact(counted):
    chosen = random.Random(7)
    events = [
        (
            f"e{n}",
            f"u{chosen.randrange(25)}",
            str(n % 2),
            "view",
            chosen.choice([0, 70]),
        )
        for n in range(60)
    ]

    def write(number):
        drawn = random.Random(number)
        return deliver(drawn.sample(events, 40) + drawn.sample(events, 10), [7, 20], 50)

    client("dynamodb", attempts=1)
    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(write, range(10)))
    seen = {event for number in range(10) for event in _drawn(events, number)}
    assert counters(counted) == oracle(seen)


def _drawn(events, number):
    drawn = random.Random(number)
    return drawn.sample(events, 40) + drawn.sample(events, 10)
