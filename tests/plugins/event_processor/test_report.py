"""What an event must be, and how the report is composed."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_event_processor.report import EventProcessor, counters
from reporting_event_processor.settings import EventProcessorSettings
from reporting_event_processor.validator import ExperimentEventValidator
from reporting_framework import Batch
from reporting_framework.plugin_api.result import RejectionCount, RunResult, Seconds

GOOD = {
    "event_id": "e-1",
    "event_type": "click",
    "user_id": "u-1",
    "timestamp": "2024-01-06T19:01:51.5+01:00",
}
PLACES = {"dynamodb_table": "counters", "s3_bucket": "archive"}


def validated(*records, **more):
    payloads = [
        record if isinstance(record, bytes) else json.dumps(record).encode()
        for record in records
    ]
    source_keys = [str(number) for number in range(len(payloads))]
    validator = ExperimentEventValidator(ExperimentEventValidator.Settings(**more))
    return validator.validate(Batch(source_keys, [None] * len(payloads), payloads))


def test_an_event_is_a_row():
    found = validated(
        {**GOOD, "experiment_id": "x", "properties": {"a": [1, {"b": None}]}}
    )
    assert found.rejections == []
    assert found.frame.to_dicts() == [
        {
            "event_id": "e-1",
            "event_type": "click",
            "user_id": "u-1",
            "timestamp": datetime(2024, 1, 6, 18, 1, 51, 500000, tzinfo=UTC),
            "experiment_id": "x",
            "properties": '{"a": [1, {"b": null}]}',
            "metadata": None,
            "source_key": "0",
        }
    ]


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"event_id": ""}, "string_too_short", "event_id"),
        ({"event_id": 1}, "string_type", "event_id"),
        ({"user_id": "x" * 257}, "string_too_long", "user_id"),
        ({"timestamp": 1704567711}, "string_type", "timestamp"),
        ({"timestamp": "2024-01-06"}, "string_pattern_mismatch", "timestamp"),
        ({"properties": []}, "dict_type", "properties"),
        ({"metadata": "x"}, "dict_type", "metadata"),
        ({"experiment_id": 7}, "string_type", "experiment_id"),
    ],
)
def test_what_is_no_event(change, kind, field):
    [rejection] = validated({**GOOD, **change}).rejections
    assert (rejection.error_type, rejection.field) == (kind, field)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[]", b"1", b"null"])
def test_what_is_no_object(payload):
    [rejection] = validated(payload).rejections
    assert rejection.field is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.text(), JSON, max_size=5),
    st.dictionaries(st.text(), JSON, max_size=5),
)
def test_what_is_nested_is_kept_as_it_is(properties, metadata):
    found = validated({**GOOD, "properties": properties, "metadata": metadata})
    assert found.rejections == []
    [row] = found.frame.to_dicts()
    assert json.loads(row["properties"]) == properties
    assert json.loads(row["metadata"]) == metadata


def test_the_settings_published_names_and_what_is_made_of_them():
    assert EventProcessorSettings.environment == {
        "s3_bucket": "S3_BUCKET", "dynamodb_table": "DYNAMODB_TABLE", "dead_letter_queue": "DLQ_URL",
    }  # fmt: skip
    made = EventProcessorSettings(**PLACES)
    assert (made.archive, made.overflow) == (
        "s3://archive/",
        "s3://archive/_dead-letters/",
    )
    composition = EventProcessor().compose(made)
    assert [composition.source.name, composition.validator.name, *(each.name for each in composition.sinks)] == [
        "kinesis", "experiment-event", "ndjson-archive", "dynamodb-counters",
    ]  # fmt: skip
    assert composition.transforms == []
    assert composition.sinks[1].settings["counters"] == [
        {"partition_key": "exp_{experiment_id}#variant#none#hour#{timestamp:%Y-%m-%d-%H}", "sort_key": "event_type#{event_type}"},
        {"partition_key": "exp_{experiment_id}#variant#none#day#{timestamp:%Y-%m-%d}", "sort_key": "event_type#{event_type}"},
    ]  # fmt: skip


def test_the_published_defaults_are_a_complete_deployment():
    made = EventProcessorSettings()
    assert (made.dynamodb_table, made.archive) == (
        "event-aggregations",
        "s3://event-archive/",
    )
    assert made.dead_letter_queue is None


def test_with_tables_there_is_enrichment_and_a_variant():
    made = EventProcessorSettings(
        dynamodb_table="counters", archive="s3://a/b", assignments_table="assignments", experiments_table="experiments",
        source="sqs", extra="ignore", dead_letter_overflow="s3://big/",
    )  # fmt: skip
    composition = EventProcessor().compose(made)
    [enrich] = composition.transforms
    assert [each["table"] for each in enrich.settings["lookups"]] == [
        "assignments",
        "experiments",
    ]
    assert "#variant#{variant}#" in counters(made)[0]["partition_key"]
    assert (composition.source.name, made.overflow) == ("sqs", "s3://big/")
    assert composition.sinks[0].settings["json_columns"] == ["properties", "metadata"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s3_bucket": "s3://archive/"}, "s3_bucket"),
        ({"dynamodb_table": "x"}, "dynamodb_table"),
        ({"archive": "ftp://x"}, "archive"),
        ({"marker_days": 0}, "marker_days"),
        ({"delivery": "once"}, "delivery"),
        ({"oops": 1}, "oops"),
    ],
)
def test_settings_that_cannot_be(change, message):
    with pytest.raises(ValidationError, match=message):
        EventProcessorSettings(**{**PLACES, **change})


def test_metrics_are_time_success_failure_and_errors_by_stage():
    result = RunResult(
        report="event-processor", run_id="r", status="partial", complete=True, records_read=14, accepted=7, duplicates=3,
        rejected=4, objects_unread=6,
        rejections=[
            RejectionCount(type="json_invalid", field=None, count=1),
            RejectionCount(type="undecodable", field=None, count=1),
            RejectionCount(type="missing", field="user_id", count=2),
        ],
        unread_reasons={"dynamodb-enrich: unavailable": 1, "dynamodb-counters: throttled": 2, "dynamodb-counters: contended": 1,
                        "ndjson-archive: unavailable": 2},
        seconds=Seconds(total=0.25),
    )  # fmt: skip
    assert EventProcessor().metrics(result) == {
        "BatchTime": (250, "Milliseconds"),
        "BatchSuccess": (10, "Count"),
        "BatchFailure": (10, "Count"),
        "ParseErrors": (2, "Count"),
        "ValidationErrors": (2, "Count"),
        "DeadLetterErrors": (0, "Count"),
        "EnrichmentErrors": (1, "Count"),
        "AggregationErrors": (3, "Count"),
        "ArchiveErrors": (2, "Count"),
    }
    assert EventProcessor().answer(None, result) == {}


def test_the_schema_does_not_depend_on_the_records():
    assert validated().frame.schema == validated(GOOD).frame.schema
    assert validated(GOOD).frame.schema["timestamp"] == pl.Datetime("us", "UTC")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dead_letter_queue": "dead"}, "not the URL of a queue"),
        ({"assignments_table": "no table"}, "String should match pattern"),
        ({"dynamodb_table": "x"}, "String should match pattern"),
    ],
)
def test_a_place_that_is_none_is_told_by_the_name_of_its_setting(change, told):
    with pytest.raises(ValidationError, match=told) as caught:
        EventProcessorSettings(**{**PLACES, **change})
    assert [error["loc"] for error in caught.value.errors()] == [tuple(change)]
