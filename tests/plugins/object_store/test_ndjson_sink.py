"""The archive: what is in it reads back equal, and the same rows are the same objects, however they came."""

import itertools
import json
import re
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import unquote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_framework import Permission, SettingsError, Split
from reporting_framework.errors import AccessDenied, LocationError
from reporting_framework.plugin_api.records import CommitResult, ReadFailure
from reporting_framework.storage import open_store, sending
from reporting_object_store.ndjson_sink.encoding import (
    LONGEST_METADATA,
    lines,
    object_name,
    pieces,
    short,
)
from reporting_object_store.ndjson_sink.sink import MAX_WORKERS, NdjsonArchive
from tests.plugins.object_store.json_values import JSON_VALUES
from tests.support import Fault
from tests.support.properties import given_more

_numbers = itertools.count(1)

HOUR = "year=2024/month=01/day=01/hour=00"
SCHEMA = pl.Schema(
    {
        'tïtle "x\\': pl.String(),
        "big": pl.Int128(),
        "id": pl.UInt64(),
        "share": pl.Float64(),
        "good": pl.Boolean(),
        "day": pl.Date(),
        "timestamp": pl.Datetime("us", "UTC"),
        "payload": pl.String(),
        "context": pl.String(),
        "source_key": pl.String(),
    }
)
JSON = ("payload", "context")
START = datetime(2024, 1, 1, tzinfo=UTC)

json_texts = st.builds(
    lambda value, indent, plain: json.dumps(
        value, indent=indent, ensure_ascii=plain
    ).replace("\n", "\r\n"),
    JSON_VALUES,
    st.sampled_from([None, 1]),
    st.booleans(),
)
row = st.tuples(
    st.none() | st.text(max_size=8),
    st.none() | st.integers(-(2**127) + 1, 2**127 - 1),
    st.integers(0, 2**64 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
    st.none() | st.dates(date(1, 1, 1)),
    st.integers(0, 4 * 3600 * 10**6).map(
        lambda number: START + timedelta(microseconds=number)
    ),
    st.none() | json_texts,
    json_texts,
    st.text(max_size=6),
)
rows = st.lists(row, min_size=1, max_size=25, unique_by=lambda each: each[-1])


def table(found):
    return pl.DataFrame(list(found), schema=SCHEMA, orient="row")


def place():
    return f"memory://archive-{next(_numbers)}/out"


def made(uri, schema=SCHEMA, **options):
    options = {"json_columns": JSON, **options} if schema is SCHEMA else options
    sink = NdjsonArchive(NdjsonArchive.Settings(uri=str(uri), **options))
    sink.open(schema)
    return sink


def plain(number, source_key=None, text="x", hour=0):
    moment = START + timedelta(hours=hour, microseconds=number)
    return (
        text,
        number,
        number,
        0.5,
        True,
        None,
        moment,
        '{"a": [1]}',
        "null",
        source_key or f"k{number:05}",
    )


def commit(uri, *parts, shuffle=lambda staged_parts: staged_parts, **options):
    sink = made(uri, **options)
    staged_parts = [
        sink.stage(table(part), Split(f"{at:03}", {}), 0)
        for at, part in enumerate(parts)
        if part
    ]
    return sink.commit(shuffle(staged_parts))


def content(uri):
    store = open_store(uri)
    return {
        entry.key: store.get(entry.key).data for page in store.list() for entry in page
    }


def records(uri):
    return [
        json.loads(line, parse_float=Decimal)
        for data in content(uri).values()
        for line in lines(data)
    ]


def written(each):
    """What is to be read of a row."""
    values = dict(zip(SCHEMA, each, strict=True))
    values["timestamp"] = each[6].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    values["day"] = each[5].isoformat() if each[5] else None
    return {
        name: json.loads(value) if name in JSON else value
        for name, value in values.items()
        if value is not None
    }


def same(one, other):
    """Equal, and of the same kind: 1, 1.0 and True are not the same."""
    return repr(one) == repr(other)


# -- what is written ----------------------------------------------------------------------------------------------------


@given_more(
    150, found=rows, max_rows=st.integers(1, 30), max_bytes=st.integers(1, 3000)
)
def test_what_is_archived_reads_back_equal(found, max_rows, max_bytes):
    uri = place()
    commit_result = commit(uri, found, max_rows=max_rows, max_bytes=max_bytes)
    back, stored = {}, content(uri)
    for key, data in stored.items():
        read = [json.loads(line) for line in lines(data)]
        assert len(read) <= max_rows
        assert len(read) == 1 or len(zlib.decompress(data, 31)) <= max_bytes
        assert {
            f"year=2024/month=01/day=01/hour={each['timestamp'][11:13]}"
            for each in read
        } == {key.rpartition("/")[0]}
        back |= {each["source_key"]: each for each in read}
    assert same(
        sorted(back.items()), sorted((each[-1], written(each)) for each in found)
    )
    assert {
        output.uri: (output.rows, output.new_rows, output.bytes)
        for output in commit_result.outputs
    } == {
        f"{uri}/{key}": (len(lines(data)), len(lines(data)), len(data))
        for key, data in stored.items()
    }
    assert commit_result.duplicates is None
    assert commit_result.newest == max(each[6] for each in found)
    assert commit_result.failed == []


def test_rows_keep_their_order_and_columns_that_of_the_schema():
    uri = place()
    commit(uri, [plain(3), plain(1)], [plain(2)])
    [data] = content(uri).values()
    assert [json.loads(line)["id"] for line in lines(data)] == [3, 1, 2]
    assert (
        lines(data)[0]
        == (
            '{"tïtle \\"x\\\\":"x","big":3,"id":3,"share":0.5,"good":true,"timestamp":"2024-01-01T00:00:00.000003Z",'
            '"payload":{"a": [1]},"context":null,"source_key":"k00003"}'
        ).encode()
    )


def test_every_type_has_its_form():
    frame = pl.DataFrame(
        {
            "f": pl.Series([float("nan"), float("-inf"), None, 1e300, -0.0]),
            "dec": pl.Series(
                [
                    Decimal("1.10"),
                    None,
                    Decimal("-0.01"),
                    Decimal("12345678901234567890.12"),
                    Decimal(0),
                ]
            ),
            "ns": pl.Series(
                [1, None, 2, 3, 4], dtype=pl.Datetime("ns", "Europe/Berlin")
            ),
            "bare": pl.Series([1, None, 2, 3, 4], dtype=pl.Datetime("ms")),
            "many": pl.Series([[1, None], None, [], [2], [3]]),
            "deep": pl.Series([{"a": {"b": "é"}}, None, {"a": None}, None, None]),
            "nothing": pl.Series([None] * 5),
            "kind": pl.Series(["a", None, "b", "a", "a"], dtype=pl.Enum(["a", "b"])),
            "timestamp": pl.Series([START] * 5, dtype=pl.Datetime("ms", "Asia/Tokyo")),
            "source_key": ["1", "2", "3", "4", "5"],
        }
    )
    uri = place()
    sink = made(uri, frame.schema)
    sink.commit([sink.stage(frame, Split("a", {}), 0)])
    stamp = '"timestamp":"2024-01-01T00:00:00.000000Z"'
    [(key, data)] = content(uri).items()
    assert key.startswith(f"{HOUR}/1..5-"), "in UTC"
    assert [line.decode() for line in lines(data)] == [
        '{"f":null,"dec":1.10,"ns":"1970-01-01T00:00:00.000000001Z","bare":"1970-01-01T00:00:00.001000",'
        f'"many":[1,null],"deep":{{"a":{{"b":"é"}}}},"kind":"a",{stamp},"source_key":"1"}}',
        f'{{"f":null,{stamp},"source_key":"2"}}',
        '{"dec":-0.01,"ns":"1970-01-01T00:00:00.000000002Z","bare":"1970-01-01T00:00:00.002000",'
        f'"many":[],"deep":{{"a":null}},"kind":"b",{stamp},"source_key":"3"}}',
        '{"f":1e+300,"dec":12345678901234567890.12,"ns":"1970-01-01T00:00:00.000000003Z",'
        f'"bare":"1970-01-01T00:00:00.003000","many":[2],"kind":"a",{stamp},"source_key":"4"}}',
        '{"f":-0.0,"dec":0.00,"ns":"1970-01-01T00:00:00.000000004Z","bare":"1970-01-01T00:00:00.004000",'
        f'"many":[3],"kind":"a",{stamp},"source_key":"5"}}',
    ]


def test_an_object_is_gzip_without_time_or_name_and_ends_with_a_line():
    uri = place()
    commit(uri, [plain(1), plain(2)])
    [data] = content(uri).values()
    assert data[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert zlib.decompress(data, 31).endswith(b"}\n")
    assert len(lines(data)) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "incorrect header check"),
        (zlib.compress(b"a\n", 1, 31)[:-3], "incomplete or truncated"),
    ],
)
def test_what_is_no_object_has_no_lines(data, message):
    with pytest.raises(zlib.error, match=message):
        lines(data)


def test_a_partition_may_be_any_folder():
    uri = place()
    commit(uri, [plain(1), plain(2, hour=30)], partition="v1/%Y-%j/%m_%d.%H%M")
    assert sorted(key.rpartition("/")[0] for key in content(uri)) == [
        "v1/2024-001/01_01.0000",
        "v1/2024-002/01_02.0600",
    ]


# -- the same rows ------------------------------------------------------------------------------------------------------


@given_more(
    120,
    found=rows,
    draw=st.data(),
    max_rows=st.integers(1, 30),
    max_bytes=st.integers(1, 3000),
)
def test_fragments_may_come_in_any_grouping_and_order(found, draw, max_rows, max_bytes):
    """Split and part say where rows belong; how many of them are staged together does not matter."""
    limits = {"max_rows": max_rows, "max_bytes": max_bytes}
    whole, pieces_ = place(), place()
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(found)), max_size=5)))
    parts = [
        found[begin:end]
        for begin, end in zip([0, *cuts], [*cuts, len(found)], strict=True)
    ]
    one = commit(whole, found, **limits)
    other = commit(
        pieces_, *parts, shuffle=lambda each: draw.draw(st.permutations(each)), **limits
    )
    assert content(whole) == content(pieces_)
    assert [output.rows for output in one.outputs] == [
        output.rows for output in other.outputs
    ]


def test_parts_of_a_split_follow_each_other_by_number():
    uri = place()
    sink = made(uri)
    sink.commit(
        [
            sink.stage(table([plain(number)]), Split("a", {}), number)
            for number in (10, 9, 2)
        ]
    )
    [data] = content(uri).values()
    assert [json.loads(line)["id"] for line in lines(data)] == [2, 9, 10]


def test_rows_that_come_again_are_written_over_themselves(tmp_path):
    for uri in (place(), str(tmp_path / "out")):
        found = [plain(number, hour=number % 3) for number in range(30)]
        commit(uri, found[:20], found[20:], max_rows=4)
        before = content(uri)
        commit(uri, found, max_rows=4)
        assert content(uri) == before
        assert len(before) == 9
        commit(uri, found[:10], max_rows=4)
        assert before.items() <= content(uri).items(), "other rows have other names"


def test_rows_are_staged_by_many_threads_at_once_and_more_than_once():
    whole, uri = place(), place()
    found = [[plain(number * 10 + at) for at in range(10)] for number in range(40)]
    commit(whole, *found)
    sink = made(uri)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            staged_parts = list(
                pool.map(
                    lambda at: sink.stage(table(found[at]), Split(f"{at:03}", {}), 0),
                    range(40),
                )
            )
    assert [staged_part.rows for staged_part in staged_parts] == [10] * 40
    sink.commit(staged_parts)
    assert content(uri) == content(whole)


def test_nothing_staged_writes_nothing():
    uri = place()
    sink = made(uri)
    sink.stage(table([plain(1)]), Split("a", {}), 0)
    assert sink.commit([]) == CommitResult(duplicates=None)
    sink.close()
    assert content(uri) == {}
    assert sink.ledger() is None
    assert sink.metadata_location() is None


# -- names and sizes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "max_rows", "max_bytes", "expected"),
    [
        ([], 2, 10, []),
        ([1, 1, 1], 2, 10, [(0, 2), (2, 1)]),
        ([5, 5, 1], 9, 10, [(0, 2), (2, 1)]),
        ([5, 6], 9, 10, [(0, 1), (1, 1)]),
        ([11, 11], 9, 10, [(0, 1), (1, 1)]),
        ([1, 11, 1], 9, 10, [(0, 1), (1, 1), (2, 1)]),
        ([10], 1, 10, [(0, 1)]),
    ],
)
def test_a_file_is_as_large_as_both_limits_allow(sizes, max_rows, max_bytes, expected):
    assert list(pieces(sizes, max_rows, max_bytes)) == expected


ODD = [
    "",
    ".",
    "..",
    "_x",
    "a/b/../c#12",
    "%41",
    "é" * 400,
    "a\0\n ?*[",
    "~null",
    "日本#1",
    "x" * 5000 + "1",
    ".._-",
]


@pytest.mark.parametrize("kind", ["folder", "memory", "s3"])
def test_odd_source_keys_have_names_everywhere(kind, tmp_path, request):
    if kind == "s3":
        request.getfixturevalue("s3_environment")
        uri = f"s3://{request.getfixturevalue('bucket')}/out"
    else:
        uri = place() if kind == "memory" else str(tmp_path / "out")
    commit_result = commit(
        uri,
        [
            plain(number, source_key) if source_key else (*plain(number)[:-1], "")
            for number, source_key in enumerate(ODD)
        ],
        max_rows=1,
    )
    assert commit_result.failed == []
    assert sorted(each["source_key"] for each in records(uri)) == sorted(ODD)
    assert {output.uri for output in commit_result.outputs} == {
        f"{uri}/{key}" for key in content(uri)
    }
    heads = {output.uri: output.version for output in commit_result.outputs}
    assert heads == {
        f"{uri}/{key}": open_store(uri).head(key).version for key in content(uri)
    }


@given_more(
    200,
    one=st.lists(st.text(max_size=60), min_size=1, max_size=3),
    other=st.lists(st.text(max_size=60), min_size=1, max_size=3),
)
def test_a_name_is_bounded_visible_and_of_these_rows_alone(one, other):
    name = object_name(one)
    assert len(name) <= 210
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ndjson\.gz", name), (
        "no % or : among others, and not hidden"
    )
    assert (name == object_name(other)) == (one == other)


@given(st.text(max_size=30), st.integers(1, 90))
def test_a_short_source_key_is_the_end_of_it(source_key, longest):
    found = short(source_key, longest)
    assert len(found) <= longest
    assert source_key.endswith(unquote(found, errors="ignore"))
    assert len(unquote(short(source_key, 1000))) == len(source_key)


def test_a_name_says_what_is_in_it():
    name = object_name(["in/a.json#1", "b", "in/c.json#7"])
    assert name.startswith("in-a.json-1..in-c.json-7-")


# -- S3 -----------------------------------------------------------------------------------------------------------------


def test_an_object_carries_what_is_in_it_and_is_not_decompressed_on_the_way(
    s3_environment, bucket
):
    long = "é" * 300
    commit_result = commit(
        f"s3://{bucket}/a", [plain(1, "in/ä#1"), plain(2), plain(3, long)]
    )
    [output] = commit_result.outputs
    answer = s3_environment.client().get_object(
        Bucket=bucket, Key=output.uri.removeprefix(f"s3://{bucket}/")
    )
    assert answer["ContentType"] == "application/x-ndjson"
    assert "ContentEncoding" not in answer
    assert answer["ETag"] == output.version
    metadata = answer["Metadata"]
    assert metadata == {
        "count": "3",
        "first-origin": "in%2F%C3%A4%231",
        "last-origin": "%C3%A9" * 150,
    }
    assert sum(map(len, [*metadata, *metadata.values()])) <= 2048
    assert len(metadata["last-origin"]) == LONGEST_METADATA
    data = answer["Body"].read()
    assert len(data) == output.bytes
    assert len(lines(data)) == 3


@pytest.fixture
def behind(s3_environment, proxy, bucket, monkeypatch):
    """A place behind the proxy; what fails is tried once more."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return f"s3://{bucket}/a"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.answer(503, "SlowDown"),
        Fault.cut(),
        Fault.lose(),
        Fault.answer(409, "OperationAborted"),
    ],
)
def test_what_one_object_cannot_keep_fails_and_the_others_are_kept(
    behind, proxy, fault
):
    found = [plain(number, hour=number % 3) for number in range(9)]
    proxy.inject(fault, kind="PUT", key="*/hour=01/*", times=None)
    commit_result = commit(behind, found)
    assert commit_result.failed == [
        ReadFailure(f"k{number:05}", "ndjson-archive: unavailable")
        for number in (1, 4, 7)
    ]
    assert [output.rows for output in commit_result.outputs] == [3, 3]
    assert commit_result.newest == found[8][6]
    kept = set(content(behind))
    proxy.reset()
    again = commit(behind, [found[number] for number in (1, 4, 7)])
    assert again.failed == []
    assert sorted(each["id"] for each in records(behind)) == list(range(9))
    assert kept <= set(content(behind))


def test_an_answer_that_is_lost_once_is_not_noticed(behind, proxy):
    proxy.inject(Fault.lose(), kind="PUT")
    commit_result = commit(behind, [plain(1), plain(2)])
    assert commit_result.failed == []
    assert len(records(behind)) == 2


def test_when_all_fail_all_come_again(behind, proxy):
    proxy.inject(Fault.answer(503, "SlowDown"), kind="PUT", times=None)
    commit_result = commit(behind, [plain(1)], [plain(2)])
    assert (commit_result.outputs, commit_result.newest, len(commit_result.failed)) == (
        [],
        None,
        2,
    )


@pytest.mark.parametrize(
    ("status", "code", "error", "message"),
    [
        (403, "AccessDenied", AccessDenied, "access denied"),
        (404, "NoSuchBucket", LocationError, "no such bucket"),
    ],
)
def test_what_does_not_pass_is_raised_and_the_rest_is_not_begun(
    behind, proxy, status, code, error, message
):
    proxy.inject(Fault.answer(status, code), kind="PUT", key="*/hour=00/*", times=None)
    with pytest.raises(error, match=message):
        commit(
            behind,
            [plain(number, hour=number % 24) for number in range(240)],
            max_rows=1,
        )
    assert all(len(lines(data)) == 1 for data in content(behind).values()), (
        "whole objects"
    )


def test_several_objects_are_written_at_once_and_no_more_than_that(monkeypatch):
    sink = made(place(), max_rows=1)
    together, most, lock, now = (
        threading.Barrier(MAX_WORKERS),
        [0],
        threading.Lock(),
        [0],
    )

    def replace(key, data, **more):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(10)
        with lock:
            now[0] -= 1
        return "v"

    monkeypatch.setattr(sink.store, "replace", replace)
    sink.commit(
        [
            sink.stage(
                table([plain(number) for number in range(MAX_WORKERS * 3)]),
                Split("a", {}),
                0,
            )
        ]
    )
    assert most == [MAX_WORKERS]


def test_a_folder_holds_the_files_and_nothing_else(tmp_path):
    commit(
        tmp_path / "new" / "out", [plain(number) for number in range(10)], max_rows=3
    )
    assert {
        path.name.rpartition(".ndjson.gz")[1:]
        for path in tmp_path.rglob("*")
        if path.is_file()
    } == {(".ndjson.gz", "")}


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(LocationError, match="expected a file and found something else"):
        commit(tmp_path / "out", [plain(1)])


# -- settings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"timestamp": "day"},
            r"timestamp: day is not a Datetime column with a time zone; the columns are .*id \(UInt64\)",
        ),
        (
            {"timestamp": "none"},
            "timestamp: none is not a Datetime column",
        ),
        (
            {"json_columns": ["id", "payload", "none"]},
            "json_columns: id, none is not a String column; the columns are",
        ),
    ],
)
def test_columns_that_are_not_there_are_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        made(place(), **change)


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Binary(),
        pl.List(pl.Binary()),
        pl.Struct({"a": pl.Array(pl.Binary(), 2)}),
        pl.Object(),
    ],
)
def test_a_type_without_a_form_in_json_is_refused(dtype):
    schema = pl.Schema(
        {"raw": dtype, "timestamp": pl.Datetime("us", "UTC"), "source_key": pl.String()}
    )
    with pytest.raises(
        SettingsError,
        match="column raw cannot be written as JSON; drop it in a transform; the columns are raw",
    ):
        made(place(), schema)


def test_a_row_without_a_time_is_refused():
    frame = table([plain(1)]).with_columns(timestamp=pl.lit(None, SCHEMA["timestamp"]))
    with pytest.raises(
        SettingsError,
        match="column timestamp holds a null, and rows are partitioned by it",
    ):
        made(place()).stage(frame, Split("a", {}), 0)


@pytest.mark.parametrize(
    "partition",
    ["", "/a", "a/", "a//b", "..", "a/./b", "%Q", "%", "a b", "%%", "é", "a\n"],
)
def test_a_partition_that_is_no_path_is_refused(partition):
    with pytest.raises(
        ValidationError, match="a segment may contain only letters, digits"
    ):
        NdjsonArchive.Settings(uri="x", partition=partition)


@pytest.mark.parametrize(
    "wrong",
    [{"max_rows": 0}, {"max_bytes": 0}, {"compression_level": 10}, {"uri": None}],
)
def test_limits_have_limits(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        NdjsonArchive.Settings(**{"uri": "x", **wrong})


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://b/p/", [Permission(("s3:PutObject",), "arn:aws:s3:::b/p/*")]),
        ("s3://b", [Permission(("s3:PutObject",), "arn:aws:s3:::b/*")]),
        ("memory://b/p", []),
    ],
)
def test_it_may_write_and_nothing_else(uri, expected):
    assert NdjsonArchive.aws_permissions(NdjsonArchive.Settings(uri=uri)) == expected
