"""Parts: texts of answers, calls in flight."""

import csv
import io
import json
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_redcap.answers import TooMuchError
from reporting_redcap.in_flight import in_order
from reporting_redcap.texts import from_csv, from_json

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
TABLES = st.lists(st.tuples(VALUES, VALUES), max_size=6)


def as_csv(rows, **options):
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n", **options)
    writer.writerows([["id", "a", "b"], *rows])
    return target.getvalue().encode()


def as_json(rows):
    return json.dumps([dict(zip(["id", "a", "b"], row, strict=True)) for row in rows])


@given(TABLES, st.data())
def test_csv_and_json_are_the_same_table_and_a_cut_one_is_never_taken_whole(
    values, data
):
    rows = [(str(at), *pair) for at, pair in enumerate(values)]
    expected = [tuple(value or None for value in row) for row in rows]
    text, array = as_csv(rows), as_json(rows).encode()
    assert from_csv(text, "id").rows() == expected
    quoted = as_csv(rows, quoting=csv.QUOTE_ALL)
    assert from_csv(quoted, "id").rows() == expected, "quoted empty values, too"
    assert from_json(array).rows() == expected
    at = data.draw(st.integers(0, len(text) - 1))
    with suppress(TooMuchError):
        assert from_csv(text[:at], "id").rows() in [
            expected[:count] for count in range(len(rows) + 1)
        ], "what is taken of a text that was cut are whole rows"
    with pytest.raises(TooMuchError):
        from_json(array[: data.draw(st.integers(0, len(array) - 1))])


def test_calls_are_in_flight_and_none_is_far_ahead():
    began, go = [], threading.Semaphore(0)

    def call(number):
        began.append(number)
        go.acquire(timeout=5)
        return number

    results = in_order(call, iter(range(20)), 3)
    for _ in range(5):
        go.release()
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert max(began) <= 5
    results.close()
    for _ in range(20):
        go.release()
    assert len(began) < 10, "what was not begun is not called"
