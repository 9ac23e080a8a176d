"""Promises of a transform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import polars as pl
import pytest

from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.testing.contracts.base import (
    PluginContract,
    assert_no_value_shown,
    few,
    not_promised,
)
from reporting_framework.testing.faults.calls import Faults, each_fault
from reporting_framework.testing.harness.memory import (
    MEBIBYTE,
    assert_bounded,
    copied,
    peak,
)

Make = Callable[..., Any]


class TransformContract(PluginContract):
    """Promises of a `Transform`.

    Required, in addition to `PluginContract`:
        frame: Fixture: a frame that it accepts, of at least three rows, `SOURCE_KEY`
            last, with `CANARY` in a value.

    Optional:
        expected: Fixture: the expected result for that frame.
    """

    @pytest.fixture
    def frame(self) -> pl.DataFrame:
        """Return a frame that the transform accepts."""
        self._lacks(
            "frame",
            "a frame that the transform takes, of at least three rows, SOURCE_KEY last",
        )

    @pytest.fixture
    def expected(self) -> pl.DataFrame | None:
        """Return the expected result, or `None`."""
        return None

    def test_it_makes_what_is_expected(
        self, make: Make, frame: pl.DataFrame, expected: pl.DataFrame | None
    ) -> None:
        """Check the result: rows and types."""
        if expected is None:
            pytest.skip("nothing is expected of it: give the fixture `expected`")
        transformed = make().apply(frame)
        assert transformed.schema == expected.schema, (
            f"it makes what is expected: {transformed.schema} is not {expected.schema}"
        )
        assert transformed.equals(expected), "it makes what is expected: rows differ"

    def test_the_source_key_is_kept(self, make: Make, frame: pl.DataFrame) -> None:
        """Check that source keys stay in the last column, a String, with their rows."""
        transformed = make().apply(frame)
        assert transformed.columns[-1:] == [SOURCE_KEY], (
            "a transform keeps the source key, as the last column"
        )
        assert transformed.schema[SOURCE_KEY] == pl.String, (
            "a transform keeps the source key as a String"
        )
        source_keys = transformed[SOURCE_KEY].to_list()
        made_up = set(source_keys) - set(frame[SOURCE_KEY].to_list())
        assert not made_up, (
            f"a transform makes up no source key: {few(map(str, made_up))}"
        )
        twice = [str(key) for key, times in Counter(source_keys).items() if times > 1]
        assert not twice, f"a row is kept or dropped, never doubled: {few(twice)}"

    def test_every_row_is_shaped_by_itself(
        self, make: Make, frame: pl.DataFrame
    ) -> None:
        """Check that single rows give the same results as all rows together.

        The division of a run into batches changes nothing.
        """
        transform = make()
        together = transform.apply(frame)
        alone = pl.concat(
            [
                transform.apply(frame[number : number + 1])
                for number in range(frame.height)
            ]
        )
        for source_key, row in _by_source_key(together).items():
            assert _by_source_key(alone).get(source_key) == row, (
                f"every row is shaped by itself: {source_key} differs when alone"
            )
        assert alone.height == together.height, (
            "every row is shaped by itself: others are dropped when alone"
        )

    def test_it_works_on_no_rows(self, make: Make, frame: pl.DataFrame) -> None:
        """Check that a frame without rows gives the schema of frames with rows."""
        transform = make()
        empty, full = transform.apply(frame.clear()), transform.apply(frame)
        assert empty.height == 0, "of no rows it makes no rows"
        assert empty.schema == full.schema, (
            f"no rows have the schema of rows: {empty.schema} is not {full.schema}"
        )

    def test_it_keeps_the_values_that_it_says_it_keeps(
        self, make: Make, frame: pl.DataFrame
    ) -> None:
        """Check that a transform with `keeps_values` changes no value of a column."""
        transform = make()
        if not transform.keeps_values:
            not_promised("it does not say that it keeps values")
        transformed = transform.apply(frame)
        kept = frame.join(transformed.select(SOURCE_KEY), on=SOURCE_KEY, how="semi")
        lost = [name for name in frame.columns if name not in transformed.columns]
        assert not lost, f"it keeps every column: {few(lost)} are lost"
        by_key = transformed.select(frame.columns).sort(SOURCE_KEY)
        assert by_key.equals(kept.sort(SOURCE_KEY)), (
            "it keeps the values of every column: some differ"
        )

    def test_its_input_is_unchanged(self, make: Make, frame: pl.DataFrame) -> None:
        """Check that the input frame is unchanged."""
        given = frame.clone()
        make().apply(given)
        assert given.schema == frame.schema, (
            "a transform does not change its input: its columns are others"
        )
        assert given.equals(frame), (
            "a transform does not change its input: its rows are others"
        )

    def test_it_is_deterministic(self, make: Make, frame: pl.DataFrame) -> None:
        """Check that the same frame gives the same result.

        The result is the same a second time, from another object, and from several
        threads at once.
        """
        transform = make()
        first = transform.apply(frame)
        with ThreadPoolExecutor(4) as pool:
            others = [make().apply(frame), *pool.map(transform.apply, [frame] * 8)]
        assert all(other.equals(first) for other in others), (
            "a transform is deterministic: the same frame gave another"
        )

    @pytest.mark.faults
    def test_a_fault_is_reported(
        self, make: Make, frame: pl.DataFrame, faults: Faults | None
    ) -> None:
        """Check that a fault is reported, whichever call fails.

        The result is an error of the right type, without a value, or the same frame as
        without a fault.
        """
        due = make().apply(frame)
        for attempt in each_fault(self._faults(faults)):
            transform = make()
            transformed = attempt.run(partial(transform.apply, frame))
            if attempt.error is None:
                assert transformed.equals(due), (
                    f"a fault is reported, not hidden: {attempt} gave another frame"
                )
            assert_no_value_shown({f"the error of {attempt}": attempt.error})
        assert make().apply(frame).equals(due), (
            "after a fault it makes the same as ever"
        )

    def test_no_value_is_shown(
        self, make: Make, frame: pl.DataFrame, output: Callable[[], Mapping[str, str]]
    ) -> None:
        """Check logs, printed text, and the error for an unsupported frame."""
        transform = make()
        transform.apply(frame)
        strange = frame.select(
            pl.all().exclude(SOURCE_KEY).cast(pl.String).name.suffix("_"), SOURCE_KEY
        )
        try:
            transform.apply(strange)
        except Exception as error:
            assert_no_value_shown({"the error of a frame with other columns": error})
        assert_no_value_shown(output())

    @pytest.mark.slow
    def test_memory_is_bounded(self, make: Make, frame: pl.DataFrame) -> None:
        """Check that no part of a frame is retained."""
        self._bounded()
        transform = make()
        large = pl.concat(
            [frame] * (1 + MEBIBYTE // max(1, int(frame.estimated_size())))
        )
        source_keys = (
            pl.int_range(large.height, eager=True).cast(pl.String).alias(SOURCE_KEY)
        )
        large = large.with_columns(source_keys)

        def stream(times: int) -> None:
            for _ in range(times):
                transform.apply(copied(large))

        stream(4)
        small, many = peak(partial(stream, 16)), peak(partial(stream, 64))
        assert_bounded(
            small, many, data=48 * int(large.estimated_size()), what="a transform"
        )


def _by_source_key(frame: pl.DataFrame) -> dict[str, str]:
    return {row[-1]: repr(row) for row in frame.rows()}
