"""The checkpoint as a table: wherever it lies, in one file or many, today's files and older ones."""

import io
import itertools
import random
import socket
import threading
from contextlib import contextmanager, suppress
from datetime import date
from urllib.parse import urlsplit

import duckdb
import polars as pl
import pytest

from reporting_framework import Split, supports
from reporting_framework.errors import (
    CorruptCheckpoint,
    LocationError,
    StorageUnavailable,
)
from reporting_framework.query.filters import RowFilter
from reporting_framework.storage import open_store
from reporting_framework.testing.s3 import lead_to
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.plugins.object_store.tables import START, WIDE, table
from tests.support.plugins import checkpoint

_numbers = itertools.count(1)


def row(number, study="a", day=None, note=None):
    return (
        study,
        note,
        number,
        0,
        None,
        True,
        day,
        START.replace(minute=number % 60),
        f"k{number:05}",
    )


def prepared(uri):
    sink = checkpoint(uri)
    sink.open(WIDE)
    return sink


def committed(uri, rows):
    """A sink for a next run, after one that was given these rows."""
    sink = prepared(uri)
    sink.ledger()
    sink.commit([sink.stage(table(rows), Split("s", {}), 0)])
    sink.close()
    return prepared(uri)


@pytest.fixture(params=["memory", "folder", "s3"])
def place(request, tmp_path):
    """A folder of each kind."""
    if request.param == "s3":
        request.getfixturevalue("s3_environment")
        return f"s3://{request.getfixturevalue('bucket')}/out"
    return (
        f"memory://reading-{next(_numbers)}/out"
        if request.param == "memory"
        else f"{tmp_path}/out"
    )


ROWS = [row(1, "a"), row(2, "b"), row(3, "a"), row(4, "c")]


def test_a_checkpoint_is_readable():
    assert supports(ParquetCheckpoint, "scan")


@pytest.mark.parametrize("name", ["x.parquet", "{study}/x.parquet"])
def test_all_that_was_committed_is_there_and_nothing_before(place, name):
    assert prepared(f"{place}/{name}").scan() is None
    found = committed(f"{place}/{name}", ROWS).scan()
    assert found.collect_schema() == WIDE
    assert found.sort("number").collect().rows() == table(ROWS).rows()
    picked = found.filter(pl.col("study") == "a").select("number").sort("number")
    assert picked.collect()["number"].to_list() == [1, 3]


@pytest.mark.parametrize("name", ["x.parquet", "{study}/x.parquet"])
def test_rows_and_columns_are_picked_where_they_lie(tmp_path, name):
    found = committed(f"{tmp_path}/{name}", ROWS).scan()
    plan = RowFilter([("study", "a")]).of(found).select("number").explain()
    assert (
        plan.count("SCAN")
        == plan.count("PROJECT 2/9 COLUMNS")
        == plan.count("SELECTION:")
        == 1
    )
    assert ("2 other sources" in plan) == ("{" in name)


def test_a_file_that_is_replaced_meanwhile_is_read_as_it_was(tmp_path):
    found = committed(f"{tmp_path}/x.parquet", ROWS).scan()
    committed(f"{tmp_path}/x.parquet", [row(number, "z") for number in range(5, 500)])
    assert found.sort("number").collect().rows() == table(ROWS).rows()
    assert (
        prepared(f"{tmp_path}/x.parquet").scan().select(pl.len()).collect().item()
        == 499
    )


def test_older_files_have_nulls_where_they_lack_a_column_and_days_for_texts(place):
    """Columns that are not among today's come last, null where a file has none."""
    newer = committed(
        f"{place}/{{study}}.parquet", [row(1, "a", date(2024, 5, 6), "n")]
    )
    older = (
        table([row(2, "b", date(2023, 1, 2))])
        .drop("note", "share")
        .cast({"day": pl.String, "number": pl.Int32})
    )
    buffer = io.BytesIO()
    older.with_columns(old=pl.lit("x")).write_parquet(buffer)
    open_store(place).put("b.parquet", buffer.getvalue(), if_version=None)
    found = newer.scan().sort("number").collect()
    assert dict(found.schema) == {**WIDE, "old": pl.String()}
    assert found.select("study", "note", "number", "day", "old").rows() == [
        ("a", "n", 1, date(2024, 5, 6), None),
        ("b", None, 2, date(2023, 1, 2), "x"),
    ]


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(
        CorruptCheckpoint, match=r"x\.parquet: not a parquet file that can be read"
    ):
        prepared(f"{tmp_path}/x.parquet").scan()


def test_a_file_of_another_checkpoint_is_refused(tmp_path):
    table([row(1, "a")]).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(
        CorruptCheckpoint,
        match=r"b\.parquet: it holds rows that belong into a\.parquet",
    ):
        prepared(f"{tmp_path}/{{study}}.parquet").scan()
    table([row(1, "a")]).drop("study").write_parquet(tmp_path / "b.parquet")
    with pytest.raises(
        CorruptCheckpoint,
        match=r"b\.parquet: no column study; it is of another checkpoint",
    ):
        prepared(f"{tmp_path}/{{study}}.parquet").scan()


def test_a_bucket_that_is_not_there_is_no_empty_one(s3_environment):
    for name in ("x.parquet", "{study}.parquet"):
        with pytest.raises((LocationError, StorageUnavailable)):
            prepared(f"s3://nowhere-{next(_numbers)}/{name}").scan()


# -- what is read of a file in a bucket ---------------------------------------------------------------------------------


@contextmanager
def meter(endpoint):
    """A way to a server that counts the bytes of its answers; gives its own endpoint, and the count."""
    upstream, count, ends = urlsplit(endpoint), [0], []

    def pump(source, target, factor):
        with suppress(OSError):
            while data := source.recv(65_536):
                count[0] += len(data) * factor
                target.sendall(data)

    def accept():
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((upstream.hostname, upstream.port))
                ends.extend((client, server))
                for ways in ((client, server, 0), (server, client, 1)):
                    threading.Thread(target=pump, args=ways, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", count
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_of_a_file_in_a_bucket_only_the_columns_that_are_needed_are_read(
    s3, s3_environment, bucket, monkeypatch
):
    chance = random.Random(1)
    committed(
        f"s3://{bucket}/x.parquet",
        [row(number, note=chance.randbytes(2_000).hex()) for number in range(1_000)],
    )
    size = open_store(f"s3://{bucket}").head("x.parquet").size
    with meter(s3.endpoint) as (endpoint, count):
        lead_to(s3.behind(endpoint), monkeypatch)
        found = prepared(f"s3://{bucket}/x.parquet").scan()
        few = RowFilter([("number", "7")]).of(found).select("study", "number").collect()
        taken = count[0]
        assert few.rows() == [("a", 7)]
        assert (
            found.select(pl.col("note").str.len_bytes().sum()).collect().item()
            == 4_000_000
        )
        assert 0 < taken < size / 4 < count[0]


@pytest.mark.parametrize("value", [None, "UDS", "07", "a/b c\u00e9", "~null"])
def test_other_readers_take_the_right_value_from_a_hive_style_folder(tmp_path, value):
    """By default DuckDB takes it from the folder's name, where null has a name of its own."""
    committed(f"{tmp_path}/out/note={{note}}/x.parquet", [row(1, note=value)])
    pattern = f"{tmp_path}/out/note=*/*.parquet"
    assert duckdb.sql(f"SELECT note FROM read_parquet('{pattern}')").fetchall() == [
        (value,)
    ]
    assert duckdb.sql(
        f"SELECT note FROM read_parquet('{pattern}', hive_partitioning = false)"
    ).fetchall() == [(value,)]
    for hive in (None, True, False):
        assert pl.read_parquet(pattern, hive_partitioning=hive)["note"].to_list() == [
            value
        ]


def test_a_null_in_a_hive_style_folder_comes_back_to_the_same_file(tmp_path):
    uri = f"{tmp_path}/out/note={{note}}/x.parquet"
    committed(uri, [row(1), row(2, note="~null")])
    sink = committed(uri, [row(1), row(3)])
    assert sorted(
        path.parent.name for path in (tmp_path / "out").glob("note=*/*.parquet")
    ) == [
        "note=%7Enull",
        "note=__HIVE_DEFAULT_PARTITION__",
    ]
    assert sink.scan().sort("source_key").collect()["note"].to_list() == [
        None,
        "~null",
        None,
    ]
