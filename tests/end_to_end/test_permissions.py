"""The report does no more in S3 than what its plugins declare."""

from fnmatch import fnmatchcase

import obstore
import pytest

from reporting_event_log_checkpoint.report import EventLogCheckpoint
from reporting_framework import run_report
from reporting_framework.operations.iam import permissions_of
from reporting_framework.registry.registry import load_plugins
from tests.end_to_end.conftest import EXAMPLE, open_bucket

ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "LIST": "s3:ListBucket",
}
"""The action that each request needs; a multipart upload's POST and PUT are `s3:PutObject` both. Nothing is deleted
here, which would be a POST too."""


def allowed(exchange, permissions):
    """Whether one of the permissions covers the request."""
    action, listed = ACTIONS[exchange.kind], exchange.kind == "LIST"
    arn = f"arn:aws:s3:::{exchange.bucket}" + ("" if listed else f"/{exchange.key}")
    for permission in permissions:
        prefixes = [
            found
            for keys in permission.conditions.values()
            for found in keys["s3:prefix"]
        ]
        fits = not listed or any(
            fnmatchcase(exchange.query.get("prefix", ""), each) for each in prefixes
        )
        if (
            action in permission.actions
            and fnmatchcase(arn, permission.resource)
            and fits
        ):
            return True
    return False


@pytest.mark.parametrize(
    "key", ["out/events.parquet", "out/{study}/{datatype}/events.parquet"]
)
@pytest.mark.parametrize("quarantine", [None, "apart/bad.parquet"])
def test_each_request_is_covered_by_what_is_declared(
    s3, s3_environment, proxy, bucket, monkeypatch, key, quarantine
):
    store = open_bucket(s3, bucket)
    names = sorted(path.name for path in EXAMPLE.iterdir())
    for name, value in s3.behind(proxy.endpoint).environment().items():
        monkeypatch.setenv(name, value)
    chosen = {"source": f"s3://{bucket}/events", "checkpoint": f"s3://{bucket}/{key}"}
    if quarantine:
        chosen["quarantine"] = f"s3://{bucket}/{quarantine}"
    for half in (names[::2], names[1::2], []):
        for name in half:
            obstore.put(store, f"events/{name}", (EXAMPLE / name).read_bytes())
        result = run_report("event-log-checkpoint", chosen | {"full_scan": not half})
        assert result.status == "ok"

    report = EventLogCheckpoint()
    settings = report.Settings(**chosen)
    permissions = permissions_of(report.name, report.compose(settings), load_plugins())
    assert all(
        "*" not in action for permission in permissions for action in permission.actions
    )
    assert len(proxy.requests) > len(names)
    refused = {
        (each.kind, each.bucket, each.key, str(each.query))
        for each in proxy.requests
        if not allowed(each, permissions)
    }
    assert refused == set()
    used = {ACTIONS[each.kind] for each in proxy.requests}
    assert used | {"s3:DeleteObject"} == {
        action for permission in permissions for action in permission.actions
    }, (
        "nothing is declared in vain; the history deletes what it has merged, after many more runs"
    )


def test_a_folder_needs_no_permission(tmp_path):
    report = EventLogCheckpoint()
    composition = report.compose(
        report.Settings(
            source=str(tmp_path / "in"), checkpoint=str(tmp_path / "x.parquet")
        )
    )
    assert permissions_of(report.name, composition, load_plugins()) == []
