"""A frame that is written by itself: in one step, with its schema, or not at all."""

import threading

import polars as pl
import pytest

from reporting_framework.errors import CommitConflict, LocationError, SettingsError
from reporting_framework.storage import write_frame

FRAME = pl.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path):
    if request.param == "folder":
        return f"{tmp_path}/out"
    request.getfixturevalue("s3_environment")
    return f"s3://{request.getfixturevalue('bucket')}/out"


def test_a_frame_is_written_and_replaced(place):
    first = write_frame(FRAME, f"{place}/x.parquet", schema=FRAME.schema)
    second = write_frame(FRAME.reverse(), f"{place}/x.parquet", compression="snappy")
    assert first != second
    assert read(f"{place}/x.parquet").equals(FRAME.reverse())


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (FRAME.cast({"a": pl.Int32}), "a"),
        (FRAME.drop("b"), "b"),
        (FRAME.with_columns(c=1), "c"),
        (FRAME.select("b", "a"), "their order"),
    ],
)
def test_a_frame_of_another_schema_is_not_written(place, frame, columns):
    with pytest.raises(
        SettingsError, match=f"another schema: {columns}; select and cast"
    ):
        write_frame(frame, f"{place}/x.parquet", schema=FRAME.schema)
    with pytest.raises(FileNotFoundError):
        read(f"{place}/x.parquet")


def test_of_writers_at_once_each_writes_all_or_is_told(place):
    """A writer that saw an older file never takes the place of a newer one."""
    told, written = [], []

    def write(number):
        try:
            written.append(
                write_frame(pl.DataFrame({"n": [number] * 1000}), f"{place}/x.parquet")
            )
        except CommitConflict:
            told.append(number)

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(told) + len(written) == 8
    assert written
    assert read(f"{place}/x.parquet").n_unique() == 1


def test_a_uri_that_names_no_file_is_refused():
    with pytest.raises(LocationError, match="no file is named"):
        write_frame(FRAME, "memory://x")


def read(uri):
    from reporting_framework.storage import open_store, parse_location

    place = parse_location(uri)
    if open_store(place.parent).head(place.name) is None:
        raise FileNotFoundError(uri)
    return pl.read_parquet(open_store(place.parent).get(place.name).data)
