"""One file at one version: what it holds, and what is said of a file that is none."""

import base64
import io
import itertools
import random
import re
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import line_source_key, object_of, single_source_key
from reporting_framework.errors import (
    AccessDenied,
    CorruptCheckpoint,
    LocationError,
    StorageUnavailable,
)
from reporting_framework.storage import open_store, sending
from reporting_object_store.parquet_sink import checkpoint as module
from reporting_object_store.parquet_sink.checkpoint import Checkpoint, OutOfOrderError
from tests.plugins.object_store.tables import START, WIDE, in_order, rows, table
from tests.support import Fault
from tests.support.plugins import unprivileged

SMALL = pl.Schema({"timestamp": pl.Datetime("us", "UTC"), "source_key": pl.String()})
_numbers = itertools.count(1)


def parquet(frame):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def small(source_keys, moments=None):
    moments = moments or range(len(source_keys))
    frame = pl.DataFrame(
        {"timestamp": moments, "source_key": source_keys},
        {"timestamp": pl.Int64, "source_key": pl.String},
    )
    return frame.with_columns(
        timestamp=pl.lit(START) + pl.duration(seconds="timestamp")
    ).cast(SMALL)


def opened(frame, schema=SMALL, store=None):
    store = store or open_store(f"memory://checkpoint-{next(_numbers)}")
    store.put(
        "x.parquet",
        frame if isinstance(frame, bytes) else parquet(frame),
        if_version=None,
    )
    return Checkpoint.open(store, "x.parquet", schema, "timestamp")


@given(rows)
def test_what_was_written_is_read_in_order(found):
    """Rows, their number and the newest timestamp are those of the file, for any rows."""
    file = opened(table(in_order(found)), WIDE)
    assert [each for frame in file.frames() for each in frame.rows()] == in_order(found)
    assert file.rows == len(found)
    assert file.newest == max((each[-2] for each in found), default=None)
    assert file.size > 0


@given(
    st.lists(st.integers(0, 60), max_size=40),
    st.integers(-1, 61),
    st.sampled_from([1, 3, 100]),
)
def test_the_newest_timestamp_until_a_moment_is_found_from_the_end(
    moments, moment, tail
):
    file = opened(
        small([f"k{number:02}" for number in range(len(moments))], sorted(moments))
    )
    before, module.TAIL = module.TAIL, tail
    try:
        found = file.newest_until(START + timedelta(seconds=moment))
    finally:
        module.TAIL = before
    assert found == max(
        (START + timedelta(seconds=each) for each in moments if each <= moment),
        default=None,
    )


KEYS = st.sampled_from(["a", "b", "a#1", "b#", "é/c", "c#x#9", "d", "d#12"])


@given(
    st.lists(st.tuples(KEYS, st.none() | st.integers(1, 3)), max_size=12, unique=True),
    st.sets(KEYS),
    st.sampled_from([1, 2, 5, 100]),
    st.sampled_from([0, 3, 100]),
)
def test_the_objects_that_it_knows_are_those_of_its_rows(found, asked, read, few):
    """`existing_objects` returns which objects have a row, `existing_keys` which source keys: for any keys, wherever the rows lie."""
    source_keys = list(
        dict.fromkeys(
            line_source_key(key, line) if line else single_source_key(key)
            for key, line in found
        )
    )
    before = module.READ_ROWS, module.FEW_OBJECTS
    module.READ_ROWS, module.FEW_OBJECTS = read, few
    try:
        file = opened(small(source_keys))
        assert file.existing_objects(
            pl.Series(sorted(asked), dtype=pl.String)
        ) == asked & set(map(object_of, source_keys))
        wanted = [*sorted(asked), *source_keys[::2]]
        assert set(file.existing_keys(pl.Series(wanted, dtype=pl.String))) == set(
            wanted
        ) & set(source_keys)
        assert [frame.height for frame in file.frames()] == [
            min(read, len(source_keys) - start)
            for start in range(0, len(source_keys), read)
        ]
    finally:
        module.READ_ROWS, module.FEW_OBJECTS = before


def test_only_the_newest_rows_are_read_where_they_hold_all_that_is_asked_for(
    monkeypatch,
):
    monkeypatch.setattr(module, "READ_ROWS", 2)
    file = opened(small(["a", "b", "c", "d"]))
    asked = []

    class Watched(Checkpoint):
        def _collect(self, query):
            asked.append(query)
            return super()._collect(query)

    watched = Watched(
        file.store,
        file.key,
        file.timestamp,
        file.version,
        file.size,
        file.rows,
        file.newest,
    )
    assert watched.existing_objects(pl.Series(["c", "d"])) == {"c", "d"}
    assert len(asked) == 1
    assert watched.existing_objects(pl.Series(["a", "d", "z"])) == {"a", "d"}
    assert len(asked) == 3


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(tmp_path):
    """Half of one file and half of the next is no damage; the same while nobody replaces it is."""
    path = tmp_path / "x.parquet"
    small(["a"]).write_parquet(path)
    file = Checkpoint.open(open_store(str(tmp_path)), "x.parquet", SMALL, "timestamp")
    torn = []

    def query(scan):
        if not torn:
            torn.append(small(["a", "b"]).write_parquet(path))
            raise pl.exceptions.ComputeError("parquet: File out of specification")
        return scan.select("source_key")

    assert file._collect(query)["source_key"].to_list() == ["a", "b"]
    again = Checkpoint.open(open_store(str(tmp_path)), "x.parquet", SMALL, "timestamp")
    path.write_bytes(b"torn")
    with pytest.raises(CorruptCheckpoint):
        Checkpoint.open(open_store(str(tmp_path)), "x.parquet", SMALL, "timestamp")
    with pytest.raises(CorruptCheckpoint):
        again.existing_objects(pl.Series(["a"]))


def test_a_file_that_is_not_there_holds_nothing():
    file = Checkpoint.open(
        open_store(f"memory://checkpoint-{next(_numbers)}"),
        "x.parquet",
        SMALL,
        "timestamp",
    )
    assert (file.version, file.size, file.rows, file.newest) == (None, 0, 0, None)
    assert list(file.frames()) == []
    assert file.existing_objects(pl.Series(["a"])) == set()
    assert file.existing_keys(pl.Series(["a"])).is_empty()


def test_a_file_of_no_rows_holds_nothing():
    file = opened(SMALL.to_frame())
    assert (file.rows, file.newest) == (0, None)
    assert list(file.frames()) == []
    assert file.existing_objects(pl.Series(["a"])) == set()


@pytest.mark.parametrize("large", [False, True])
def test_a_file_in_a_bucket_is_read_whole_or_in_part(
    s3_environment, bucket, monkeypatch, large
):
    monkeypatch.setattr(module, "READ_WHOLE", 10 if large else 10**6)
    file = opened(small(["a", "b#1"]), store=open_store(f"s3://{bucket}/sub folder"))
    assert (file.content is None) == large
    assert file.size == file.store.head("x.parquet").size
    assert (file.rows, file.newest) == (2, START.replace(second=1))
    assert file.existing_objects(pl.Series(["a", "b", "c"])) == {"a", "b"}
    assert pl.concat(file.frames()).equals(small(["a", "b#1"]))


# -- what is no checkpoint ----------------------------------------------------------------------------------------------

GOOD = parquet(small(["a", "b"]))


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", GOOD[:-10], GOOD[: len(GOOD) // 2], b"\0" * 1000,
     GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", b'{"json": true}' * 100],
    ids=["empty", "text", "mark", "marks", "cut", "half", "zeros", "length", "json"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_what_is_no_parquet_is_told_and_left_alone(tmp_path, kind, content):
    store = open_store(
        f"memory://checkpoint-{next(_numbers)}" if kind == "memory" else str(tmp_path)
    )
    with pytest.raises(CorruptCheckpoint) as raised:
        opened(content, store=store)
    assert str(raised.value) == (
        f"{store.location.uri}/x.parquet: not a parquet file that can be read; move it away or restore an earlier "
        "version; nothing was changed"
    )
    assert store.get("x.parquet").data == content


def test_a_damaged_file_is_never_more_than_corrupt():
    """A seeded series of damaged bytes: the file is read, or refused."""
    rng = random.Random(7)
    whole = parquet(small([f"k{number}" for number in range(100)]))
    split_results = set()
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 3, 20])):
            content[rng.randrange(len(content) - 700, len(content))] = rng.randrange(
                256
            )
        try:
            file = opened(bytes(content))
            list(file.frames())
            file.existing_objects(pl.Series(["k1", "z"]))
            split_results.add("read")
        except CorruptCheckpoint:
            split_results.add("refused")
    assert split_results == {"read", "refused"}


def test_what_polars_panics_at_is_refused_too():
    schema = max(re.findall(rb"[A-Za-z0-9+/=]+", GOOD), key=len)
    unheard_of = base64.b64encode(base64.b64decode(schema).replace(b"UTC", b"UUC"))
    with pytest.raises(
        CorruptCheckpoint, match="not a parquet file that can be read"
    ) as raised:
        opened(GOOD.replace(schema, unheard_of))
    assert isinstance(raised.value.__cause__, pl.exceptions.PanicException)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (small(["a"]).drop("source_key"), "no column source_key"),
        (small(["a"]).drop("timestamp").with_columns(more=1), "no column timestamp"),
        (
            small(["a"]).with_columns(pl.col("timestamp").dt.replace_time_zone(None)),
            "column timestamp is Datetime(time_unit='us', time_zone=None), not Datetime(time_unit='us', time_zone='UTC')",
        ),
        (
            pl.DataFrame({"x": [1], "source_key": [2]}),
            "no column timestamp; column source_key is Int64, not String",
        ),
    ],
)
def test_another_schema_is_told_in_words(frame, message):
    with pytest.raises(CorruptCheckpoint) as raised:
        opened(frame)
    expected = f"x.parquet: the checkpoint has another schema: {message}; nothing was changed; go on with the"
    assert expected in str(raised.value)


@pytest.mark.parametrize("moments", [[1, 0, 2], [0, 2, 1], [0, 1, 0], [3, 3, 2]])
@pytest.mark.parametrize("read", [1, 2, 3])
def test_rows_that_are_not_in_order_are_not_taken_for_ordered_ones(
    monkeypatch, moments, read
):
    monkeypatch.setattr(module, "READ_ROWS", read)
    file = opened(small(["a", "b", "c"], moments))
    with pytest.raises(
        OutOfOrderError,
        match="x.parquet: its rows are not sorted by timestamp and source_key",
    ):
        list(file.frames())
    assert pl.concat(file.frames(ordered=False)).equals(small(["a", "b", "c"], moments))
    assert file.latest() == START.replace(second=max(moments))


@pytest.mark.parametrize("read", [1, 2, 3])
def test_rows_of_one_moment_are_in_the_order_of_their_source_keys(monkeypatch, read):
    monkeypatch.setattr(module, "READ_ROWS", read)
    assert pl.concat(opened(small(["a", "é", "b"], [0, 0, 1])).frames()).height == 3
    with pytest.raises(
        OutOfOrderError,
        match="x.parquet: its rows are not sorted by timestamp and source_key",
    ):
        list(opened(small(["é", "a", "b"], [0, 0, 1])).frames())


@pytest.mark.parametrize("inside", [None, GOOD])
def test_a_folder_in_its_place_is_told(tmp_path, inside):
    (tmp_path / "x.parquet").mkdir()
    if inside:
        (tmp_path / "x.parquet" / "part.parquet").write_bytes(inside)
    with pytest.raises(
        LocationError,
        match="x.parquet: expected a file and found something else",
    ):
        Checkpoint.open(open_store(str(tmp_path)), "x.parquet", SMALL, "timestamp")


def test_a_denied_file_is_not_an_absent_one(public_folder):
    (public_folder / "closed").mkdir()
    (public_folder / "closed" / "x.parquet").write_bytes(GOOD)
    (public_folder / "closed").chmod(0)
    with unprivileged(), pytest.raises(AccessDenied, match="the system denies access"):
        Checkpoint.open(
            open_store(str(public_folder / "closed")), "x.parquet", SMALL, "timestamp"
        )
    (public_folder / "closed").chmod(0o755)
    (public_folder / "closed" / "x.parquet").chmod(0)
    with (
        unprivileged(),
        pytest.raises((AccessDenied, StorageUnavailable), match="x.parquet: "),
    ):
        Checkpoint.open(
            open_store(str(public_folder / "closed")), "x.parquet", SMALL, "timestamp"
        )


def test_a_file_that_goes_while_it_is_read_is_unavailable_and_not_empty(tmp_path):
    file = opened(small(["a"]), store=open_store(str(tmp_path)))
    (tmp_path / "x.parquet").unlink()
    for act in (
        lambda: list(file.frames()),
        lambda: file.existing_objects(pl.Series(["a"])),
        lambda: file.existing_keys(pl.Series(["a"])),
    ):
        with pytest.raises(
            StorageUnavailable,
            match="x.parquet: .*the checkpoint could not be read, and nothing was changed",
        ):
            act()


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Fault.answer(403, "AccessDenied"), AccessDenied, "access denied"),
        (Fault.answer(404, "NoSuchBucket"), LocationError, "no such bucket"),
        (Fault.answer(503, "SlowDown"), StorageUnavailable, "503"),
        (Fault.cut(), StorageUnavailable, "did not answer"),
    ],
    ids=["denied", "bucket", "busy", "cut"],
)
def test_what_keeps_a_file_in_a_bucket_from_being_opened(
    s3_environment, proxy, bucket, monkeypatch, fault, error, message
):
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    store = open_store(f"s3://{bucket}")
    store.put("x.parquet", GOOD, if_version=None)
    proxy.inject(fault, times=None)
    with pytest.raises(error, match=message):
        Checkpoint.open(store, "x.parquet", SMALL, "timestamp")


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (
            Fault.answer(503, "SlowDown"),
            StorageUnavailable,
            "the checkpoint could not be read, and nothing was changed",
        ),
        (
            Fault.answer(403, "AccessDenied"),
            AccessDenied,
            r"access denied \(AccessDenied\); .*; the checkpoint could not be read, and nothing",
        ),
        (
            Fault.cut(),
            StorageUnavailable,
            "the checkpoint could not be read, and nothing was changed",
        ),
    ],
    ids=["busy", "denied", "cut"],
)
def test_what_polars_cannot_fetch_is_no_corrupt_file(
    s3_environment, proxy, bucket, monkeypatch, fault, error, message
):
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setattr(module, "READ_WHOLE", 10)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    store = open_store(f"s3://{bucket}")
    store.put("x.parquet", GOOD, if_version=None)
    proxy.inject(fault, kind="GET", key="x.parquet", nth=2, times=None)
    proxy.inject(fault, kind="HEAD", key="x.parquet", times=None)
    with pytest.raises(error, match=f"x.parquet: .*{message}"):
        Checkpoint.open(store, "x.parquet", SMALL, "timestamp")
