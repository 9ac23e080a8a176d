"""The sink dynamodb-counters: what is counted, how many requests it takes, and what happens when it cannot."""

import json
import pickle
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from reporting_aws import templates
from reporting_aws.counters import DynamoDbCounters
from reporting_aws.counters_settings import DynamoDbCountersSettings
from reporting_framework import AccessDenied, LocationError, SettingsError, Split
from reporting_framework.plugin_api.base import supports
from tests.plugins.aws import wire

HOUR = {
    "partition_key": "exp_{experiment_id}#hour#{timestamp:%Y-%m-%d-%H}",
    "sort_key": "type#{event_type}",
}
DAY = {
    "partition_key": "exp_{experiment_id}#day#{timestamp:%Y-%m-%d}",
    "sort_key": "type#{event_type}",
}
BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)

SCHEMA = pl.Schema(
    {
        "event_id": pl.String,
        "user_id": pl.String,
        "experiment_id": pl.String,
        "event_type": pl.String,
        "timestamp": pl.Datetime("us", "UTC"),
        "source_key": pl.String,
    }
)


def settings(**changes):
    return DynamoDbCountersSettings(
        **{"table": "counters", "counters": [HOUR, DAY], **changes}
    )


def rows(*events, first=0):
    """A frame of (event id, user id, experiment, type, minutes)."""
    data = [
        (
            event,
            user,
            experiment,
            kind,
            BEGIN + timedelta(minutes=minutes),
            f"source key-{first + number}",
        )
        for number, (event, user, experiment, kind, minutes) in enumerate(events)
    ]
    return pl.DataFrame(data, schema=SCHEMA, orient="row")


def commit(sink, *frames, schema=SCHEMA):
    sink.open(schema)
    return sink.commit(
        [sink.stage(frame, Split("s", {}), part) for part, frame in enumerate(frames)]
    )


def items(client):
    client.wire.fault = lambda number, operation: None
    return [
        item
        for page in client.get_paginator("scan").paginate(TableName="counters")
        for item in page["Items"]
    ]


def counters(client):
    """Counts by key: (event_count, unique_users)."""
    return {
        (item["partition_key"]["S"], item["sort_key"]["S"]): (
            int(item["event_count"]["N"]),
            int(item["unique_users"]["N"]) if "unique_users" in item else None,
        )
        for item in items(client)
        if item["sort_key"]["S"] != "marker"
    }


def key(counter, experiment="1", kind="view"):
    return (f"exp_{experiment}#{counter}", f"type#{kind}")


def test_events_and_distinct_users_are_counted(counted):
    frame = rows(
        ("a", "u", "1", "view", 0),
        ("b", "u", "1", "view", 70),
        ("c", "v", "1", "view", 0),
        ("d", "v", "2", "buy", 0),
    )
    commit_result = commit(DynamoDbCounters(settings()), frame)
    assert counters(counted) == {
        key("hour#2026-03-01-10"): (2, 2),
        key("hour#2026-03-01-11"): (1, 1),
        key("day#2026-03-01"): (3, 2),
        key("hour#2026-03-01-10", "2", "buy"): (1, 1),
        key("day#2026-03-01", "2", "buy"): (1, 1),
    }
    (output,) = commit_result.outputs
    assert (output.uri, output.rows, output.new_rows, output.bytes, output.version) == (
        "dynamodb://counters",
        4,
        4,
        0,
        None,
    )
    assert (commit_result.duplicates, commit_result.failed) == (0, [])


def test_what_comes_again_is_not_counted_again(counted):
    frame = rows(
        ("a", "u", "1", "view", 0),
        ("b", "v", "1", "view", 0),
        ("a", "u", "1", "view", 0),
    )
    first = commit(DynamoDbCounters(settings()), frame)
    before = counters(counted)
    counted.wire.clear()
    again = commit(DynamoDbCounters(settings()), frame[2:], frame[:2])
    assert (
        before
        == counters(counted)
        == {key("hour#2026-03-01-10"): (2, 2), key("day#2026-03-01"): (2, 2)}
    )
    assert (
        first.outputs[0].new_rows,
        first.duplicates,
        again.outputs[0].new_rows,
        again.duplicates,
    ) == (2, 1, 0, 3)
    assert counted.wire.operations[:1] == ["BatchGetItem"]
    assert "TransactWriteItems" not in counted.wire.operations


def test_nothing_staged_is_nothing_asked(counted):
    for delivery in ("exactly-once", "at-least-once"):
        commit_result = commit(DynamoDbCounters(settings(delivery=delivery)))
        assert commit_result.outputs[0].rows == 0
    assert counted.wire.operations == []


def test_a_null_user_is_nobody_and_a_null_id_is_told_by_its_source_key(counted):
    frame = rows((None, "u", None, "view", 0), (None, None, None, "view", 0))
    for _ in range(2):
        commit_result = commit(DynamoDbCounters(settings(counters=[DAY])), frame)
    assert counters(counted) == {("exp_none#day#2026-03-01", "type#view"): (2, 1)}
    assert commit_result.duplicates == 2


def test_an_event_counts_once_in_an_item_that_two_counters_name(counted):
    both = [
        {"partition_key": "{experiment_id}", "sort_key": "x"},
        {"partition_key": "{event_type}", "sort_key": "x"},
    ]
    commit(
        DynamoDbCounters(settings(counters=both)), rows(("a", "u", "same", "same", 0))
    )
    assert counters(counted) == {("same", "x"): (1, 1)}


def test_markers_are_hashes_that_expire(counted):
    commit(
        DynamoDbCounters(settings(marker_days=2)),
        rows(("secret-id", "secret-user", "1", "view", 0)),
    )
    markers = [item for item in items(counted) if item["sort_key"]["S"] == "marker"]
    assert sorted(item["partition_key"]["S"].partition("#")[0] for item in markers) == [
        "event",
        "user",
        "user",
    ]
    assert {len(item["partition_key"]["S"].partition("#")[2]) for item in markers} == {
        64
    }
    assert "secret" not in json.dumps(markers)
    for item in markers:
        assert abs(int(item["expires_at"]["N"]) - time.time() - 2 * 86_400) < 60
    assert all(
        "expires_at" not in item
        for item in items(counted)
        if item["sort_key"]["S"] != "marker"
    )


def test_at_least_once_counts_rows_with_a_request_for_each_counter(counted):
    frame = rows(*((f"e{n}", f"u{n}", str(n % 5), "view", 0) for n in range(1000)))
    sink = DynamoDbCounters(settings(delivery="at-least-once"))
    commit_result = commit(sink, frame[:500], frame[500:])
    assert counted.wire.counts == {"UpdateItem": 10}
    assert set(counters(counted).values()) == {(200, None)}
    assert len(items(counted)) == 10
    assert (commit_result.duplicates, commit_result.outputs[0].new_rows) == (None, 1000)
    commit(sink, frame)
    assert set(counters(counted).values()) == {(400, None)}


@pytest.mark.slow
def test_a_thousand_events_take_at_most_two_requests_for_25(counted):
    frame = rows(*((f"e{n}", f"u{n}", str(n % 5), "view", 0) for n in range(1000)))
    commit_result = commit(DynamoDbCounters(settings()), frame)
    assert commit_result.outputs[0].new_rows == 1000
    assert (
        counted.wire.counts["BatchGetItem"] == counted.wire.counts["TransactWriteItems"]
    )
    assert counted.wire.counts.total() <= 2 * 1000 / 25
    assert (
        max(len(body.get("TransactItems", ())) for body in counted.wire.bodies) <= 100
    )
    assert (
        sum(
            "Update" in item
            for body in counted.wire.bodies
            for item in body.get("TransactItems", ())
        )
        <= 75
    )
    assert set(counters(counted).values()) == {(200, 200)}


def test_the_most_counters_still_fit_into_a_transaction(counted):
    many = [
        {"partition_key": f"c{n}#{{experiment_id}}", "sort_key": "all"}
        for n in range(49)
    ]
    commit_result = commit(
        DynamoDbCounters(settings(counters=many)),
        rows(("a", "u", "1", "v", 0), ("b", "u", "1", "v", 0)),
    )
    assert [
        len(body["TransactItems"])
        for body in counted.wire.bodies
        if "TransactItems" in body
    ] == [100]
    assert set(counters(counted).values()) == {(2, 1)}
    assert commit_result.outputs[0].new_rows == 2
    counted.wire.clear()
    commit(
        DynamoDbCounters(settings(counters=many)),
        rows(("c", "v", "1", "v", 0), ("d", "w", "1", "v", 0)),
    )
    assert [
        len(body["TransactItems"])
        for body in counted.wire.bodies
        if "TransactItems" in body
    ] == [99, 99]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (wire.cancel("None", "TransactionConflict"), "contended"),
        (wire.cancel("None", "ConditionalCheckFailed"), "contended"),
        (wire.cancel("ThrottlingError", "None"), "throttled"),
        (wire.cancel("ProvisionedThroughputExceeded"), "throttled"),
        (wire.cancel("None", "None"), "unavailable"),
        (wire.refused(400, "ProvisionedThroughputExceededException"), "throttled"),
        (wire.refused(400, "ThrottlingException"), "throttled"),
        (wire.refused(400, "TransactionInProgressException"), "contended"),
        (wire.refused(500, "InternalServerError"), "unavailable"),
        (wire.refused(503, "Odd"), "unavailable"),
        (wire.refused(400, "ResourceInUseException"), "unavailable"),
        (wire.unreachable, "unavailable"),
        (wire.lost, "unavailable"),
    ],
)
def test_what_cannot_be_counted_is_given_back_and_the_rest_counted(
    counted, pauses, caplog, fault, reason
):
    frame = rows(
        *((f"e{n}", f"u{n}", "1", "v", 0) for n in range(64)),
        ("e0", "u0", "1", "v", 0),
        ("e63", "u63", "1", "v", 0),
    )
    first = {"marker": None}

    def broken(number, operation):
        """Every transaction of the first group."""
        if operation == "TransactWriteItems":
            marker = counted.wire.bodies[number]["TransactItems"][0]["Put"]["Item"][
                "partition_key"
            ]["S"]
            first["marker"] = first["marker"] or marker
            return fault if marker == first["marker"] else None
        return None

    counted.wire.fault = broken
    counted.wire.tokens_kept = False
    commit_result = commit(DynamoDbCounters(settings(attempts=4)), frame)
    assert {item.reason for item in commit_result.failed} == {
        f"dynamodb-counters: {reason}"
    }
    source_keys = {item.source_key for item in commit_result.failed}
    assert {
        "source key-0",
        "source key-64",
    } <= source_keys  # a copy shares the fate of the first
    assert "source key-65" not in source_keys
    assert (commit_result.outputs[0].new_rows, commit_result.duplicates) == (32, 1)
    assert len(source_keys) == 33
    assert len(pauses) == 3
    assert "SECRET" not in caplog.text + repr(commit_result)
    counted.wire.fault = lambda number, operation: None
    again = commit(DynamoDbCounters(settings()), frame)
    assert set(counters(counted).values()) == {(64, 64)}
    assert again.failed == []


def test_a_lost_answer_is_asked_for_with_the_same_token(counted):
    counted.wire.fault = lambda number, operation: wire.lost if number == 1 else None
    commit_result = commit(DynamoDbCounters(settings()), rows(("a", "u", "1", "v", 0)))
    tokens = [
        body["ClientRequestToken"]
        for body in counted.wire.bodies
        if "ClientRequestToken" in body
    ]
    assert counted.wire.operations == [
        "BatchGetItem",
        "TransactWriteItems",
        "TransactWriteItems",
    ]
    assert len(set(tokens)) == 1
    assert (commit_result.outputs[0].new_rows, commit_result.duplicates) == (1, 0)


def test_after_a_lost_answer_whose_token_is_forgotten_it_is_read_again(counted):
    counted.wire.tokens_kept = False
    counted.wire.fault = lambda number, operation: wire.lost if number == 1 else None
    commit_result = commit(DynamoDbCounters(settings()), rows(("a", "u", "1", "v", 0)))
    assert counted.wire.operations[1:] == [
        "TransactWriteItems",
        "TransactWriteItems",
        "BatchGetItem",
    ]
    assert (commit_result.outputs[0].new_rows, commit_result.duplicates) == (0, 1)
    assert set(counters(counted).values()) == {(1, 1)}


def test_another_writer_between_read_and_write_is_seen(counted):
    other = rows(("a", "u", "1", "v", 0), ("x", "w", "1", "v", 0))

    def meanwhile(number, operation):
        if number == 1:
            commit(DynamoDbCounters(settings()), other)

    counted.wire.fault = meanwhile
    commit_result = commit(
        DynamoDbCounters(settings()),
        rows(("a", "u", "1", "v", 0), ("b", "u", "1", "v", 0), ("c", "z", "1", "v", 0)),
    )
    assert (commit_result.outputs[0].new_rows, commit_result.duplicates) == (2, 1)
    assert set(counters(counted).values()) == {(4, 3)}


def test_when_the_table_is_away_each_further_group_is_tried_once(counted, pauses):
    frame = rows(*((f"e{n}", f"u{n}", "1", "v", 0) for n in range(320)))
    counted.wire.fault = lambda number, operation: wire.unreachable
    commit_result = commit(DynamoDbCounters(settings(attempts=5)), frame)
    assert len(commit_result.failed) == 320
    assert counted.wire.counts == {"BatchGetItem": 5 + 2}, (
        "after three groups in a row the rest is given back"
    )
    assert len(pauses) == 4


def test_keys_left_out_of_a_read_are_asked_for_again(counted, pauses):
    def part(send, body):
        left = body["RequestItems"]["counters"]["Keys"][1:]
        told = {
            "Responses": {"counters": []},
            "UnprocessedKeys": {"counters": {"Keys": left}} if left else {},
        }
        return wire.AWSResponse("", 200, {}, wire.Raw(json.dumps(told).encode()))

    counted.wire.fault = lambda number, operation: (
        part if operation == "BatchGetItem" else None
    )
    commit_result = commit(
        DynamoDbCounters(settings(attempts=3)), rows(("a", "u", "1", "v", 0))
    )
    assert commit_result.failed == []
    assert [
        len(body["RequestItems"]["counters"]["Keys"])
        for body in counted.wire.bodies[:3]
    ] == [3, 2, 1]
    counted.wire.clear()
    counted.wire.fault = lambda number, operation: (
        part if operation == "BatchGetItem" else None
    )
    commit_result = commit(
        DynamoDbCounters(settings(attempts=2)), rows(("b", "u", "1", "v", 0))
    )
    assert [item.reason for item in commit_result.failed] == [
        "dynamodb-counters: throttled"
    ]


def test_pauses_grow_and_are_drawn_at_random(counted, pauses):
    counted.wire.fault = lambda number, operation: wire.refused(
        400, "ThrottlingException"
    )
    commit(DynamoDbCounters(settings(attempts=12)), rows(("b", "u", "1", "v", 0)))
    assert len(pauses) == len(set(pauses)) == 11
    assert all(
        0 <= pause <= min(2.0, 0.05 * 2**number) for number, pause in enumerate(pauses)
    )


DENIED = "sink dynamodb-counters: table counters: access was denied (AccessDeniedException); see `reporting iam`"
NO_TABLE = "sink dynamodb-counters: table counters: not found in this account and region (ResourceNotFoundException); check the name, the account and AWS_REGION"
ODD_KEYS = (
    "sink dynamodb-counters: table counters: the request was refused (ValidationException); its keys must be the strings "
    "partition_key and sort_key, and existing values of event_count and unique_users must be numbers"
)


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
@pytest.mark.parametrize(
    ("status", "code", "error", "message"),
    [
        (400, "AccessDeniedException", AccessDenied, DENIED),
        (400, "ResourceNotFoundException", LocationError, NO_TABLE),
        (400, "ValidationException", LocationError, ODD_KEYS),
    ],
)
def test_what_never_passes_is_raised_without_a_value(
    counted, delivery, status, code, error, message
):
    counted.wire.fault = lambda number, operation: (
        wire.refused(status, code) if operation != "BatchGetItem" else None
    )
    with pytest.raises(error) as raised:
        commit(
            DynamoDbCounters(settings(delivery=delivery)), rows(("a", "u", "1", "v", 0))
        )
    assert str(raised.value) == message
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_cancellation_that_never_passes_is_raised(counted):
    counted.wire.fault = lambda number, operation: (
        wire.cancel("ConditionalCheckFailed", "ValidationError")
        if operation == "TransactWriteItems"
        else None
    )
    with pytest.raises(
        LocationError,
        match=r"table counters: the request was refused \(ValidationError\)",
    ):
        commit(DynamoDbCounters(settings()), rows(("a", "u", "1", "v", 0)))


def test_a_missing_table_by_moto(dynamodb):
    with pytest.raises(
        LocationError, match="table counters: not found in this account and region"
    ):
        commit(DynamoDbCounters(settings()), rows(("a", "u", "1", "v", 0)))


def test_no_region_and_no_credentials_are_told(aws_environment):
    aws_environment.delenv("AWS_ACCESS_KEY_ID")
    aws_environment.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        AccessDenied,
        match=r"the credentials cannot be loaded \(NoCredentialsError\); check AWS_PROFILE",
    ):
        commit(DynamoDbCounters(settings()), rows(("a", "u", "1", "v", 0)))
    aws_environment.delenv("AWS_REGION")
    aws_environment.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(
        SettingsError,
        match=r"dynamodb: no client can be created \(NoRegionError\); set AWS_REGION and credentials",
    ):
        commit(DynamoDbCounters(settings()), rows(("a", "u", "1", "v", 0)))


def test_at_least_once_gives_back_what_it_could_not_count(counted):
    frame = rows(
        ("a", "u", "1", "v", 0), ("b", "u", "2", "v", 0), ("c", "u", "2", "v", 0)
    )

    def broken(number, operation):
        return (
            wire.refused(500, "InternalServerError")
            if "exp_1#day" in json.dumps(counted.wire.bodies[number])
            else None
        )

    counted.wire.fault = broken
    commit_result = commit(
        DynamoDbCounters(settings(delivery="at-least-once", attempts=2)), frame
    )
    assert [(item.source_key, item.reason) for item in commit_result.failed] == [
        ("source key-0", "dynamodb-counters: unavailable")
    ]
    assert commit_result.outputs[0].new_rows == 2
    assert counters(counted) == {
        key("day#2026-03-01", "2", "v"): (2, None),
        key("hour#2026-03-01-10", "2", "v"): (2, None),
    }
    assert counted.wire.counts["UpdateItem"] == 4


def test_the_order_of_fragments_does_not_matter(counted):
    frame = rows(("a", "u", "1", "v", 0), ("a", "u", "1", "v", 0))
    sink = DynamoDbCounters(settings())
    sink.open(SCHEMA)
    late, early = (
        sink.stage(frame[:1], Split("b", {}), 0),
        sink.stage(frame[1:], Split("a", {}), 3),
    )
    moved = [pickle.loads(pickle.dumps(late)), pickle.loads(pickle.dumps(early))]
    counted.wire.fault = lambda number, operation: wire.unreachable
    commit_result = sink.commit(moved)
    assert [item.source_key for item in commit_result.failed] == [
        "source key-1",
        "source key-0",
    ]


def test_what_is_staged_shows_no_value(counted):
    sink = DynamoDbCounters(settings())
    sink.open(SCHEMA)
    staged_part = sink.stage(
        rows(("SECRET", "SECRET", "SECRET", "SECRET", 0)), Split("a", {}), 0
    )
    assert "SECRET" not in repr(staged_part) + repr(list(staged_part.data.events()))


def test_the_rest_of_a_sink(counted):
    sink = DynamoDbCounters(settings())
    assert sink.ledger() is sink.metadata_location() is sink.close() is None
    assert supports(sink, "aws_permissions")
    (once,) = sink.aws_permissions(settings())
    (again,) = sink.aws_permissions(settings(delivery="at-least-once"))
    assert once.resource == again.resource == "arn:aws:dynamodb:*:*:table/counters"
    assert once.actions == (
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    )
    assert again.actions == ("dynamodb:UpdateItem",)
    with pytest.raises(AssertionError, match="stage was called before open"):
        DynamoDbCounters(settings()).stage(rows(), Split("a", {}), 0)


# -- settings and keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counters": [HOUR] * 2}, "two counters have the same keys"),
        ({"counters": []}, "at least 1 item"),
        (
            {
                "counters": [
                    {"partition_key": f"c{n}", "sort_key": "x"} for n in range(50)
                ]
            },
            "at most 49 items",
        ),
        ({"table": "a b"}, "should match pattern"),
        ({"marker_days": 0}, "greater than 0"),
        ({"delivery": "never"}, "'exactly-once' or 'at-least-once'"),
        *(
            ({"counters": [{"partition_key": template, "sort_key": "x"}]}, message)
            for template, message in [
                ("", "a template must not be empty"),
                ("{a", "not a template: "),
                ("{a}-{b}", "placeholders must be separated by a #"),
                ("{a}{b}", "placeholders must be separated by a #"),
                ("100%#{a}", "the text of a template must not contain % or control"),
                ("a\nb", "the text of a template must not contain % or control"),
                ("{}", "a placeholder must be {column} or {column:%Y-%m-%d}"),
                ("{a!r}", "a placeholder must be {column} or {column:%Y-%m-%d}"),
                ("{timestamp:%c}", "the format of a moment may contain %Y %m %d"),
                ("{timestamp:>10}", "the format of a moment may contain %Y %m %d"),
                ("{timestamp:%Y#%m}", "the format of a moment may contain %Y %m %d"),
            ]
        ),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ValidationError) as raised:
        settings(**changes)
    assert message in str(raised.value)


def odd(**columns):
    return pl.Schema({**SCHEMA, **columns})


@pytest.mark.parametrize(
    ("changes", "schema", "message"),
    [
        (
            {"timestamp": "when"},
            SCHEMA,
            "timestamp: when is not a Datetime column",
        ),
        (
            {"timestamp": "user_id"},
            SCHEMA,
            "timestamp: user_id is not a Datetime column",
        ),
        (
            {"event_id": "id"},
            SCHEMA,
            "event_id: id is not a column of text or integers",
        ),
        (
            {},
            odd(user_id=pl.Float64),
            "user_id: user_id is not a column of text or integers",
        ),
        (
            {},
            odd(experiment_id=pl.Float64),
            "column experiment_id (Float64) cannot be part of a key",
        ),
        (
            {"counters": [{"partition_key": "{what}", "sort_key": "x"}]},
            SCHEMA,
            "column what does not exist; use one of event_id, user_id,",
        ),
        (
            {"counters": [{"partition_key": "{timestamp}", "sort_key": "x"}]},
            SCHEMA,
            "column timestamp (Datetime(time_unit='us', time_zone='UTC')) cannot be part of a key",
        ),
        (
            {"counters": [{"partition_key": "{user_id:%Y}", "sort_key": "x"}]},
            SCHEMA,
            "column user_id (String) is not a moment; leave :%Y out",
        ),
    ],
)
def test_columns_that_do_not_fit(changes, schema, message):
    with pytest.raises(SettingsError) as raised:
        DynamoDbCounters(settings(**changes)).open(schema)
    assert f"sink dynamodb-counters: {message}" in str(raised.value)


def rendered(template, column, dtype=None, name="c"):
    frame = pl.DataFrame({name: pl.Series(column, dtype=dtype)})
    return frame.select(templates.expression(template, name, frame.schema, "x"))[
        :, 0
    ].to_list()


def test_values_are_used_as_they_are_but_for_what_parts_them():
    values = ["é 1", "a#b", "a%23b", "\x00\n\x7f\x85", None, "none", "", "NONE"]
    expected = [
        "é 1",
        "a%23b",
        "a%2523b",
        "%00%0A%7F%C2%85",
        "none",
        "%6Eone",
        "",
        "NONE",
    ]
    assert rendered("<{c}>", values) == [f"<{value}>" for value in expected]
    assert rendered("{c}", [True, False, None]) == ["true", "false", "none"]
    assert rendered("{c}", [-1, None]) == ["-1", "none"]
    assert rendered("{c}", ["a#", None], pl.Categorical) == ["a%23", "none"]
    assert rendered("{{{{#{c}", ["a"]) == ["{{#a"]


def test_moments_are_written_in_utc():
    moments = [BEGIN, None, datetime(9999, 12, 31, 23, tzinfo=UTC)]
    series = pl.Series(moments, dtype=pl.Datetime("us", "UTC"))
    expected = ["2026-03-01-10", "none", "9999-12-31-23"]
    for each in (
        series,
        series.dt.replace_time_zone(None),
        series[:2].dt.convert_time_zone("Asia/Tokyo"),
        series.dt.cast_time_unit("ms"),
    ):
        frame = pl.DataFrame({"at": each})
        made = frame.select(
            templates.expression("{timestamp:%Y-%m-%d-%H}", "at", frame.schema, "x")
        )[:, 0].to_list()
        assert made == expected[: len(each)]
    assert rendered("{c:%Y-%j}", [BEGIN.date(), None]) == ["2026-060", "none"]


def test_moments_beyond_the_calendar_are_none():
    assert (
        rendered(
            "{c:%Y}",
            [2**63 - 1, -(2**63), 253_402_300_800_000_000],
            pl.Datetime("us", "UTC"),
        )
        == ["none"] * 3
    )


def test_keys_are_neither_empty_nor_too_long_nor_a_marker(counted):
    shape = [{"partition_key": "{experiment_id}", "sort_key": "{event_type}"}]
    frame = rows(
        ("a", "u", "", "", 0),
        ("b", "u", "x" * 3000, "é" * 600, 0),
        ("c", "u", "x" * 2048, "y" * 1024, 0),
        ("d", "u", "marker", "marker", 0),
    )
    commit_result = commit(DynamoDbCounters(settings(counters=shape)), frame)
    found = dict(counters(counted).keys())
    assert commit_result.outputs[0].new_rows == len(found) == 4
    assert found["%"] == "%"
    assert found["x" * 2048] == "y" * 1024
    assert found["marker"] == "%6Darker"
    (long,) = [pk for pk in found if pk.startswith("%sha256#")]
    assert found[long].startswith("%sha256#")
    assert len(long) == 72
