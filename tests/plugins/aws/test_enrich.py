"""The transform dynamodb-enrich: what is found, what is not, what is kept, and what happens when a table fails."""

import json
import logging
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from reporting_aws import enrich_cache
from reporting_aws.enrich import DynamoDbEnrich
from reporting_aws.enrich_settings import DynamoDbEnrichSettings
from reporting_framework import (
    AccessDenied,
    LocationError,
    SettingsError,
    StorageUnavailable,
)
from tests.plugins.aws import wire

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
LOOKUP = {
    "table": "assignments",
    "key": {"user_id": "user_id", "experiment_id": "experiment_id"},
    "columns": {"variant": "variant", "assigned_at": "assigned_at"},
    "types": {"assigned_at": "timestamp"},
    "seconds_since": {"seconds": {"from": "assigned_at", "to": "timestamp"}},
}
USERS = {
    "table": "users",
    "key": {"id": "experiment_id"},
    "columns": {"age": "age"},
    "types": {"age": "integer"},
}


def settings(*lookups, **changes):
    return DynamoDbEnrichSettings(lookups=lookups or [LOOKUP], **changes)


def frame(*rows, timestamp=AT):
    """A frame of (user, experiment)."""
    schema = {
        "user_id": pl.String,
        "experiment_id": pl.Int64,
        "timestamp": pl.Datetime("us", "UTC"),
        "source_key": pl.String,
    }
    return pl.DataFrame(
        [(*row, timestamp, f"o{n}") for n, row in enumerate(rows)],
        schema=schema,
        orient="row",
    )


@pytest.fixture
def tables(dynamodb):
    """Both tables, empty."""
    for table, keys in {
        "assignments": {"user_id": "S", "experiment_id": "N"},
        "users": {"id": "N"},
    }.items():
        dynamodb.create_table(
            TableName=table,
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in keys.items()
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    dynamodb.wire.clear()
    return dynamodb


def put(client, user, experiment, **attributes):
    key = {"user_id": {"S": user}, "experiment_id": {"N": str(experiment)}}
    client.put_item(TableName="assignments", Item={**key, **attributes})
    client.wire.clear()


def test_columns_are_added_before_the_source_key(tables):
    put(
        tables,
        "u",
        1,
        variant={"S": "a"},
        assigned_at={"S": "2026-03-01T11:59:00+02:00"},
        more={"S": "x"},
    )
    put(tables, "v", 1, variant={"S": "b"})
    transform = DynamoDbEnrich(settings())
    found = transform.apply(
        frame(("u", 1), ("v", 1), ("w", 1), (None, 1), ("u", None), ("u", 1))
    )
    assert found.columns == [
        "user_id",
        "experiment_id",
        "timestamp",
        "variant",
        "assigned_at",
        "seconds",
        "source_key",
    ]
    assert found["variant"].to_list() == ["a", "b", None, None, None, "a"]
    assert found["assigned_at"].to_list() == [
        AT - timedelta(minutes=1),
        *[None] * 4,
        AT - timedelta(minutes=1),
    ]
    assert found["seconds"].to_list() == [60.0, *[None] * 4, 60.0]
    assert found["source_key"].to_list() == [f"o{n}" for n in range(6)]
    assert (transform.missing, transform.unexpected) == (
        {"assignments": 1},
        {"assignments": 0},
    )
    (body,) = tables.wire.bodies
    assert len(body["RequestItems"]["assignments"]["Keys"]) == 3
    assert body["RequestItems"]["assignments"]["ConsistentRead"] is False


def test_a_frame_with_no_rows_calls_nobody_and_has_the_same_schema(tables):
    rows = DynamoDbEnrich(settings(LOOKUP, USERS)).apply(frame(("u", 1)))
    tables.wire.clear()
    empty = DynamoDbEnrich(settings(LOOKUP, USERS)).apply(frame())
    assert empty.schema == rows.schema
    assert rows.schema["assigned_at"] == pl.Datetime("us", "UTC")
    assert rows.schema["seconds"] == pl.Float64
    assert DynamoDbEnrich(settings()).apply(frame((None, 1)))["variant"].to_list() == [
        None
    ]
    assert tables.wire.operations == []


@pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        ("string", {"S": "é"}, "é"),
        ("string", {"N": "1"}, wire.Killed),
        ("integer", {"N": "-7"}, -7),
        ("integer", {"N": "1.5"}, wire.Killed),
        ("integer", {"N": "9223372036854775808"}, wire.Killed),
        ("integer", {"S": "7"}, wire.Killed),
        ("float", {"N": "1.5"}, 1.5),
        ("float", {"BOOL": True}, wire.Killed),
        ("timestamp", {"S": "2026-03-01T10:00:00Z"}, AT),
        ("timestamp", {"S": "2026-03-01T10:00:00"}, AT),
        ("timestamp", {"N": str(int(AT.timestamp()))}, AT),
        (
            "timestamp",
            {"N": f"{AT.timestamp():.0f}.25"},
            AT + timedelta(milliseconds=250),
        ),
        ("timestamp", {"N": "1E+30"}, wire.Killed),
        ("timestamp", {"S": "0001-01-01T00:00:00+02:00"}, wire.Killed),
        ("timestamp", {"S": "yesterday"}, wire.Killed),
        ("timestamp", {"L": []}, wire.Killed),
        ("string", {"NULL": True}, None),
    ],
)
def test_attributes_of_another_type_are_null_and_counted(
    tables, caplog, kind, attribute, value
):
    put(tables, "u", 1, x=attribute)
    transform = DynamoDbEnrich(
        settings(
            {
                **LOOKUP,
                "columns": {"new": "x"},
                "types": {"new": kind},
                "seconds_since": {},
            }
        )
    )
    with caplog.at_level(logging.INFO):
        found = transform.apply(frame(("u", 1), ("u", 1)))
    odd = value is wire.Killed
    assert found["new"].to_list() == [None if odd else value] * 2
    assert transform.unexpected["assignments"] == (2 if odd else 0)
    assert (
        caplog.messages
        == [
            "transform dynamodb-enrich: table assignments: no item for 0 rows, 2 values of an unexpected type"
        ]
    ) == odd
    assert transform.missing["assignments"] == 0


def test_keys_are_asked_for_by_the_hundred_and_kept(tables):
    put(tables, "u250", 1, variant={"S": "a"})
    rows = frame(*((f"u{n}", 1) for n in range(251)))
    first = DynamoDbEnrich(settings()).apply(rows)
    assert [
        len(body["RequestItems"]["assignments"]["Keys"]) for body in tables.wire.bodies
    ] == [100, 100, 51]
    assert_frame_equal(DynamoDbEnrich(settings()).apply(rows), first)
    assert len(tables.wire.operations) == 3
    DynamoDbEnrich(
        settings({**LOOKUP, "columns": {"variant": "other", "assigned_at": "at"}})
    ).apply(rows)
    assert len(tables.wire.operations) == 6


def test_what_is_kept_has_its_time(tables, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(enrich_cache, "_now", lambda: now[0])
    put(tables, "u", 1, variant={"S": "a"})

    def asked():
        tables.wire.clear()
        transform = DynamoDbEnrich(
            settings(cache_seconds=300, cache_missing_seconds=30)
        )
        transform.apply(frame(("u", 1), ("absent", 1)))
        assert transform.missing == {"assignments": 1}
        return [
            key["user_id"]["S"]
            for body in tables.wire.bodies
            for key in body["RequestItems"]["assignments"]["Keys"]
        ]

    assert asked() == ["u", "absent"]
    now[0] += 29
    assert asked() == []
    now[0] += 2
    assert asked() == ["absent"]
    now[0] += 280
    assert asked() == ["u", "absent"]


def test_the_cache_is_bounded_and_can_be_turned_off(tables):
    for changes in (
        {"cache_items": 0},
        {"cache_seconds": 0, "cache_missing_seconds": 0},
    ):
        tables.wire.clear()
        for _ in range(2):
            DynamoDbEnrich(settings(**changes)).apply(frame(("u", 1)))
        assert len(tables.wire.operations) == 2
    cache = enrich_cache.Cache(2)
    for key in "ab":
        cache.keep({key: key}, 60)
    cache.find("a")
    cache.keep({"c": "c"}, 60)
    assert cache.find("abc") == {"a": "a", "c": "c"}


def test_consistent_reads_are_asked_for(tables):
    DynamoDbEnrich(settings(consistent=True)).apply(frame(("u", 1)))
    assert (
        tables.wire.bodies[0]["RequestItems"]["assignments"]["ConsistentRead"] is True
    )


def test_keys_that_no_item_can_have_are_not_asked_for(tables):
    put(tables, "u", 1, variant={"S": "a"})
    transform = DynamoDbEnrich(settings())
    found = transform.apply(frame(("", 1), ("é" * 600, 1), ("u", 1)))
    assert found["variant"].to_list() == [None, None, "a"]
    assert transform.missing["assignments"] == 2
    assert len(tables.wire.bodies[0]["RequestItems"]["assignments"]["Keys"]) == 1


def test_keys_left_out_are_asked_for_again(tables, pauses):
    def none_of_it(send, body):
        told = {"Responses": {}, "UnprocessedKeys": body["RequestItems"]}
        return wire.AWSResponse("", 200, {}, wire.Raw(json.dumps(told).encode()))

    put(tables, "u", 1, variant={"S": "a"})
    tables.wire.fault = lambda number, operation: none_of_it if number < 2 else None
    assert DynamoDbEnrich(settings()).apply(frame(("u", 1)))["variant"].to_list() == [
        "a"
    ]
    assert len(pauses) == 2
    tables.wire.clear()
    tables.wire.fault = lambda number, operation: none_of_it
    with pytest.raises(StorageUnavailable) as raised:
        DynamoDbEnrich(settings(attempts=3)).apply(frame(("v", 1)))
    assert (
        str(raised.value)
        == "transform dynamodb-enrich: table assignments: throttled (UnprocessedKeys); run again later"
    )
    assert len(tables.wire.operations) == 3


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (
            wire.refused(400, "ThrottlingException"),
            StorageUnavailable,
            "throttled (ThrottlingException); run again later",
        ),
        (
            wire.refused(500, "InternalServerError"),
            StorageUnavailable,
            "unavailable (InternalServerError); run again later",
        ),
        (
            wire.refused(400, "ResourceInUseException"),
            StorageUnavailable,
            "unavailable (ResourceInUseException); run",
        ),
        (
            wire.unreachable,
            StorageUnavailable,
            "unavailable (EndpointConnectionError); run again later",
        ),
        (
            wire.lost,
            StorageUnavailable,
            "unavailable (ReadTimeoutError); run again later",
        ),
        (
            lambda send, body: wire.AWSResponse("", 200, {}, wire.Raw(b"<html>")),
            StorageUnavailable,
            "unavailable (OddAnswer)",
        ),
        (
            wire.refused(400, "AccessDeniedException"),
            AccessDenied,
            "access was denied (AccessDeniedException); see `reporting iam`",
        ),
        (
            wire.refused(400, "ResourceNotFoundException"),
            LocationError,
            "table assignments: not found in this account",
        ),
        (
            wire.refused(400, "ValidationException"),
            LocationError,
            ": the request was refused (ValidationException); its key must be the attributes in the setting key, strings or numbers",
        ),
    ],
)
def test_a_table_that_fails_is_named_with_the_code_and_no_value(
    tables, fault, error, message
):
    tables.wire.fault = lambda number, operation: fault
    with pytest.raises(error) as raised:
        DynamoDbEnrich(settings(attempts=2)).apply(frame(("SECRET", 1)))
    assert message in str(raised.value)
    assert "assignments" in str(raised.value)
    assert "SECRET" not in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"types": {"else": "string"}},
            "types names else, which are not in columns",
        ),
        (
            {"seconds_since": {"s": {"from": "variant", "to": "timestamp"}}},
            "seconds_since s: variant is not a timestamp column of the lookup",
        ),
        (
            {"columns": {"source_key": "x"}, "types": {}, "seconds_since": {}},
            "new columns with a name that is taken: source_key",
        ),
        ({"key": {}}, "at least 1 item"),
        ({"table": "*"}, "should match pattern"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ValidationError) as raised:
        settings({**LOOKUP, **changes})
    assert message in str(raised.value)


def test_two_lookups_cannot_add_the_same_column():
    with pytest.raises(
        ValidationError, match="new columns with a name that is taken: age"
    ):
        settings(USERS, USERS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"columns": {"user_id": "x"}, "types": {}, "seconds_since": {}},
            "table assignments: columns user_id exist already; choose other names in columns or seconds_since",
        ),
        (
            {"key": {"id": "what"}},
            "table assignments: the key needs a column what of text or integers; correct the setting key",
        ),
        (
            {"key": {"id": "timestamp"}},
            "table assignments: the key needs a column timestamp of text or integers; correct the setting key",
        ),
        (
            {"seconds_since": {"s": {"from": "assigned_at", "to": "user_id"}}},
            "seconds_since s: user_id is not a Datetime column; name a Datetime column",
        ),
    ],
)
def test_columns_that_do_not_fit(aws_environment, changes, message):
    with pytest.raises(SettingsError) as raised:
        DynamoDbEnrich(settings({**LOOKUP, **changes})).apply(frame())
    assert str(raised.value) == f"transform dynamodb-enrich: {message}"


def test_seconds_until_a_column_without_a_zone_or_of_the_lookup_itself(tables):
    put(tables, "u", 1, assigned_at={"N": "0"})
    own = {
        **LOOKUP,
        "seconds_since": {
            "s": {"from": "assigned_at", "to": "assigned_at"},
            "t": {"from": "assigned_at", "to": "timestamp"},
        },
    }
    naive = frame(
        ("u", 1), timestamp=datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    ).with_columns(
        pl.col("timestamp").dt.replace_time_zone(None).dt.cast_time_unit("ms")
    )
    found = DynamoDbEnrich(settings(own)).apply(naive)
    assert (found["s"].to_list(), found["t"].to_list()) == ([0.0], [60.0])


def test_permissions_name_each_table_once():
    found = DynamoDbEnrich.aws_permissions(
        settings(LOOKUP, USERS, {**USERS, "columns": {"b": "b"}, "types": {}})
    )
    assert [(each.actions, each.resource) for each in found] == [
        (("dynamodb:BatchGetItem",), f"arn:aws:dynamodb:*:*:table/{table}")
        for table in ("assignments", "users")
    ]
