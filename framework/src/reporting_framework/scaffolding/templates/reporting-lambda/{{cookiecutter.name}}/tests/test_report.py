"""The report as a whole, on the example data."""

from __future__ import annotations

{% if cookiecutter.__pushed %}
import json
{% endif %}
from pathlib import Path

{% if cookiecutter.sink == "dynamodb-counters" %}
import boto3
import pytest
from moto import mock_aws
{% endif %}
{% if cookiecutter.__pushed %}
from reporting_framework import Trigger, run_report
{% else %}
from reporting_framework import run_report
{% endif %}
from reporting_framework.plugin_api.result import RunResult

EXAMPLE = Path(__file__).parents[1] / "example"


def run(output: str) -> RunResult:
    """What a run did."""
{% if cookiecutter.__pushed %}
    event = json.loads((EXAMPLE / "event.json").read_text())
    trigger = Trigger("{{ cookiecutter.source }}", event, names_work=True)
    return run_report("{{ cookiecutter.name }}", {"{{ cookiecutter.__output }}": output}, trigger=trigger)
{% else %}
    return run_report("{{ cookiecutter.name }}", {"source": str(EXAMPLE / "records"), "{{ cookiecutter.__output }}": output})
{% endif %}
{% if cookiecutter.sink == "parquet-checkpoint" or cookiecutter.sink == "own" %}


def test_the_example_is_taken_once(tmp_path: Path) -> None:
    table = tmp_path / "table.{{ 'parquet' if cookiecutter.sink == 'parquet-checkpoint' else 'ndjson' }}"
    first = run(str(table))
{% if cookiecutter.__pushed %}
    assert (first.records_read, first.accepted, first.rejected) == (4, 4, 0)
{% else %}
    assert (first.records_read, first.accepted, first.rejected) == (5, 4, 1)
    assert [(each.type, each.field, each.count) for each in first.rejections] == [("literal_error", "kind", 1)]
{% endif %}
    before = table.read_bytes()
    assert run(str(table)).accepted == 0
    assert table.read_bytes() == before
{% elif cookiecutter.sink == "ndjson-archive" %}


def test_the_example_is_archived_and_the_same_files_come_of_it_again(tmp_path: Path) -> None:
    first = run(str(tmp_path))
{% if cookiecutter.__pushed %}
    assert (first.records_read, first.accepted, first.rejected) == (4, 4, 0)
{% else %}
    assert (first.records_read, first.accepted, first.rejected) == (5, 4, 1)
    assert [(each.type, each.field, each.count) for each in first.rejections] == [("literal_error", "kind", 1)]
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
    assert run(TABLE).accepted == 4
    assert counted() == expected
    run(TABLE)
    assert counted() == expected
{% endif %}
