"""From bytes to records: each comes out once, under its line, and no bytes whatever do harm."""

import gzip
import json
import math
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import single_source_key
from reporting_object_store.json_source.decode import (
    UndecodableError,
    inflate,
    is_single,
    records,
)
from tests.plugins.object_store.json_values import JSON_VALUES
from tests.support.properties import given_more

LIMIT = 1 << 20
OBJECTS = st.dictionaries(st.text(max_size=3), JSON_VALUES, max_size=3)
SPACE = st.text(" \t\r\n", max_size=3)
KEYS = st.sampled_from(["a.json", "a", "a.json.gz", "a#1", "x/é b.json"])


def dump(value, pretty=False):
    return json.dumps(value, ensure_ascii=False, indent=1 if pretty else None)


def decoded(key, data, limit=LIMIT):
    return list(records(key, data, limit))


def packed(data, times, level=6):
    """The bytes compressed so many times over, in one member or two."""
    if not times:
        return data
    half = len(data) // 2 if times == 2 else 0
    return (
        gzip.compress(data[:half], level) + gzip.compress(data[half:], level)
        if half
        else gzip.compress(data, level)
    )


@given(OBJECTS, SPACE, SPACE, st.booleans(), st.integers(0, 2), KEYS)
def test_one_object_is_one_record(value, before, after, pretty, times, key):
    """A JSON object, pretty or not, compressed or not, comes out whole, under the key itself."""
    text = (before + dump(value, pretty) + after).encode()
    [(source_key, payload)] = decoded(key, packed(text, times))
    assert source_key == single_source_key(key)
    assert json.loads(payload) == value


@given(
    st.lists(JSON_VALUES, max_size=6),
    SPACE,
    SPACE,
    st.booleans(),
    st.integers(0, 2),
    KEYS,
)
def test_each_element_of_an_array_comes_out_once(
    values, before, after, pretty, times, key
):
    """An array's elements come out in order, numbered from 1, each as it is written there."""
    text = (before + dump(values, pretty) + after).encode()
    found = decoded(key, packed(text, times))
    assert [source_key for source_key, _ in found] == [
        f"{key}#{number}" for number in range(1, len(values) + 1)
    ]
    assert [json.loads(payload) for _, payload in found] == values


@given(
    st.lists(st.tuples(OBJECTS, st.integers(0, 2)), min_size=2, max_size=6),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(0, 2),
    KEYS,
)
def test_each_line_comes_out_once_under_its_number(
    given_lines, blank_first, ends, newline, times, key
):
    """NDJSON told by its content: each object once, under the line that an editor shows, blank lines counted."""
    lines, numbers = [""] * blank_first, []
    for value, blanks in given_lines:
        lines.append(dump(value))
        numbers.append(len(lines))
        lines += [""] * blanks
    text = newline.join(lines) + (newline if ends else "")
    found = decoded(key, packed(text.encode(), times))
    assert [source_key for source_key, _ in found] == [
        f"{key}#{number}" for number in numbers
    ]
    assert [json.loads(payload) for _, payload in found] == [
        value for value, _ in given_lines
    ]


def test_very_many_blank_lines_are_counted_and_take_no_memory():
    data = b"\n" * 3_000_000 + b'{"a": 1}\r\n\n{"a": 2}'
    tracemalloc.start()
    found = decoded("a.ndjson", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [
        ("a.ndjson#3000001", b'{"a": 1}\r'),
        ("a.ndjson#3000003", b'{"a": 2}'),
    ]
    assert peak < 2 * len(data)


@given(
    st.lists(JSON_VALUES, max_size=5),
    st.sampled_from([".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz"]),
    st.booleans(),
)
def test_a_name_that_says_lines_means_lines(values, suffix, compress):
    """With such a name any JSON value may be on a line, and one line is line 1."""
    text = "\n".join(map(dump, values)).encode()
    found = decoded(f"a{suffix}", gzip.compress(text) if compress else text)
    assert [source_key for source_key, _ in found] == [
        f"a{suffix}#{number}" for number in range(1, len(values) + 1)
    ]
    assert [json.loads(payload) for _, payload in found] == values


@given_more(
    400,
    KEYS | st.just("a.ndjson"),
    st.binary(max_size=60)
    | st.binary(max_size=40).map(lambda data: b"\x1f\x8b" + data)
    | st.tuples(st.binary(max_size=40), st.integers(0, 60)).map(
        lambda pair: gzip.compress(pair[0])[: pair[1]]
    )
    | st.text('[]{}",: \n\r\t1e-+.\\u\ufeff#', max_size=40).map(str.encode),
    st.integers(0, 50),
)
def test_no_bytes_raise_anything_but_undecodable(key, data, limit):
    """Any bytes at all become records or an `UndecodableError`; what comes out belongs to the key, each source key once."""
    try:
        found = decoded(key, data, limit)
    except UndecodableError as error:
        assert str(error) == error.reason
        assert data[:2] == b"\x1f\x8b" or error.reason.startswith("looks_like_")
        return
    source_keys = [source_key for source_key, _ in found]
    assert len(set(source_keys)) == len(source_keys)
    assert all(
        source_key in (key, single_source_key(key)) or source_key.startswith(f"{key}#")
        for source_key in source_keys
    )


@given(
    st.binary(max_size=300), st.integers(0, 400), st.integers(1, 3), st.integers(0, 3)
)
def test_a_limit_is_on_what_is_inflated(data, limit, members, zeros):
    """Members are put together, zeros between them skipped; over the limit, and only then, it is too large."""
    packed_up = b"".join(gzip.compress(data) + bytes(zeros) for _ in range(members))
    if len(data) * members <= limit:
        assert inflate(packed_up, limit) == data * members
    else:
        with pytest.raises(UndecodableError, match="too_large"):
            inflate(packed_up, limit)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_half_a_gzip_is_invalid(data, draw):
    """A gzip file that was cut anywhere is invalid, never taken for a shorter one."""
    whole = gzip.compress(data)
    with pytest.raises(UndecodableError, match="gzip_invalid"):
        inflate(whole[: draw.draw(st.integers(2, len(whole) - 1))], LIMIT)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("half an object", b'{"a": 1'),
        ("half an array", b'[{"a": 1}, '),
        ("an array and more", b'[{"a": 1}] x'),
        ("an empty array and more", b"[] x"),
        ("elements without commas", b'[{"a": 1} {"b": 2}]'),
        ("a comma too many", b"[1,]"),
        ("a comma alone", b"[,]"),
        ("no JSON", b"hello"),
        ("nothing", b""),
        ("blanks", b" \n\t"),
        ("not UTF-8 between elements", b"[1, \xff]"),
        ("deep nesting", b"[" * 200_000),
        ("deep nesting that ends", b"[" * 200_000 + b"]" * 200_000),
        ("deep objects", b'{"a":' * 100_000),
    ],
)
def test_what_is_not_whole_comes_as_one_record_for_a_validator_to_refuse(name, data):
    assert decoded("k", data) == [("k", data)]


@pytest.mark.parametrize("key", ["k", "k.ndjson"])
@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("utf_16", '{"a": 1}'.encode("utf-16")),
        ("utf_16", '{"a": 1}'.encode("utf-16-le")),
        ("parquet", b"PAR1\n\n\nPAR1"),
        ("gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0)),
        ("zstd", b"\x28\xb5\x2f\xfd\n{}"),
    ],
)
def test_an_object_in_a_foreign_format_is_refused_as_a_whole_with_its_name(
    key, form, data
):
    with pytest.raises(UndecodableError) as caught:
        decoded(key, data)
    assert caught.value.reason == f"looks_like_{form}"


@pytest.mark.parametrize(
    ("form", "data"),
    [("csv", b"a,b\n1,2"), ("html", b"<html>"), ("binary", b"\0"), ("xml", b"<a/>")],
)
def test_text_in_a_foreign_format_is_refused_with_its_name_unless_a_line_may_be_json(
    form, data
):
    with pytest.raises(UndecodableError) as caught:
        decoded("k", data)
    assert caught.value.reason == f"looks_like_{form}"
    lines = data + b'\n{"a": 1}'
    assert decoded("k.ndjson", lines)[-1][1] == b'{"a": 1}', (
        "one bad line spoils no other"
    )


BOM = b"\xef\xbb\xbf"


@given(
    st.lists(OBJECTS, min_size=2, max_size=5),
    st.sampled_from(["", " ", "\n", "\r\n", "\n\n"]),
    st.integers(0, 2),
)
def test_each_of_several_indented_objects_comes_out_once(values, between, times):
    """Objects of several lines that follow each other come out in order, numbered from 1."""
    values[0] = {"first": 1, "second": values[0]}
    text = between.join(
        json.dumps(value, indent=2, ensure_ascii=False) for value in values
    )
    found = decoded("k", packed(text.encode(), times))
    assert [source_key for source_key, _ in found] == [
        f"k#{number}" for number in range(1, len(values) + 1)
    ]
    assert [json.loads(payload) for _, payload in found] == values


@pytest.mark.parametrize("between", ["", " "])
def test_objects_on_one_line_are_as_many_records(between):
    text = between.join(['{"a": 1}', '{"b": "}{} {"}', '{"c": 3}']).encode()
    assert decoded("k", text) == [
        ("k#1", b'{"a": 1}'),
        ("k#2", b'{"b": "}{} {"}'),
        ("k#3", b'{"c": 3}'),
    ]
    assert decoded("k", b'{"b": "}{} {"}') == [("k", b'{"b": "}{} {"}')]


@pytest.mark.parametrize(
    "broken",
    [b'{\n "a": x\n}', b'{\n "a": "\xe9\n}', b'{\n "a": [\n  1\n}', b'{\n "a": 1,\n}'],
)
@pytest.mark.parametrize("at", range(3))
def test_an_indented_object_that_is_broken_spoils_no_other(broken, at):
    objects = [b'{\n "n": 0\n}', b'{\n "n": 1\n}', b'{\n "n": 2\n}']
    objects[at] = broken
    found = decoded("k", b"\n".join(objects))
    assert [source_key for source_key, _ in found] == ["k#1", "k#2", "k#3"]
    assert [payload.strip() for _, payload in found] == objects


def test_broken_indented_objects_take_time_that_grows_with_their_number_only():
    def seconds(number):
        data = b'{\n"a": [[[[x\n}\n' * number
        began = time.process_time()
        assert len(decoded("k", data)) == number
        return time.process_time() - began

    seconds(100)
    few, many = (
        min(seconds(2_000) for _ in range(3)),
        min(seconds(16_000) for _ in range(2)),
    )
    assert math.log(many / few, 8) < 1.5, "1 is linear, 2 is quadratic"


@pytest.mark.parametrize("key", ["k", "k.ndjson"])
@pytest.mark.parametrize("times", [0, 1])
def test_a_byte_order_mark_is_no_part_of_a_record(key, times):
    one, two = b'{"a": "\xef\xbb\xbf"}', b'{"b": 2}'
    for data in (one, one + b"\n" + two):
        found = decoded(key, packed(BOM + data, times))
        assert [payload for _, payload in found] == [one, two][: data.count(b"\n") + 1]
    assert decoded("k", packed(BOM + b"[1, 2]", times)) == [
        ("k#1", b"1"),
        ("k#2", b"2"),
    ]


def test_lines_of_which_the_first_is_broken_are_lines():
    data = b'{"a": \n{"b": 2}\n'
    assert decoded("k", data) == [("k", data)], (
        "no line ends an object, so this may be one that is broken"
    )
    data = b'{"a": x}\r\n{"b": 2}\r\n'
    assert decoded("k", data) == [("k#1", b'{"a": x}\r'), ("k#2", b'{"b": 2}\r')]
    data = b'{"a": ' + b"[" * 100_000 + b"}\n" + b'{"b": 2}'
    assert [source_key for source_key, _ in decoded("k", data)] == ["k#1", "k#2"]


def test_a_pretty_object_with_an_object_at_a_line_s_start_is_one():
    data = b'{"a":\n{"b": 1}}'
    assert not is_single("k", data)
    assert decoded("k", data) == [("k", data)]


@pytest.mark.parametrize(
    "number", ["9" * 5000, "1e999999", "-" + "8" * 5000, "0." + "1" * 5000]
)
def test_one_number_that_is_too_long_for_python_spoils_no_other_record(number):
    assert decoded("k", f"[{number}, 1]".encode()) == [
        ("k#1", number.encode()),
        ("k#2", b"1"),
    ]
    lines = f'{{"a": {number}}}\n{{"a": 1}}'.encode()
    assert [source_key for source_key, _ in decoded("k", lines)] == ["k#1", "k#2"]


PACKED = gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PACKED + b"x", id="garbage behind it"),
        pytest.param(PACKED + b"\0\0x", id="garbage behind padding"),
        pytest.param(PACKED + PACKED[:4], id="half a second member"),
        pytest.param(PACKED[:-8] + b"\0" * 4 + PACKED[-4:], id="wrong checksum"),
        pytest.param(PACKED[:-4] + b"\1\0\0\0", id="wrong length"),
        pytest.param(PACKED[:2] + b"\7" + PACKED[3:], id="unknown method"),
        pytest.param(
            PACKED[:3] + b"\2" + PACKED[4:10] + b"\0\0" + PACKED[10:],
            id="wrong checksum of the header",
        ),
    ],
)
def test_a_damaged_gzip_is_invalid(data):
    with pytest.raises(UndecodableError, match="^gzip_invalid$"):
        inflate(data, LIMIT)


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_a_reserved_flag_of_a_gzip_header_is_ignored(flag):
    assert inflate(PACKED[:3] + bytes([flag]) + PACKED[4:], LIMIT) == b"{}"


def test_a_bomb_is_not_inflated_beyond_the_limit():
    bomb = zlib.compressobj(9, wbits=31)
    data = bomb.compress(bytes(64 * LIMIT)) + bomb.flush()
    assert len(data) < 70_000
    with pytest.raises(UndecodableError, match="too_large"):
        decoded("k", data)
    twice = gzip.compress(bytes(LIMIT))
    with pytest.raises(UndecodableError, match="too_large"):
        inflate(twice * 2, LIMIT)
    assert inflate(twice, LIMIT) == bytes(LIMIT)


def test_many_tiny_members_take_time_that_grows_with_their_number_only():
    def seconds(members):
        data = gzip.compress(b"") * members
        began = time.process_time()
        assert inflate(data, LIMIT) == b""
        return time.process_time() - began

    seconds(100)
    few, many = (
        min(seconds(2_000) for _ in range(3)),
        min(seconds(16_000) for _ in range(2)),
    )
    assert math.log(many / few, 8) < 1.5, "1 is linear, 2 is quadratic"


def test_space_alone_takes_little_time():
    began = time.process_time()
    assert decoded("k", b"[" + b" " * 8 * LIMIT + b"]") == []
    assert time.process_time() - began < 1


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("most", [1, 100], ids=["one at a time", "all at once"])
@pytest.mark.parametrize(
    "item",
    [b"1.50", b"1e999", b"-0", b"9" * 5000, b"NaN", b'"\\ud800"', b'{"a": 1, "a": 2}'],
)
def test_an_element_that_a_parser_may_refuse_or_change_is_handed_out_as_it_is_written(
    item, most
):
    data = b"[" + item + b" , {}\n, {}]"
    if most == 1:
        with pytest.raises(UndecodableError, match="too_many_records"):
            records("k", data, LIMIT, most)
    else:
        assert records("k", data, LIMIT, most) == (
            ("k#1", item),
            ("k#2", b"{}"),
            ("k#3", b"{}"),
        )


@pytest.mark.parametrize("other", [b"{}", b"NaN"])
def test_an_element_that_is_not_utf_8_is_one_record_as_a_line_would_be(other):
    data = b'[%b, {"a": "\xff"}]' % other
    assert records("k", data, LIMIT) == (("k#1", other), ("k#2", b'{"a": "\xff"}'))


@pytest.mark.parametrize("most", [1, 100])
@pytest.mark.parametrize(
    "data", [b"[{}, {}]x", b"[{}, {},]", b"[{} {}]", b"[{}, {}", b"[" + DEEP]
)
def test_half_an_array_is_one_record_or_too_many(data, most):
    try:
        assert records("k", data, LIMIT, most) == (("k", data),)
    except UndecodableError as error:
        assert (error.reason, most) == ("too_many_records", 1)


def test_an_array_of_too_many_records_takes_memory_for_as_many_as_may_be():
    tracemalloc.start()
    try:
        with pytest.raises(UndecodableError, match="too_many_records"):
            records("k", b"[" + b"0," * (4 * LIMIT) + b"0]", LIMIT, 1000)
        assert tracemalloc.get_traced_memory()[1] < 40 * LIMIT, (
            "8 MiB of text and no more objects than 1001"
        )
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data", [b"[0,0,0,0]", b"{}\n{}\n{}\n{}\n", gzip.compress(b"[0,0,0,0]", mtime=0)]
)
def test_an_object_of_too_many_records_is_refused_as_a_whole(data):
    assert len(records("k", data, 100, 4)) == 4
    with pytest.raises(UndecodableError) as caught:
        records("k", data, 100, 3)
    assert caught.value.reason == "too_many_records"
