"""The benchmarks' comparison with the figures of an earlier commit."""

import pytest
from benchmarks.bench import Row, worse


@pytest.mark.parametrize(
    ("found", "at_least", "is_worse"),
    [
        (1.15, False, False),
        (1.16, False, True),
        (0.5, False, False),
        (0.87, True, False),
        (0.86, True, True),
        (2.0, True, False),
        (1.0, False, False),
        (1.0, True, False),
    ],
)
def test_a_row_is_worse_by_more_than_15_percent(found, at_least, is_worse):
    row = Row("name", "what", 1.0, found, "", at_least=at_least)
    messages = worse([row], {"name": {"found": 1.0}})
    expected = [f"name: {found:.2f} ×, and 1.00 × in results.json"]
    assert messages == expected * is_worse


def test_a_row_that_was_never_measured_is_not_compared():
    assert worse([Row("new", "what", 1.0, 9.0, "")], {}) == []
