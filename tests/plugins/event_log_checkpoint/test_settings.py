"""Settings of the report, and what it is composed of."""

import pytest
from pydantic import ValidationError

from reporting_event_log_checkpoint.report import EventLogCheckpoint
from reporting_event_log_checkpoint.settings import EventLogSettings
from reporting_framework import Use

S3 = {"source": "s3://events/prod/", "checkpoint": "s3://tables/visits.parquet"}


def first_error(**values: object) -> tuple[str, tuple[object, ...], str]:
    with pytest.raises(ValidationError) as caught:
        EventLogSettings(**values)
    error = caught.value.errors()[0]
    return error["type"], error["loc"], error["msg"]


@pytest.mark.parametrize(
    ("values", "source", "checkpoint"),
    [
        (S3, "s3://events/prod/", "s3://tables/visits.parquet"),
        (
            {"source_bucket": "b", "prefix": "/p/", "checkpoint_bucket": "c", "checkpoint_key": "k/v.parquet"},
            "s3://b/p/",
            "s3://c/k/v.parquet",
        ),
        ({"source_bucket": "b", "checkpoint": "out/v.parquet"}, "s3://b/", "out/v.parquet"),
    ],
)
def test_buckets_stand_in_the_place_of_uris(values, source, checkpoint):
    settings = EventLogSettings(**values)
    assert (settings.source, settings.checkpoint) == (source, checkpoint)


def test_defaults_are_those_of_the_published_report():
    settings = EventLogSettings(**S3)
    assert (settings.validator, settings.extra, settings.compression) == ("visit-event", "ignore", "zstd")
    assert (settings.lookback_days, settings.reconcile_every_days, settings.max_in_flight) == (35, 7, 64)
    assert (settings.max_record_bytes, settings.exclude_projects, settings.reconcile) == (1024 * 1024, [], False)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, "source"),
        ({"source": "x"}, "checkpoint"),
        ({"prefix": "p", "checkpoint": "c.parquet"}, "source_bucket"),
        ({"source": "x", "checkpoint_bucket": "b"}, "checkpoint_key"),
        ({"source": "x", "checkpoint_key": "k.parquet"}, "checkpoint_bucket"),
    ],
)
def test_what_is_missing_is_named(values, missing):
    assert first_error(**values)[:2] == ("missing", (missing,))


@pytest.mark.parametrize(
    ("values", "kind", "field", "message"),
    [
        ({**S3, "checkpoint": "s3://tables/visits.csv"}, "value_error", "checkpoint", "must end in .parquet"),
        ({**S3, "quarantine": "q.json"}, "value_error", "quarantine", "must end in .parquet"),
        ({**S3, "source": "ftp://x/y"}, "value_error", "source", "unknown scheme 'ftp'"),
        ({**S3, "source": "s3:///x"}, "value_error", "source", "the bucket is missing"),
        ({**S3, "validator": "other"}, "literal_error", "validator", "'visit-event' or 'visit-event-v2'"),
        ({**S3, "lookback_days": -1}, "greater_than_equal", "lookback_days", "greater than or equal to 0"),
        ({**S3, "max_in_flight": 0}, "greater_than_equal", "max_in_flight", "greater than or equal to 1"),
        ({**S3, "colour": "red"}, "extra_forbidden", "colour", "not permitted"),
    ],
)
def test_what_is_not_allowed_is_told(values, kind, field, message):
    found = first_error(**values)
    assert found[:2] == (kind, (field,))
    assert message in found[2]


@pytest.mark.parametrize(
    ("source", "checkpoint"),
    [
        ("data", "data/visits.parquet"),
        ("data/", "./data/out/visits.parquet"),
        ("data", "file://{cwd}/data/visits.parquet"),
        ("s3://b/p/", "s3://b/p/visits.parquet"),
        ("s3://b", "s3://b/deep/down/visits.parquet"),
        ("s3://b/p", "s3://b/p/{study}/visits.parquet"),
    ],
)
def test_a_checkpoint_below_the_source_is_refused(source, checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind, where, message = first_error(source=source, checkpoint=checkpoint.replace("{cwd}", str(tmp_path)))
    assert (kind, where) == ("checkpoint_in_source", ())
    assert "the checkpoint lies in the source's own folder" in message


@pytest.mark.parametrize(
    ("source", "checkpoint"),
    [
        ("data/in", "data/out/v.parquet"),
        ("s3://b/prod", "s3://b/production/v.parquet"),
        ("s3://b/p", "memory://b/p/v.parquet"),
    ],
)
def test_neighbours_are_apart(source, checkpoint):
    assert EventLogSettings(source=source, checkpoint=checkpoint).checkpoint == checkpoint


def test_the_composition_is_plain_data():
    settings = EventLogSettings(**S3, extra="keep", exclude_projects=["sandbox-*"], quarantine="s3://q/q.parquet")
    composition = EventLogCheckpoint().compose(settings)
    assert composition.source.name == "object-store-json"
    assert composition.source.settings["uri"] == S3["source"]
    assert composition.source.settings["include"] == "log-*.json"
    assert composition.validator == Use("visit-event", {"extra": "keep"})
    assert list(composition.transforms) == [Use("exclude-projects", {"patterns": ["sandbox-*"]})]
    assert composition.sinks[0].settings == {
        "uri": S3["checkpoint"],
        "compression": "zstd",
        "quarantine": "s3://q/q.parquet",
    }
    assert EventLogCheckpoint().compose(EventLogSettings(**S3)).transforms == []
