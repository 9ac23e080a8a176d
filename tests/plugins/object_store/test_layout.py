"""Where the files of a checkpoint lie: each combination in a file of its own, and no value leads out of the folder."""

import string
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import SettingsError, Split
from reporting_framework.metadata.places import MetadataPlaces
from reporting_framework.storage import Location, parse_location
from reporting_framework.storage.key_values import LONGEST, encode
from reporting_object_store.parquet_sink.layout import Layout
from tests.support.plugins import checkpoint, metadata

TEXTS = (
    st.none()
    | st.text(max_size=12)
    | st.text("ab-_.~%/=", max_size=6)
    | st.sampled_from(["", ".", "..", "~null", "~empty"])
)
LONG = st.text("a-é/_", min_size=100, max_size=300)
SEPARATORS = st.text("-_.=, ~a1", min_size=1, max_size=3).filter(
    lambda text: set(text) & set("-_.=, ")
)
TEMPLATES = st.sampled_from(
    [
        "{a}/{b}.parquet",
        "{a}/{b}/x.parquet",
        "{a}-{b}.parquet",
        "{a}_{b}.parquet",
        "{a}.{b}.parquet",
        "a={a}/b={b}/x.parquet",
        "a={a},b={b}.parquet",
        "x-{a}-and-{b}-y/z.parquet",
    ]
)


@given(TEXTS | LONG, TEXTS | LONG)
def test_different_values_are_encoded_differently(one, other):
    """`encode` is injective."""
    assert (encode(one) == encode(other)) == (one == other)


@given(TEXTS | LONG, st.sets(st.sampled_from("-_.")))
def test_a_value_is_one_segment_that_is_seen(value, apart):
    """Never empty, never hidden, never a way out, never too long for a file system, nor does it hold a separator."""
    text = encode(value, apart)
    assert text
    assert text[0] not in "._"
    assert set(text) <= set(string.ascii_letters + string.digits + "-_.~%")
    assert len(text) <= LONGEST
    if value:
        assert not set(text) & apart


@given(TEMPLATES, TEXTS | LONG, TEXTS, TEXTS | LONG, TEXTS)
def test_each_combination_has_a_file_of_its_own_in_the_folder(template, a, b, c, d):
    """Keys of two combinations are the same only if the combinations are; all lie below the folder and match `pattern`."""
    layout = Layout.parse(f"memory://m/folder/{template}")
    one, other = layout.key({"a": a, "b": b}), layout.key({"a": c, "b": d})
    assert (one == other) == ((a, b) == (c, d))
    place = parse_location(f"memory://m/folder/{one}")
    assert layout.folder.holds(place)
    assert layout.pattern.fullmatch(one)
    assert layout.owns(place)


@given(SEPARATORS, st.tuples(TEXTS, TEXTS), st.tuples(TEXTS, TEXTS))
def test_what_stands_between_two_columns_keeps_them_apart(separator, one, other):
    """For any separator with a character that can be told apart, the layout is injective."""
    layout = Layout.parse(f"memory://m/{{a}}{separator}{{b}}.parquet")
    keys = [layout.key(dict(zip("ab", values, strict=True))) for values in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@given(st.text(string.ascii_letters + string.digits + "-_.~%/=é \n", max_size=12))
def test_what_the_pattern_matches_is_one_segment_of_the_form_that_encode_gives(segment):
    """Nothing hidden, no deeper folder, no half escape and no character that `encode` never gives is taken for a file."""
    if Layout.parse("memory://m/{a}/x.parquet").pattern.fullmatch(
        f"{segment}/x.parquet"
    ):
        assert segment[0] not in "._"
        assert set(segment) <= set(string.ascii_letters + string.digits + "-_.~%")
        assert all(
            len(part) >= 2 and set(part[:2]) <= set("0123456789ABCDEF")
            for part in segment.split("%")[1:]
        )


@pytest.mark.parametrize(
    "uri",
    [
        "memory://m/{a}/x.parquet",
        "memory://m/f/{a}.parquet",
        "memory://m/f/{a}/{b}.parquet",
    ],
)
def test_the_quarantine_is_not_among_the_checkpoints(uri):
    sink = checkpoint(uri)
    place = MetadataPlaces.of(sink.metadata_location()).quarantine
    for key in (place.name, place.name.replace(".parquet", ".json")):
        assert not sink.layout.owns(place.parent.join(key))


@pytest.mark.parametrize(
    "key",
    [
        "_quarantine/x.parquet",
        ".hidden/x.parquet",
        "a/b/x.parquet",
        "/x.parquet",
        "a/x.parquet.tmp",
        "a b/x.parquet",
        "é/x.parquet",
        "%4/x.parquet",
        "%zz/x.parquet",
        "~other/x.parquet",
        "x.parquet",
        "a/xxparquet",
    ],
)
def test_foreign_keys_are_not_matched(key):
    assert not Layout.parse("memory://m/{a}/x.parquet").pattern.fullmatch(key)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "~null"),
        ("", "~empty"),
        ("~null", "%7Enull"),
        ("adrc", "adrc"),
        ("scan-analysis", "scan-analysis"),
        ("a b/c", "a%20b%2Fc"),
        ("..", "%2E."),
        ("_hidden", "%5Fhidden"),
        ("é\0\n", "%C3%A9%00%0A"),
        (7, "7"),
        (date(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, 3), "2024-01-02%2003%3A00%3A00"),
        (True, "True"),
    ],
)
def test_values_as_segments(value, expected):
    assert encode(value) == expected


def test_a_long_value_ends_in_a_hash():
    one, other = encode("é" * 200), encode("é" * 199 + "e")
    assert one != other
    assert one.startswith("%C3%A9")
    assert len(one) == len(other) <= LONGEST


@pytest.mark.parametrize(
    ("uri", "folder", "template", "columns", "state"),
    [
        (
            "memory://m/a/b.parquet",
            "memory://m/a",
            "b.parquet",
            (),
            "memory://m/a/_quarantine/b.parquet",
        ),
        (
            "memory://m/b.parquet",
            "memory://m",
            "b.parquet",
            (),
            "memory://m/_quarantine/b.parquet",
        ),
        (
            "/d/{s}/{t}/e.parquet",
            "/d",
            "{s}/{t}/e.parquet",
            ("s", "t"),
            "/d/_quarantine/{s}/{t}/e.parquet",
        ),
        (
            "/d/s={s}/e-{s}.parquet",
            "/d",
            "s={s}/e-{s}.parquet",
            ("s",),
            "/d/_quarantine/s={s}/e-{s}.parquet",
        ),
        ("/d/{s}.parquet", "/d", "{s}.parquet", ("s",), "/d/_quarantine/{s}.parquet"),
    ],
)
def test_a_place_is_taken_apart(uri, folder, template, columns, state):
    layout = Layout.parse(uri)
    assert (layout.folder.uri, layout.template, layout.columns) == (
        folder,
        template,
        columns,
    )
    location = checkpoint(uri).metadata_location()
    assert MetadataPlaces.of(location).quarantine.uri == state
    assert metadata(checkpoint(uri)).quarantine.uri == state


def test_a_place_of_one_file_owns_that_file_only():
    layout = Layout.parse("memory://m/a/b.parquet")
    assert layout.owns(Location("memory", "m", "a/b.parquet"))
    assert not layout.owns(Location("memory", "m", "a/c.parquet"))
    assert not layout.owns(Location("memory", "n", "a/b.parquet"))


@pytest.mark.parametrize(
    "key", ["{a", "a}", "{a b}/x", "{}/x", "{1}/x", "{a}/{/x", "{{a}}/x"]
)
def test_a_brace_that_is_no_column_is_refused(key):
    with pytest.raises(
        SettingsError,
        match=r"a brace must be part of a {column} in the key, as in {study}",
    ):
        Layout.parse(f"memory://m/{key}.parquet")


def test_a_column_cannot_choose_the_bucket():
    with pytest.raises(
        SettingsError,
        match=r"s3://{study}/x.parquet: a brace must be part of a {column} in the key",
    ):
        Layout.parse("s3://{study}/x.parquet")


@pytest.mark.parametrize("key", ["{a}{b}", "{a}x{b}", "x/{a}1~%{b}/y"])
def test_columns_that_cannot_be_told_apart_are_refused(key):
    with pytest.raises(
        SettingsError,
        match=f"checkpoint memory://m/{key}.parquet: two columns in one name need a char",
    ):
        Layout.parse(f"memory://m/{key}.parquet")


def test_a_column_that_there_is_not_is_refused():
    layout = Layout.parse("memory://m/{a}/{x}/{y}.parquet")
    layout.check(["a", "x", "y", "z"])
    with pytest.raises(SettingsError) as raised:
        layout.check(["a", "b"])
    assert (
        str(raised.value)
        == "checkpoint memory://m/{a}/{x}/{y}.parquet: no column x, y; there are a, b"
    )


@pytest.mark.parametrize(
    "template", ["{a}-{b}.parquet", "x={a}.{b}/e.parquet", "{a}/{b}_{a}.parquet"]
)
def test_a_name_of_long_values_fits_a_file_system(template):
    """Names may have 255 characters; a lock adds six, a temporary file fourteen."""
    layout = Layout.parse(f"memory://m/{template}")
    for values in ({"a": "x" * 500, "b": "y" * 500}, {"a": "ü" * 500, "b": "/" * 500}):
        key = layout.key(values)
        assert max(map(len, key.split("/"))) <= 255 - 20
        assert layout.pattern.fullmatch(key)
        assert layout.key({**values, "b": values["b"] + "z"}) != key


def test_more_columns_than_a_name_has_room_for_are_refused():
    with pytest.raises(
        SettingsError, match="more than 3 columns in one name; use folders"
    ):
        Layout.parse("memory://m/{a}-{b}-{c}-{d}.parquet")


def test_a_period_of_the_timestamp_names_a_file(tmp_path):
    """In UTC, whatever the column's time zone; a column of the name goes first."""
    rows = pl.DataFrame(
        {
            "at": [datetime(2024, 12, 31, 20, tzinfo=UTC)],
            "day": ["monday"],
            "source_key": ["a"],
        }
    ).with_columns(pl.col("at").dt.convert_time_zone("Asia/Tokyo"))
    sink = checkpoint(tmp_path / "{year}" / "{month}" / "{day}.parquet", timestamp="at")
    sink.open(rows.schema)
    sink.ledger()
    result = sink.commit([sink.stage(rows, Split("one", {}), 0)])
    assert [output.uri for output in result.outputs] == [
        f"{tmp_path}/2024/2024-12/monday.parquet"
    ]
    assert sink.scan().collect().equals(rows)
    sink.close()


def test_a_period_needs_a_timestamp(tmp_path):
    """Rows that are sorted by their version have none."""
    sink = checkpoint(tmp_path / "{month}.parquet")
    schema = pl.Schema({"timestamp": pl.Datetime("us"), "source_key": pl.String()})
    with pytest.raises(SettingsError, match="no column month; there are timestamp, so"):
        sink.open(schema, "upsert")
