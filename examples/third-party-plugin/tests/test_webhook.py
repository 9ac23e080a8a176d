"""What is posted, and what is said when it cannot be."""

import logging

import pytest

from acme_reporting import webhook
from reporting_framework import AccessDenied
from reporting_framework.plugin_api.result import RunResult

RESULT = RunResult(
    report="orders",
    run_id="1",
    status="partial",
    complete=False,
    records_read=3,
    accepted=3,
)


def test_a_run_that_is_over_is_told_in_words_and_in_numbers(posted):
    webhook.reporting_run_finished(RESULT)
    (body,) = posted
    assert body["text"] == "orders: partial, records read 3, accepted 3"
    assert (body["complete"], body["accepted"], body["rejected"]) == (False, 3, 0)


def test_a_failure_is_told_in_the_words_of_the_framework_and_never_in_those_of_others(
    posted,
):
    webhook.reporting_run_failed(
        "orders", "1", AccessDenied("s3://x: no right to list")
    )
    webhook.reporting_run_failed("orders", "1", ValueError("SECRET-VALUE"))
    assert [body["text"] for body in posted] == [
        "orders: failed, AccessDenied: s3://x: no right to list",
        "orders: failed, ValueError",
    ]


def test_nothing_is_posted_after_a_dry_run_or_with_no_url(posted, monkeypatch, caplog):
    webhook.reporting_run_finished(RESULT.model_copy(update={"dry_run": True}))
    monkeypatch.delenv("ACME_WEBHOOK_URL")
    webhook.reporting_run_finished(RESULT)
    assert (posted, caplog.records) == ([], [])


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("ACME_WEBHOOK_URL", "file:///etc/passwd", "ValueError"),
        ("ACME_WEBHOOK_URL", "http://127.0.0.1:1/TOKEN", "URLError"),
        ("ACME_WEBHOOK_URL", "http://[TOKEN", "ValueError"),
        ("ACME_WEBHOOK_SECONDS", "soon", "ValueError"),
    ],
)
def test_what_cannot_be_posted_is_a_warning_without_the_url(
    posted, monkeypatch, caplog, name, value, kind
):
    monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING):
        webhook.reporting_run_finished(RESULT)
    assert caplog.messages == [
        f"the webhook could not be called: {kind}; the run is not affected"
    ]
    assert posted == []
