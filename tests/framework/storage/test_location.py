"""Locations: one way to write any place, and what cannot be a place."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.errors import LocationError
from reporting_framework.storage import Location, parse_location

SEGMENTS = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
).filter(lambda text: text not in (".", ".."))
KEYS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/key.parquet", Location("s3", "bucket", "key.parquet")),
        ("s3://bucket/a/b/", Location("s3", "bucket", "a/b")),
        ("s3://bucket", Location("s3", "bucket", "")),
        ("s3://bucket//a", Location("s3", "bucket", "a")),
        ("s3://bucket/a?b#1%20c", Location("s3", "bucket", "a?b#1%20c")),
        ("memory://name/a", Location("memory", "name", "a")),
        ("/data/events/", Location("file", "/", "data/events")),
        ("/data/../events", Location("file", "/", "events")),
        ("/data/a%20b#1?c", Location("file", "/", "data/a%20b#1?c")),
        ("file:///data/events", Location("file", "/", "data/events")),
        ("file://localhost/data", Location("file", "/", "data")),
        ("file:///data/a%20b", Location("file", "/", "data/a b")),
        ("file:///data/a#1?b.parquet", Location("file", "/", "data/a#1?b.parquet")),
        ("/", Location("file", "/", "")),
    ],
)
def test_a_place_is_read(uri, expected):
    assert parse_location(uri) == expected


def test_a_relative_path_and_a_home_are_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert parse_location("out/events.parquet").uri == f"{tmp_path}/out/events.parquet"
    assert parse_location("~/events.parquet").uri == f"{tmp_path}/home/events.parquet"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "a location is empty or holds a NUL character; give a path or an s3:// URI"),
        ("  ", "a location is empty or holds a NUL character; give a path or an s3:// URI"),
        ("a\0b", "a location is empty or holds a NUL character; give a path or an s3:// URI"),
        ("file://host/data", "file://host/data: a file URI has three slashes, as in file:///data/events"),
        ("file://data", "file://data: a file URI has three slashes, as in file:///data/events"),
        ("s3://", "s3://: the bucket is missing; write s3://bucket/key"),
        ("memory:///key", "memory:///key: the bucket is missing; write memory://bucket/key"),
        ("gs://b/k", "gs://b/k: unknown scheme 'gs'; allowed are s3://, file://, memory:// and plain paths"),
        ("S3://b/k", "S3://b/k: unknown scheme 'S3'; allowed are s3://, file://, memory:// and plain paths"),
    ],
)
def test_what_is_no_place_is_refused(uri, message):
    with pytest.raises(LocationError) as raised:
        parse_location(uri)
    assert str(raised.value) == message


@pytest.mark.parametrize("key", ["a//b", "../b", "a/./b", "a/..", "a\nb", "a\x7f"])
def test_a_segment_that_no_uri_can_name_is_refused(key):
    with pytest.raises(LocationError, match="an empty, . or .. segment or a control character cannot be part of a URI"):
        parse_location(f"s3://bucket/{key}")


def test_parts_of_a_place():
    place = Location("s3", "bucket", "a/b/c.parquet")
    assert (place.name, place.parent) == ("c.parquet", Location("s3", "bucket", "a/b"))
    assert place.parent.join("d") == Location("s3", "bucket", "a/b/d")
    assert Location("s3", "bucket", "").join("d").uri == "s3://bucket/d"
    assert (Location("s3", "bucket", "").uri, Location("file", "/", "").uri) == ("s3://bucket", "/")


def test_a_place_holds_what_lies_below_it_and_nothing_beside_it():
    place = Location("s3", "bucket", "a/b")
    assert place.holds(place)
    assert place.holds(place.join("c"))
    assert Location("s3", "bucket", "").holds(place)
    assert not place.holds(Location("s3", "bucket", "a/bc"))
    assert not place.holds(place.parent)
    assert not place.holds(Location("s3", "other", "a/b"))
    assert not Location("file", "/", "a").holds(Location("memory", "/", "a"))


@given(st.sampled_from(["s3", "memory"]), KEYS)
def test_a_bucket_place_survives_its_uri(scheme, key):
    """What `uri` writes, `parse_location` reads: for any key that can be part of a URI."""
    place = Location(scheme, "bucket", key)
    assert parse_location(place.uri) == place


@given(KEYS)
def test_a_file_survives_its_uri(key):
    """A plain absolute path is read as it is, whatever characters are in it."""
    place = Location("file", "/", key)
    if not place.uri.partition("://")[1]:
        assert parse_location(place.uri) == place
        assert os.path.abspath(place.uri) == place.uri


def test_a_path_that_is_not_text_is_refused():
    with pytest.raises(LocationError, match="not valid Unicode"):
        parse_location("o\udcff/e.parquet")


def test_a_working_directory_that_is_gone_is_told(tmp_path):
    code = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]);"
        "from reporting_framework.storage import parse_location; parse_location('x.parquet')"
    )
    (tmp_path / "gone").mkdir()
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "gone")], capture_output=True, text=True)
    assert "LocationError: x.parquet: the working directory is not there any more" in done.stderr
