"""Clients and the plugin module: light, one for each place, made once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from reporting_aws import aws_errors as troubles
from reporting_aws import clients, tables

LIGHT = """
import sys
import reporting_aws.plugin, reporting_aws.clients, reporting_aws.aws_errors
from reporting_aws.plugin import reporting_sinks, reporting_transforms
names = [lazy.name for lazy in [*reporting_transforms(), *reporting_sinks()]]
assert {"dynamodb-enrich", "dynamodb-counters"} <= set(names), names
heavy = [name for name in ("boto3", "botocore", "polars", "pydantic") if name in sys.modules]
assert not heavy, heavy
import reporting_aws.counters, reporting_aws.enrich
assert "botocore" not in sys.modules
"""


def test_boto3_is_imported_when_it_is_needed():
    subprocess.run([sys.executable, "-W", "error", "-c", LIGHT], check=True)


def test_one_client_is_made_for_each_place(aws_environment):
    with ThreadPoolExecutor(8) as pool:
        (one,) = set(
            pool.map(lambda _: clients.client("dynamodb", attempts=1), range(8))
        )
    config = one.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2.0, 5.0)
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    aws_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    other = clients.client("dynamodb", attempts=1)
    assert other is not one
    assert other.meta.endpoint_url == "http://127.0.0.1:1"
    assert clients.client("dynamodb").meta.config.retries["total_max_attempts"] == 3


def test_nothing_listens_there(aws_environment, pauses):
    aws_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    dynamodb = clients.client("dynamodb", attempts=1)
    found = tables.batch_get(
        dynamodb, "table", [{"id": {"S": "SECRET"}}], {}, tables.Backoff(3)
    )
    assert found == troubles.ServiceError(
        troubles.Kind.UNAVAILABLE, "EndpointConnectionError"
    )
    assert len(pauses) == 2


def test_what_is_no_trouble_of_aws_is_raised():
    with pytest.raises(ZeroDivisionError):
        troubles.call(lambda: 1 / 0)
