"""Fixtures: a DynamoDB by moto behind a wire, without the waiting."""

import copy
import os
from types import SimpleNamespace

import moto.dynamodb.models as moto_models
import pytest
from moto import mock_aws
from moto.core.models import botocore_stubber
from moto.dynamodb.models.table import Table

from reporting_aws import clients, enrich_cache, tables
from tests.plugins.aws.wire import Wire


@pytest.fixture
def aws_environment(monkeypatch):
    """A region and credentials that lead nowhere; nothing of the developer's own is left."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    for name, value in {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "_clients", {})
    monkeypatch.setattr(enrich_cache, "_caches", {})
    return monkeypatch


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that would have been made."""
    made = []
    monkeypatch.setattr(tables, "_sleep", made.append)
    return made


def spare(thing):
    """A deep copy, but for the markers of a table: nobody changes one, and moto copies all of it for a transaction."""
    if not isinstance(thing, Table):
        return copy.deepcopy(thing)
    copied = copy.copy(thing)
    copied.items = thing.items.copy()
    for hashed, ranges in thing.items.items():
        if not ranges or any(
            key.value != "marker" for key in ranges
        ):  # moto leaves an empty one where it looked
            copied.items[hashed] = {
                key: copy.deepcopy(item) for key, item in ranges.items()
            }
    return copied


@pytest.fixture
def dynamodb(aws_environment, pauses):
    """The client that plugins will use, and its `wire`."""
    aws_environment.setattr(
        moto_models, "copy", SimpleNamespace(deepcopy=spare, copy=copy.copy)
    )
    with mock_aws():
        client = clients.client("dynamodb", attempts=1)
        client.wire = Wire()
        client.meta.events.unregister(
            "before-send", botocore_stubber
        )  # all handlers are called, and it must be once
        client.meta.events.register_first("before-send.dynamodb", client.wire)
        yield client
        client.meta.events.unregister("before-send.dynamodb", client.wire)


@pytest.fixture
def counted(dynamodb):
    """The table of the counters; gives what makes it anew, and what is in it."""
    return make_counters(dynamodb)


def make_counters(client):
    if "counters" in client.list_tables()["TableNames"]:
        client.delete_table(TableName="counters")
    client.create_table(
        TableName="counters",
        KeySchema=[
            {"AttributeName": "partition_key", "KeyType": "HASH"},
            {"AttributeName": "sort_key", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("partition_key", "sort_key")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.wire.clear()
    return client
