"""Locations: one way to write any place, and what cannot be a place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.errors import InvalidLocation, LocationError
from reporting_framework.storage import Location, parse_location
from tests.support.properties import given_more

SEGMENTS = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=8,
).filter(lambda text: text not in (".", ".."))
KEYS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/key.parquet", Location("s3", "bucket", "key.parquet")),
        ("s3://bucket/a/b/", Location("s3", "bucket", "a/b")),
        ("s3://bucket", Location("s3", "bucket", "")),
        ("s3://bucket/", Location("s3", "bucket", "")),
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
        (
            "",
            "a location is empty or holds a NUL character; give a path or an s3:// URI",
        ),
        (
            "  ",
            "a location is empty or holds a NUL character; give a path or an s3:// URI",
        ),
        (
            "a\0b",
            "a location is empty or holds a NUL character; give a path or an s3:// URI",
        ),
        (
            "file://host/data",
            "file://host/data: a file URI has three slashes, as in file:///data/events",
        ),
        (
            "file://data",
            "file://data: a file URI has three slashes, as in file:///data/events",
        ),
        (
            "file:data",
            "file:data: neither a URI nor a path; write s3://bucket/key with two slashes, or ./ before a path",
        ),
        (
            "arn:aws:s3:us-east-1:1:accesspoint/x",
            "arn:aws:s3:us-east-1:1:accesspoint/x: an ARN is not a path; write s3://bucket/key, with the alias of an access point as the bucket",
        ),
        (
            "~nobody-of-this-name/x",
            "~nobody-of-this-name/x: no such user; write ./ before a path whose name begins with ~",
        ),
        ("s3://", "s3://: the bucket is missing; write s3://bucket/key"),
        (
            "memory:///key",
            "memory:///key: the bucket is missing; write memory://bucket/key",
        ),
        (
            "gcs://b/k",
            "gcs://b/k: unknown scheme 'gcs'; allowed are s3://, gs://, az://, file://, memory:// and plain paths",
        ),
        (
            "S3://b/k",
            "S3://b/k: unknown scheme 'S3'; allowed are s3://, gs://, az://, file://, memory:// and plain paths",
        ),
    ],
)
def test_what_is_no_place_is_refused(uri, message):
    with pytest.raises(LocationError) as raised:
        parse_location(uri)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    "uri",
    ["s3:/b/k", "s3:b/k", "S3:/b/k", "gs:/b", "s3:\\b\\k", "x:/y", "C:\\x", "file:/x", "https:/x", "./s3:/b/k", "/data/s3:/b/k",
     "out/gs:", "/in/file:/x"],
)  # fmt: skip
def test_what_was_a_uri_is_no_path(uri, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InvalidLocation,
        match="neither a URI nor a path; write s3://bucket/key with two slashes, or ./",
    ):
        parse_location(uri)


def test_what_a_path_library_makes_of_a_uri_is_refused():
    for made in (
        str(Path("s3://b/k")),
        str(Path("in") / "s3://b/k"),
        os.path.abspath("s3://b/k"),
    ):
        with pytest.raises(InvalidLocation):
            parse_location(made)


@pytest.mark.parametrize(
    "uri", ["./x:/y", "a:b", "2024-01-01T10:00:00", "/a:b/c:d/s3", "run:x"]
)
def test_a_colon_may_be_part_of_a_path(uri):
    assert parse_location(uri).uri == os.path.abspath(uri)


@pytest.mark.parametrize(
    "uri",
    [
        " s3://b/k",
        "s3://b/k ",
        "s3://b/k\n",
        "\tx",
        "x ",
        " /x",
        "\u00a0x",
        "file:///x ",
    ],
)
def test_white_space_around_a_place_is_refused(uri):
    with pytest.raises(
        InvalidLocation,
        match="white space around a location; remove it, or end a folder",
    ):
        parse_location(uri)


@pytest.mark.parametrize("scheme", ["s3", "memory"])
def test_credentials_are_no_part_of_a_bucket_and_are_not_shown(scheme):
    with pytest.raises(InvalidLocation, match="credentials do not belong") as raised:
        parse_location(f"{scheme}://user:secret@b/k")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "bucket",
    [
        "b k",
        "b:80",
        "b?x",
        "b#x",
        "b\\k",
        ".b",
        "é",
        "b%20",
        "{study}",
    ],
)
def test_what_is_no_bucket_is_refused(bucket):
    with pytest.raises(
        InvalidLocation, match="a bucket's name consists of letters, digits, . _ and -"
    ) as raised:
        parse_location(f"s3://{bucket}/k")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "uri", ["file:///a%2Fb", "file:///a%2fb", "file:///a%00b", "file:///a%FFb"]
)
def test_a_file_uri_whose_decoding_is_another_name_is_refused(uri):
    with pytest.raises(InvalidLocation):
        parse_location(uri)


def test_what_is_above_a_symbolic_link_is_what_the_system_says(tmp_path):
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "far" / "x").write_text("far")
    (tmp_path / "x").write_text("near")
    (tmp_path / "link").symlink_to("far/deep")
    for uri in (f"{tmp_path}/link/../x", f"{tmp_path}/link/./../../far/deep/../x"):
        assert (
            Path(parse_location(uri).uri).read_text() == Path(uri).read_text() == "far"
        )


PIECES = st.sampled_from(
    ["s3:", "S3:", "gs:", "file:", "memory:", "x:", "/", "//", "///", "\\", "b", "bucket", "a.parquet", "..", ".", "~", " ",
     "\t", "\n", "?versionId=1", "#f", "%2F", "%2e%2e", "%", "@", ":", "user:pw@", "{study}", "é", "\0", "\udcff", "localhost"]
)  # fmt: skip


BEGINNINGS = st.sampled_from(["", "s3://b", "s3://b/k", "memory://b/k"])
"""Without one, hardly any text would name a place in a bucket."""


@given_more(
    1000,
    st.tuples(BEGINNINGS, st.lists(PIECES, max_size=6).map("".join)).map("".join)
    | st.text(max_size=12),
)
def test_a_place_is_named_by_its_uri_or_refused(text):
    """Whatever the text: its place has a URI that names the same place, and of a bucket just that text but for a slash."""
    try:
        place = parse_location(text)
    except InvalidLocation as error:
        assert error.exit_code == 2
        return
    if place.uri == place.uri.strip():  # a slash behind it would name the same folder
        assert parse_location(place.uri) == place
    if place.scheme == "file":
        assert text.partition("://")[1] == "" or text.startswith("file://")
        assert place.uri == os.path.normpath(place.uri)
    else:
        assert text in (place.uri, f"{place.uri}/")


@pytest.mark.parametrize(
    "key", ["/a", "a//", "/", "//", "a//b", "../b", "a/./b", "a/..", "a\nb", "a\x7f"]
)
def test_a_segment_that_no_uri_can_name_is_refused(key):
    with pytest.raises(
        LocationError,
        match="an empty, . or .. segment or a control character cannot be part of a URI",
    ):
        parse_location(f"s3://bucket/{key}")


def test_parts_of_a_place():
    place = Location("s3", "bucket", "a/b/c.parquet")
    assert (place.name, place.parent) == ("c.parquet", Location("s3", "bucket", "a/b"))
    assert place.parent.join("d") == Location("s3", "bucket", "a/b/d")
    assert Location("s3", "bucket", "").join("d").uri == "s3://bucket/d"
    assert (Location("s3", "bucket", "").uri, Location("file", "/", "").uri) == (
        "s3://bucket",
        "/",
    )


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
    if place.uri == place.uri.strip():  # white space at the end is refused
        assert parse_location(place.uri) == place


@given(KEYS)
def test_a_file_survives_its_uri(key):
    """A plain absolute path is read as it is, whatever is in it; white space at its end is refused, see above."""
    place = Location("file", "/", key)
    if not place.uri.partition("://")[1] and place.uri == place.uri.strip():
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
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "gone")],
        capture_output=True,
        text=True,
    )
    assert (
        "LocationError: x.parquet: the working directory no longer exists"
        in done.stderr
    )
