"""Checks of batches before another plugin sees them; test_split_worker.py tries each fault of a batch."""

from datetime import date

import polars as pl
import pytest

from reporting_framework import Batch, PluginError
from reporting_framework.execution.batch_checks import (
    check_batch,
    check_state,
    check_stream,
)

TEXTS = pl.Series(["a", "b"])
ROWS = pl.DataFrame({"id": [1, 2]})


class Text(str):
    """A text of a library's own type."""


@pytest.mark.parametrize(
    "batch",
    [
        Batch(),
        Batch(["a", Text("b")], [None, "1"], [b"1", memoryview(b"2")]),
        Batch(TEXTS, pl.Series([None, None]), frame=ROWS),
        Batch(TEXTS, pl.Series(["1", None]), frame=ROWS, position={"page": 1}),
    ],
)
def test_a_batch_of_the_right_types_passes(batch):
    check_batch(batch, "source s", "frames" if batch.payloads is None else "payloads")


@pytest.mark.parametrize("versions", [pl.Series([1, None]), pl.Series([b"1", b"2"])])
def test_series_of_other_types_are_refused(versions):
    with pytest.raises(PluginError, match="source s: a batch has a version of type"):
        check_batch(Batch(TEXTS, versions, frame=ROWS), "source s", "frames")


@pytest.mark.parametrize(
    ("streams", "advice"),
    [
        ([None], "leave `stream` out"),
        ([None, "orders"], "set its `stream` to orders"),
        (["orders", "items"], "set its `stream` to orders or items"),
    ],
)
def test_a_batch_of_another_stream_is_refused_without_its_name(streams, advice):
    for stream in streams:
        check_stream(Batch(stream=stream), streams, "source s")
    with pytest.raises(PluginError) as raised:
        check_stream(Batch(stream="ptid-7"), streams, "source s")
    assert str(raised.value) == (
        f"source s: a batch has records of a stream that is not read here; {advice}"
    )


@pytest.mark.parametrize(
    "state", [3, [1], {"day": date(2024, 1, 1)}, {"rate": float("nan")}, {1: {2, 3}}]
)
def test_a_state_that_json_cannot_say_is_refused(state):
    with pytest.raises(
        PluginError, match="source s: its state is not a mapping of JSON"
    ):
        check_state(state, "source s")


def test_a_state_of_json_types_passes():
    check_state({"page": 1, "tokens": ["a", None], "of": {"b": 1.5}}, "source s")
