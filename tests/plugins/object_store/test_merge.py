"""Merging loses and doubles nothing, keeps the order, and the same rows give the same bytes, however they came."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.storage.parquet_writing import ROW_GROUP, regroup, write
from reporting_object_store.parquet_sink.merge import merge
from tests.plugins.object_store.tables import (
    START,
    WIDE,
    divided,
    in_order,
    rows,
    shared,
    table,
)


def frames(draw, found):
    """Sorted rows as frames of any size, none of them empty."""
    return [table(part) for part in divided(draw, in_order(found)) if part]


def merged(draw, found):
    old, new = shared(draw, found, 2)
    return list(merge(iter(frames(draw, old)), iter(frames(draw, new)), "timestamp"))


@given(rows, st.data())
def test_merging_loses_and_doubles_nothing_and_is_sorted(found, draw):
    """For any division of rows into old and new, and of each into frames, what comes out is all of them in order."""
    parts = merged(draw, found)
    assert all(part.height for part in parts)
    assert [each for part in parts for each in part.rows()] == in_order(found)


@given(rows, st.integers(1, 7), st.data())
def test_regrouping_makes_frames_of_one_size_and_changes_no_row(found, size, draw):
    """All frames but the last have exactly `size` rows, each column in one chunk."""
    parts = [table(part) for part in divided(draw, found)]
    out = list(regroup(iter(parts), size))
    assert [each for part in out for each in part.rows()] == found
    assert all(part.height == size for part in out[:-1])
    assert all(0 < part.height <= size and part.n_chunks() == 1 for part in out)


@given(found=rows, draw=st.data())
def test_the_same_rows_give_the_same_bytes(found, draw, tmp_path_factory):
    """`write` is a function of the rows: for any two divisions, sliced or not, with nulls or not, bytes are the same."""
    folder = tmp_path_factory.getbasetemp()
    for name in ("one", "other"):
        write(
            regroup(iter(merged(draw, found))), WIDE, folder / f"{name}.parquet", "zstd"
        )
    assert (folder / "one.parquet").read_bytes() == (
        folder / "other.parquet"
    ).read_bytes()
    assert pl.read_parquet(folder / "one.parquet").rows() == in_order(found)


@pytest.mark.parametrize("compression", ["zstd", "snappy"])
def test_many_row_groups_are_the_same_however_they_came(tmp_path, compression):
    """Three row groups and a bit, merged from old and new in pieces of several sizes."""
    count = 3 * ROW_GROUP + 7
    whole = pl.select(
        study=pl.lit("s") + (pl.int_range(count) % 7).cast(pl.String),
        note=pl.when(pl.int_range(count) % 3 == 0).then(
            pl.lit("n") + pl.int_range(count).cast(pl.String)
        ),
        number=pl.int_range(count),
        small=(pl.int_range(count) % 5).cast(pl.Int32),
        share=pl.when(pl.int_range(count) > ROW_GROUP).then(pl.int_range(count) / 7),
        good=pl.int_range(count) % 2 == 0,
        day=pl.lit(None, pl.Date),
        timestamp=pl.lit(START) + pl.duration(seconds=pl.int_range(count) // 3),
        source_key=pl.int_range(count).cast(pl.String).str.zfill(6),
    ).cast(WIDE)
    written = []
    for share, size in ((1, ROW_GROUP), (7, 1000), (50_000, 40_000), (2, 262_144)):
        is_new = pl.int_range(pl.len()) % share == 0
        old, new = whole.filter(~is_new), whole.filter(is_new)
        out = merge(old.iter_slices(size), new.iter_slices(size // 3 + 1), "timestamp")
        write(regroup(out), WIDE, tmp_path / "x.parquet", compression)
        written.append((tmp_path / "x.parquet").read_bytes())
    assert len(set(written)) == 1
    assert pl.read_parquet(tmp_path / "x.parquet").equals(whole)
    scan = pl.scan_parquet(tmp_path / "x.parquet").filter(
        pl.col("timestamp") < START + timedelta(seconds=1)
    )
    assert scan.collect().height == 3


def test_nothing_merged_is_a_table_of_no_rows(tmp_path):
    write(
        regroup(merge(iter(()), iter(()), "timestamp")),
        WIDE,
        tmp_path / "x.parquet",
        "zstd",
    )
    assert pl.read_parquet(tmp_path / "x.parquet").schema == WIDE


@pytest.mark.parametrize("unit", ["us", "ms"])
def test_moments_of_another_unit_are_merged_too(unit):
    frame = table(
        in_order(
            [
                (
                    "a",
                    None,
                    1,
                    1,
                    None,
                    True,
                    None,
                    START + timedelta(milliseconds=n),
                    f"{n}",
                )
                for n in range(6)
            ]
        )
    )
    frame = frame.with_columns(pl.col("timestamp").cast(pl.Datetime(unit, "UTC")))
    out = merge(
        frame.gather_every(2).iter_slices(2),
        frame.gather_every(2, 1).iter_slices(1),
        "timestamp",
    )
    assert pl.concat(out).equals(frame)


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt("mine")])
def test_what_the_rows_raise_is_raised_as_it_is(tmp_path, error):
    def broken():
        yield table([])
        raise error

    with pytest.raises(type(error), match="mine") as raised:
        write(broken(), WIDE, tmp_path / "x.parquet", "zstd")
    assert raised.value is error


def test_what_writing_raises_is_raised_too(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        write(regroup(iter(())), WIDE, tmp_path / "nowhere" / "x.parquet", "zstd")
