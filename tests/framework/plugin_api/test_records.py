"""Source keys: the object that a record came from can always be told from them."""

from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import (
    holds_several,
    line_source_key,
    object_of,
    single_source_key,
)

KEYS = st.text(max_size=20) | st.from_regex(
    r"[a#/]*#?[0-9]{0,3}(#[0-9]{1,2})?\n?", fullmatch=True
)
LINES = st.integers(1, 10**9)


@given(KEYS)
def test_the_object_of_a_single_record_is_found(key):
    """object_of(single_source_key(k)) == k for any key, also for one with # and digits at its end."""
    assert object_of(single_source_key(key)) == key


@given(KEYS, LINES)
def test_the_object_of_a_line_is_found(key, line):
    """object_of(line_source_key(k, n)) == k for any key and line."""
    assert object_of(line_source_key(key, line)) == key
    assert holds_several(line_source_key(key, line))


@given(KEYS, KEYS, LINES, LINES)
def test_no_two_records_share_a_source_key(one, other, line, another):
    """Source keys of different keys, or of different lines of a key, differ; so do single ones of different keys."""
    if (one, line) != (other, another):
        assert line_source_key(one, line) != line_source_key(other, another)
    if one != other:
        assert single_source_key(one) != single_source_key(other)
        assert single_source_key(one) != line_source_key(other, line)


@given(KEYS)
def test_a_single_record_bears_its_object_s_name_where_that_is_clear(key):
    """The source key is the key itself, unless that would read as a line of another object."""
    assert (single_source_key(key) == key) == (not holds_several(key))


def test_examples():
    assert (
        single_source_key("a.json"),
        single_source_key("a#1"),
        line_source_key("a.ndjson", 7),
    ) == (
        "a.json",
        "a#1#1",
        "a.ndjson#7",
    )
    assert (
        object_of("a#1#1"),
        object_of("a#b"),
        object_of("a#1\n"),
        object_of("#1"),
    ) == ("a#1", "a#b", "a#1\n", "")
    assert not holds_several("a#\u0661"), "only ASCII digits make a line"
