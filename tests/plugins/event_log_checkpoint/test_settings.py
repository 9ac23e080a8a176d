"""Settings of the report: the two ways to name a place, what is missing, and places that would mix."""

import os

import pytest
from pydantic import ValidationError

from reporting_event_log_checkpoint.settings import CENTURY, EventLogSettings

PLACES = {"source": "events", "checkpoint": "out/visits.parquet"}


def errors(**values):
    """Type and place of each error."""
    with pytest.raises(ValidationError) as error:
        EventLogSettings(**values)
    return [(each["type"], each["loc"]) for each in error.value.errors()]


def message(**values):
    """The message of the only error."""
    with pytest.raises(ValidationError) as error:
        EventLogSettings(**values)
    (only,) = error.value.errors()
    return only["msg"].removeprefix("Value error, ")


def test_every_field_has_a_description_since_it_is_an_option():
    assert all(field.description for field in EventLogSettings.model_fields.values())


def test_the_published_names_stand_in_the_place_of_the_uris():
    assert EventLogSettings.environment == {
        "source_bucket": "SOURCE_BUCKET",
        "prefix": "PREFIX",
        "checkpoint_bucket": "CHECKPOINT_BUCKET",
        "checkpoint_key": "CHECKPOINT_KEY",
    }
    assert EventLogSettings.alternatives == {
        "source": ("source_bucket", "prefix"),
        "checkpoint": ("checkpoint_bucket", "checkpoint_key"),
    }


@pytest.mark.parametrize(
    ("given", "source", "checkpoint"),
    [
        (PLACES, "events", "out/visits.parquet"),
        (
            {"source": "s3://b/p/", "checkpoint": "s3://c/k.parquet"},
            "s3://b/p/",
            "s3://c/k.parquet",
        ),
        (
            {"source": "file:///e", "checkpoint": "memory://m/k.parquet"},
            "file:///e",
            "memory://m/k.parquet",
        ),
        (
            {
                "source_bucket": "b",
                "checkpoint_bucket": "c",
                "checkpoint_key": "d/k.parquet",
            },
            "s3://b/",
            "s3://c/d/k.parquet",
        ),
        (
            {"source_bucket": "b", "prefix": "p/q", "checkpoint": "k.parquet"},
            "s3://b/p/q",
            "k.parquet",
        ),
        (
            {"source_bucket": "b", "prefix": "", "checkpoint": "k.parquet"},
            "s3://b/",
            "k.parquet",
        ),
        (
            {"source_bucket": "b", "prefix": "p/", "checkpoint": "k.parquet"},
            "s3://b/p/",
            "k.parquet",
        ),
        (
            {
                "source": "e",
                "checkpoint_bucket": "c",
                "checkpoint_key": "{study}/k.parquet",
            },
            "e",
            "s3://c/{study}/k.parquet",
        ),
        (
            {**PLACES, "source_bucket": "b", "prefix": "p"},
            "events",
            "out/visits.parquet",
        ),
    ],
)
def test_places(given, source, checkpoint):
    settings = EventLogSettings(**given)
    assert (settings.source, settings.checkpoint) == (source, checkpoint)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["source", "checkpoint"]),
        ({"source": "", "checkpoint": ""}, ["source", "checkpoint"]),
        ({"source": None, "checkpoint": "k.parquet"}, ["source"]),
        ({"checkpoint": "k.parquet"}, ["source"]),
        ({"source": "events"}, ["checkpoint"]),
        ({"checkpoint": "k.parquet", "prefix": "p"}, ["source_bucket"]),
        ({"source": "events", "checkpoint_bucket": "b"}, ["checkpoint_key"]),
        ({"source": "events", "checkpoint_key": "k.parquet"}, ["checkpoint_bucket"]),
    ],
)
def test_what_is_missing_is_named(given, missing):
    assert errors(**given) == [("missing", (name,)) for name in missing]


def test_a_misspelt_name_is_told_although_it_leaves_something_missing():
    assert errors(sorce="events", checkpoint="k.parquet") == [
        ("extra_forbidden", ("sorce",))
    ]


def test_settings_are_not_made_of_anything_but_names_and_values():
    with pytest.raises(ValidationError, match="should be a valid dictionary"):
        EventLogSettings.model_validate("source")


@pytest.mark.parametrize(
    ("source", "checkpoint"),
    [
        ("data", "data/k.parquet"),
        ("data", "data/out/k.parquet"),
        ("data/", "./data/out/../k.parquet"),
        (".", "k.parquet"),
        ("..", "k.parquet"),
        ("/", "/k.parquet"),
        ("file:///data", "/data/k.parquet"),
        ("/data", "file:///data/k.parquet"),
        ("/data", "/data/{study}/k.parquet"),
        ("/data", "/data/x-{study}.parquet"),
        ("s3://b", "s3://b/out/k.parquet"),
        ("s3://b/p", "s3://b/p/k.parquet"),
        ("s3://b/p/", "s3://b/p/{study}/{datatype}/k.parquet"),
        ("memory://m/p", "memory://m/p/k.parquet"),
    ],
)
def test_a_checkpoint_in_the_sources_own_folder_is_refused(source, checkpoint):
    assert message(source=source, checkpoint=checkpoint) == (
        "the checkpoint is in the source's folder; use a folder that is not below the source"
    )


@pytest.mark.parametrize(
    ("source", "checkpoint"),
    [
        ("data", "data-out/k.parquet"),
        ("data/in", "data/k.parquet"),
        ("data/in", "data/{study}/k.parquet"),
        ("data", "{study}/k.parquet"),
        ("s3://b/p", "s3://b/pq/k.parquet"),
        ("s3://b/p", "s3://b/k.parquet"),
        ("s3://b/p", "s3://c/p/k.parquet"),
        ("s3://b/p", "memory://b/p/k.parquet"),
    ],
)
def test_a_checkpoint_beside_or_above_the_source_is_not(source, checkpoint):
    assert (
        EventLogSettings(source=source, checkpoint=checkpoint).checkpoint == checkpoint
    )


def test_another_name_of_the_sources_folder_is_found_out(tmp_path):
    (tmp_path / "events").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "events")
    for source, folder in (("events", "link"), ("link", "events")):
        text = message(
            source=str(tmp_path / source),
            checkpoint=str(tmp_path / folder / "k.parquet"),
        )
        assert text.startswith("the checkpoint is in the source's folder")


def test_a_quarantine_in_the_sources_own_folder_is_refused():
    assert message(**PLACES, quarantine="events/bad.parquet").startswith(
        "the quarantine is in the source's"
    )
    assert (
        EventLogSettings(**PLACES, quarantine="out/bad.parquet").quarantine
        == "out/bad.parquet"
    )


@pytest.mark.parametrize("field", ["checkpoint", "quarantine"])
@pytest.mark.parametrize(
    "uri", ["k.csv", "k.parquet/", "parquet", "s3://k.parquet", "s3://b/", "k.PARQUET"]
)
def test_a_file_ends_in_parquet(field, uri):
    assert message(**{**PLACES, field: uri}) == "the name must end in .parquet"


def test_a_key_ends_in_parquet():
    found = errors(source="events", checkpoint_bucket="b", checkpoint_key="k")
    assert found == [
        ("value_error", ("checkpoint",)),
        ("value_error", ("checkpoint_key",)),
    ]


@pytest.mark.parametrize("field", ["source", "checkpoint", "quarantine"])
@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (
            "gcs://b/k.parquet",
            "unknown scheme 'gcs'; allowed are s3://, gs://, az://, file://, memory:// and plain paths",
        ),
        ("s3:///k.parquet", "the bucket is missing; write s3://bucket/key"),
        (
            "file://host/k.parquet",
            "a file URI has three slashes, as in file:///data/events",
        ),
    ],
)
def test_a_place_that_cannot_be(field, uri, said):
    assert message(**{**PLACES, field: uri}) == f"{uri}: {said}"


@pytest.mark.parametrize(
    "halves",
    [{"prefix": "/p"}, {"prefix": "p//"}, {"prefix": "a//b"}, {"prefix": "../p"}],
    ids=str,
)
def test_a_prefix_that_would_be_another_is_refused(halves):
    assert "segment or a control character cannot be part" in message(
        source_bucket="b", checkpoint="k.parquet", **halves
    )


@pytest.mark.parametrize("key", ["/k.parquet", "a//k.parquet", "//k.parquet"])
def test_a_checkpoint_key_that_would_be_another_is_refused(key):
    assert "segment or a control" in message(
        source="events", checkpoint_bucket="b", checkpoint_key=key
    )


@pytest.mark.parametrize("bucket", ["s3://b", "b/p", "b c"])
def test_a_bucket_is_its_name_alone(bucket):
    text = "not a bucket's name; leave out s3:// and slashes"
    assert message(source_bucket=bucket, checkpoint="k.parquet") == text
    assert (
        message(source="events", checkpoint_bucket=bucket, checkpoint_key="k.parquet")
        == text
    )


@pytest.mark.parametrize(
    ("field", "allowed", "refused"),
    [
        (
            "lookback_days",
            [0, 0.5, CENTURY],
            [-1, CENTURY + 1, float("inf"), float("nan"), "x"],
        ),
        ("full_scan_every_days", [0, 30], [-0.1, float("inf")]),
        ("max_in_flight", [1, 1024], [0, 1025, 1.5]),
        ("max_record_bytes", [1, 2**30], [0]),
        ("validator", ["visit-event", "visit-event-v2"], ["pydantic", ""]),
        ("extra", ["ignore", "reject", "keep"], ["allow"]),
        ("compression", ["zstd", "snappy"], ["gzip", None]),
        ("exclude_projects", [[], ["sandbox-*", "x"]], ["sandbox-*", [1]]),
        ("full_scan", [True, False], ["maybe"]),
    ],
)
def test_limits(field, allowed, refused):
    for value in allowed:
        assert getattr(EventLogSettings(**PLACES, **{field: value}), field) == value
    for value in refused:
        found = errors(**PLACES, **{field: value})
        assert {place[0] for _, place in found} == {field}


def test_the_file_system_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EventLogSettings(**PLACES)
    assert os.listdir(tmp_path) == []
