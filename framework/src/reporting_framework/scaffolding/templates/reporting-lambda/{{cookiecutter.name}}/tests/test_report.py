"""The report as a whole, on the example data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

{% if cookiecutter.sink == "dynamodb-counters" %}
import boto3
import pytest
{% endif %}
from click.testing import CliRunner
{% if cookiecutter.sink == "dynamodb-counters" %}
from moto import mock_aws
{% endif %}
from reporting_framework.cli.main import reporting_run

EXAMPLE = Path(__file__).parents[1] / "example"
{% if cookiecutter.__pushed %}
DATA = ["--events", str(EXAMPLE / "event.json")]
{% else %}
DATA = ["--source", str(EXAMPLE / "records")]
{% endif %}


def run(output: str) -> dict[str, Any]:
    """What a run did."""
    arguments = ["{{ cookiecutter.name }}", *DATA, "--{{ cookiecutter.__output }}", output, "--format", "json", "--quiet"]
    done = CliRunner().invoke(reporting_run, arguments, prog_name="reporting-run")
    assert done.exit_code == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
{% if cookiecutter.sink == "parquet-checkpoint" or cookiecutter.sink == "own" %}


def test_the_example_is_taken_once(tmp_path: Path) -> None:
    table = tmp_path / "table.{{ 'parquet' if cookiecutter.sink == 'parquet-checkpoint' else 'ndjson' }}"
    first = run(str(table))
{% if cookiecutter.__pushed %}
    assert (first["records_read"], first["accepted"], first["rejected"]) == (4, 4, 0)
{% else %}
    assert (first["records_read"], first["accepted"], first["rejected"]) == (5, 4, 1)
    assert first["rejections"] == [{"type": "literal_error", "field": "kind", "count": 1}]
{% endif %}
    before = table.read_bytes()
    assert run(str(table))["accepted"] == 0
    assert table.read_bytes() == before
{% elif cookiecutter.sink == "ndjson-archive" %}


def test_the_example_is_archived_and_the_same_files_come_of_it_again(tmp_path: Path) -> None:
    first = run(str(tmp_path))
{% if cookiecutter.__pushed %}
    assert (first["records_read"], first["accepted"], first["rejected"]) == (4, 4, 0)
{% else %}
    assert (first["records_read"], first["accepted"], first["rejected"]) == (5, 4, 1)
    assert first["rejections"] == [{"type": "literal_error", "field": "kind", "count": 1}]
{% endif %}
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.gz")}
    assert len(before) == 3
    run(str(tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.gz")} == before
{% else %}


TABLE = "counters"


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def counted() -> dict[str, int]:
    items = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    found = [item for item in items if "event_count" in item]
    return {
        f"{item['partition_key']['S']} {item['sort_key']['S']}": int(item["event_count"]["N"])
        for item in found
        if item["partition_key"]["S"].startswith("month#")
    }


@mock_aws
def test_the_example_is_counted_once() -> None:
    keys = ("partition_key", "sort_key")
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    expected = {f"month#2024-0{month} kind#{kind}": 1 for month in (1, 2) for kind in ("start", "stop")}
    assert run(TABLE)["accepted"] == 4
    assert counted() == expected
    run(TABLE)
    assert counted() == expected
{% endif %}
