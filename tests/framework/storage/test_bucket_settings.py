"""Requester-pays, KMS keys and directory buckets of S3."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reporting_framework import Permission
from reporting_framework.errors import LocationError
from reporting_framework.storage import open_store, parse_location, permissions

ARN = "arn:aws:kms:eu-west-1:111122223333:key/0a1b"


class Recorder(BaseHTTPRequestHandler):
    """Answers every request, and keeps its headers."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012 - shared on purpose

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.command, headers))
        body = (
            b"<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount>"
            b"<IsTruncated>false</IsTruncated></ListBucketResult>"
        )
        self.send_response(200)
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Mon, 30 Nov 2026 08:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - names of the base

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def recorded(
    s3_environment, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """The requests that a server receives."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        Recorder.seen.clear()
        yield Recorder.seen
        server.shutdown()


def test_every_request_to_a_requester_pays_bucket_says_who_pays(recorded, monkeypatch):
    monkeypatch.setenv("REPORTING_REQUESTER_PAYS", "other, payer")
    store = open_store("s3://payer/a")
    store.put("k", b"1", if_version=None)
    store.get("k")
    list(store.list())
    store.clock()  # through boto3
    assert len(recorded) >= 4
    assert {headers.get("x-amz-request-payer") for _, headers in recorded} == {
        "requester"
    }
    assert store.scan("k").options["storage_options"]["aws_request_payer"] == "true"


def test_other_buckets_are_not_paid_for(recorded, monkeypatch):
    monkeypatch.setenv("REPORTING_REQUESTER_PAYS", "other")
    store = open_store("s3://payer/a")
    store.put("k", b"1", if_version=None)
    store.clock()
    assert not any("x-amz-request-payer" in headers for _, headers in recorded)


def test_new_objects_are_encrypted_with_the_key_of_their_bucket(recorded, monkeypatch):
    monkeypatch.setenv("REPORTING_KMS_KEYS", f"other=alias/x, secret={ARN}")
    store = open_store("s3://secret/a")
    store.put("k", b"1", if_version=None)
    store.replace("k", b"2", content_type="text/plain", metadata={})
    store.get("k")
    kinds = [
        (
            method,
            headers.get("x-amz-server-side-encryption"),
            headers.get("x-amz-server-side-encryption-aws-kms-key-id"),
        )
        for method, headers in recorded
    ]
    assert kinds == [
        ("PUT", "aws:kms", ARN),
        ("PUT", "aws:kms", ARN),
        ("GET", None, None),
    ]


def test_the_permissions_include_the_key(monkeypatch):
    place = parse_location("s3://secret/a")
    key = Permission(("kms:Decrypt", "kms:GenerateDataKey"), ARN)
    assert key not in permissions.writing(place)
    monkeypatch.setenv("REPORTING_KMS_KEYS", f"secret={ARN}")
    assert key in permissions.writing(place)
    assert key in permissions.put_permissions(place)
    assert key not in permissions.writing(parse_location("s3://other/a"))


@pytest.mark.parametrize("text", ["secret", "secret=", "=arn", "a=b,c"])
def test_a_key_without_a_bucket_is_refused(s3_environment, monkeypatch, text):
    monkeypatch.setenv("REPORTING_KMS_KEYS", text)
    with pytest.raises(LocationError, match="REPORTING_KMS_KEYS: .* bucket=key"):
        open_store("s3://secret/a")


def test_a_directory_bucket_is_refused(s3_environment):
    with pytest.raises(LocationError, match="a directory bucket lists its keys in no"):
        open_store("s3://logs--use1-az4--x-s3/a")
