"""Settings that cannot work are refused when they are made."""

import pytest
from pydantic import ValidationError

from reporting_object_store.settings import (
    ObjectStoreJsonSettings,
    ParquetCheckpointSettings,
)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "name_pattern",
            "(",
            "not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (
            "name_pattern",
            "(?P<range>x)",
            "the groups `range` and `timestamp` must be named in it",
        ),
        (
            "name_pattern",
            "(?P<timestamp>x)",
            "the groups `range` and `timestamp` must be named in it",
        ),
        ("lookback_days", -1, "greater than or equal to 0"),
        ("lookback_days", float("inf"), "less than or equal to 100000"),
        ("lookback_days", float("nan"), "less than or equal to 100000"),
        ("full_scan_every_days", 10**12, "less than or equal to 100000"),
        ("max_in_flight", 0, "greater than or equal to 1"),
        ("max_in_flight", 1025, "less than or equal to 1024"),
        ("max_record_bytes", 0, "greater than or equal to 1"),
        ("max_object_bytes", 0, "greater than or equal to 1"),
        ("max_object_records", 0, "greater than or equal to 1"),
        ("unheard_of", 1, "Extra inputs are not permitted"),
    ],
)
def test_what_the_source_cannot_take(name, value, message):
    with pytest.raises(ValidationError) as raised:
        ObjectStoreJsonSettings(uri="memory://m", **{name: value})
    [error] = raised.value.errors()
    assert error["loc"] == (name,)
    assert message in error["msg"]


@pytest.mark.parametrize(
    "uri", ["s3://x.parquet", "memory://x.parquet", "s3://b/", "x"]
)
@pytest.mark.parametrize("field", ["uri", "quarantine"])
def test_a_checkpoint_is_a_file_that_ends_in_parquet(field, uri):
    with pytest.raises(ValidationError, match="the name must end in .parquet"):
        ParquetCheckpointSettings(**{"uri": "x.parquet", field: uri})


def test_a_pattern_with_both_groups_is_taken():
    pattern = "(?P<range>a)(?P<timestamp>b)(?P<other>c)"
    assert (
        ObjectStoreJsonSettings(uri="x", name_pattern=pattern).name_pattern == pattern
    )


@pytest.mark.parametrize(
    ("settings", "field", "message"),
    [
        ({"uri": "memory://m/x"}, "uri", "the name must end in .parquet"),
        (
            {"uri": "memory://m/x.parquet", "quarantine": "memory://m/q.json"},
            "quarantine",
            "the name must end in .parquet",
        ),
        (
            {"uri": "memory://m/x.parquet", "compression": "gzip"},
            "compression",
            "Input should be 'zstd' or 'snappy'",
        ),
        ({}, "uri", "Field required"),
    ],
)
def test_what_the_sink_cannot_take(settings, field, message):
    with pytest.raises(ValidationError) as raised:
        ParquetCheckpointSettings(**settings)
    [error] = raised.value.errors()
    assert error["loc"] == (field,)
    assert message in error["msg"]
