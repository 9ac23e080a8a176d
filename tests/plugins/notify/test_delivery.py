"""Messages as they arrive: at webhooks, mail, Slack, Teams and SNS, all real protocols on loopback."""

import json
import logging
import socket
import sys
import time

import boto3
import pytest

from reporting_framework import SettingsError, StorageUnavailable
from reporting_framework.testing.s3 import HOST
from reporting_notify import observer
from reporting_notify.settings import settings_of
from tests.support.http import recorded
from tests.support.smtp import mailbox
from tests.support.tls import certificates, connect_proxy, tls_front

SLACK = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def test_a_run_that_fails_and_one_that_does_not_are_said_once(report, hook, said):
    report.add(good=2, bad=1)
    report.error = StorageUnavailable("s3://b/x: it did not answer; run again")
    report.settings["max_rejection_rate"] = 0.5
    for _ in range(2):
        assert report.run() is report.error
    [failure] = hook.take()
    body = json.loads(failure.body)
    assert (body["type"], body["title"]) == ("failure", "test: run failed")
    assert "StorageUnavailable: s3://b/x: it did not answer" in body["message"]
    report.error = None
    assert report.run().accepted == 2
    report.run()
    [recovery] = hook.take()
    body = json.loads(recovery.body)
    assert (body["type"], body["title"]) == ("success", "test: recovered")
    assert report.notes == {}


def test_reasons_for_rejection_are_sent_and_values_are_not(report, hook, said, caplog):
    report.add(good=1, bad=1)
    report.error = ValueError("SECRET-VALUE")
    with caplog.at_level(logging.DEBUG):
        report.run()
        report.error = None
        report.run()
    sent = [each.body.decode() for each in hook.requests]
    assert said() == ["test: run failed", "test: 50.0% of the records were rejected"]
    assert "1 x missing in number" in sent[1]
    assert "SECRET" not in "".join(sent)
    assert "/hook" not in caplog.text.replace("POST /hook", "")


def test_a_dry_run_and_ctrl_c_are_no_news(report, hook, said):
    report.add(bad=1)
    report.run(dry_run=True)
    report.error = KeyboardInterrupt()
    report.run()
    assert said() == []
    assert report.notes is None


def test_nothing_is_imported_or_read_without_settings(report, monkeypatch):
    report.add(bad=1)
    monkeypatch.setattr(observer, "finished", None)
    monkeypatch.delitem(sys.modules, "reporting_notify.observer")
    report.run()
    assert "reporting_notify.observer" not in sys.modules
    assert report.notes is None


def test_the_environment_names_other_urls_or_none(report, said, monkeypatch):
    report.add(bad=1)
    url = report.settings["urls"][0]
    monkeypatch.setenv("REPORTING_NOTIFY", "off")
    report.run()
    assert said() == []
    report.settings = {}
    monkeypatch.setenv("WEBHOOK", url)
    monkeypatch.setenv("REPORTING_NOTIFY", "secret:env:WEBHOOK")
    report.run()
    report.add(bad=1)
    report.run()
    assert said() == ["test: 100.0% of the records were rejected"]


def test_a_page_is_attached(report, hook, said):
    import base64

    report.add(bad=1)
    report.settings["attach_page"] = "overview"
    report.run(page=lambda name, asked: f"<html>{name} {asked}</html>")
    [request] = hook.take()
    [file] = json.loads(request.body)["attachments"]
    assert (file["filename"], file["mimetype"]) == ("test.html", "text/html")
    assert base64.b64decode(file["base64"]) == b"<html>test overview</html>"


def test_a_page_that_cannot_be_made_keeps_no_message_back(report, hook, said):
    def fail(name, asked):
        raise ValueError("SECRET")

    report.add(bad=1)
    report.settings["attach_page"] = True
    report.run(page=fail)
    message = json.loads(hook.take()[0].body)["message"]
    assert message.endswith("its page could not be made: ValueError")


def test_a_mail_has_the_page_too(report):
    report.add(bad=1)
    with mailbox() as box:
        report.settings = {
            "urls": [
                f"mailto://{HOST}:{box.port}?from=reports@example.org&to=a@example.org"
            ],
            "attach_page": True,
        }
        report.run(page=lambda name, asked: "<html>page</html>")
    [mail] = box.mails
    assert box.recipients == ["a@example.org"]
    assert mail["Subject"] == "test: 100.0% of the records were rejected"
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert "missing in number" in parts["text/plain"].get_payload(decode=True).decode()
    assert parts["text/html"].get_filename() == "test.html"
    assert parts["text/html"].get_payload(decode=True) == b"<html>page</html>"


@pytest.mark.parametrize(
    "url", [f"https://hooks.slack.com/services/{SLACK}", "secret:env:TEAMS"]
)
def test_slack_and_teams_get_what_they_expect(report, url, tmp_path, monkeypatch, hook):
    authority, server = certificates(tmp_path, "hooks.slack.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with tls_front(hook.endpoint, server) as endpoint, connect_proxy(endpoint) as proxy:
        monkeypatch.setenv(
            "TEAMS", endpoint.replace("https", "workflows") + f"/{'a' * 32}/sig"
        )
        if "slack" in url:
            monkeypatch.setenv("HTTPS_PROXY", proxy)
        report.add(bad=1)
        report.settings = {"urls": [url], "attach_page": True}
        report.run(page=lambda name, asked: "<html>page</html>")
    [request] = hook.take()
    body = json.loads(request.body)
    if "slack" in url:
        assert request.path == f"/services/{SLACK}"
        [attachment] = body["attachments"]
        assert attachment["title"] == "test: 100.0% of the records were rejected"
        assert "1 x missing in number" in attachment["text"]
    else:
        [card] = body["attachments"]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert "missing in number" in json.dumps(card["content"])


def test_a_topic_of_sns_gets_it_with_the_credentials_of_the_process(
    report, reporting_s3, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", reporting_s3.endpoint)
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="reports")["TopicArn"]
    queue = sqs.create_queue(QueueName="reports")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
    )
    report.add(bad=1)
    report.settings = {"urls": [topic]}
    report.run()
    [received] = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(received["Body"])
    assert body["Subject"] == "test: 100.0% of the records were rejected"
    assert "1 x missing in number" in body["Message"]
    report.settings = {"urls": [f"{topic}-none"]}
    report.add(bad=1)
    report.run()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("json://user:SECRET@127.0.0.1:{port}/SECRET", "the service answered 500"),
        ("json://user:SECRET@127.0.0.1:{closed}/SECRET", "the service was not reached"),
        ("nope://SECRET", "it is no URL that Apprise knows; see https://appriseit.com/services"),
        ("arn:aws:sns:eu-west-1:123456789012:none", "SNS refused it (NotFound)"),
        ("secret:env:NOTIFY_TEST_UNSET", "secret:env:NOTIFY_TEST_UNSET: the variable is not set; set it"),
    ],
)  # fmt: skip
def test_a_target_that_fails_fails_no_run_and_is_tried_by_the_next(
    report, url, reason, caplog, reporting_s3, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", reporting_s3.endpoint)
    with recorded(status=500) as server, socket.socket() as closed:
        closed.bind((HOST, 0))
        port = server.endpoint.rpartition(":")[2]
        report.settings = {
            "urls": [url.format(port=port, closed=closed.getsockname()[1])]
        }
        report.add(bad=1)
        with caplog.at_level(logging.DEBUG):
            assert report.run().rejected == 1
    said = [each for each in caplog.messages if each.startswith("notify:")]
    assert said == [
        f"notify: report test: urls[0]: {reason}",
        "notify: report test: no target has taken the message; the next run sends it again",
    ]
    ours = [each for each in caplog.records if not each.name.startswith("urllib3")]
    assert "SECRET" not in "".join(each.getMessage() for each in ours)
    assert report.notes["rejections"]["sent"] is False
    with recorded(status=200) as server:
        report.settings = {"urls": [server.endpoint.replace("http", "json")]}
        report.add(bad=1)
        report.run()
        assert len(server.requests) == 1


def test_a_webhook_that_never_answers_does_not_hold_up_a_run_or_the_others(
    report, hook, said, caplog
):
    with socket.create_server((HOST, 0)) as silent:
        url = f"json://{HOST}:{silent.getsockname()[1]}?rto=300"
        report.settings["urls"].insert(0, url)
        report.settings["timeout_seconds"] = 5
        report.add(bad=1)
        began = time.monotonic()
        report.run()
        assert time.monotonic() - began < 60  # and not the 300 s of a request
    assert said() == ["test: 100.0% of the records were rejected"]
    assert "notify: report test: urls[0]: no answer within 5 s" in caplog.messages
    assert report.notes["rejections"]["sent"] is True


def test_notes_that_cannot_be_used_hide_no_failure(report, said, caplog):
    (report.folder / "_observers").write_text("a file where a folder should be")
    report.add(good=1)
    report.error = ValueError()
    report.run()
    report.run()
    assert said() == ["test: run failed"] * 2
    assert "its notes cannot be used" in caplog.text


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"url": ["SECRET"]}, "url: Extra inputs are not permitted; settings: urls, on,"),
        ({"max_age": "SECRET"}, "max_age: Value error, give a number and a unit"),
        ({"max_age": "0d"}, "max_age: Value error, give a duration above zero"),
        ({"urls": ["secret:x:SECRET"]}, "urls.0: Value error, not a valid reference"),
        ({"reports": {"other": {"on": ["x"]}}}, "reports.other.on.0: Input should be"),
    ],
)  # fmt: skip
def test_settings_that_are_wrong_are_named_and_fail_no_run(
    report, table, problem, caplog
):
    report.add(bad=1)
    report.settings = table
    assert report.run().rejected == 1
    [line] = [each for each in caplog.messages if "no message is sent" in each]
    assert line.startswith(f"[observers.notify] in reporting.toml: {problem}")
    assert "SECRET" not in line


def test_reports_have_settings_of_their_own():
    table = {
        "urls": ["json://a"],
        "max_age": "2d",
        "reports": {"visits": {"max_age": "1h"}, "shop/orders": {"urls": []}},
    }

    def chosen(report):
        found = settings_of(report, table, "[x]", {})
        return [each.get_secret_value() for each in found.urls], found.max_age

    assert chosen("other") == (["json://a"], "2d")
    assert chosen("visits") == (["json://a"], "1h")
    assert chosen("visits/one") == (["json://a"], "1h")
    assert chosen("shop/orders") == ([], "2d")
    assert chosen("shop/prices") == (["json://a"], "2d")
    with pytest.raises(SettingsError, match="REPORTING_NOTIFY: urls.0"):
        settings_of("r", {}, "[x]", {"REPORTING_NOTIFY": "secret:no:x"})
