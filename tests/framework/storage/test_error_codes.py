"""Errors of the storage: for each code what is wrong and what to do, whichever library asked."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest

from reporting_framework.errors import (
    AccessDenied,
    LocationError,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.storage import open_store, sending
from reporting_framework.storage.error_codes import PROBLEMS, storage_error


class Answers(BaseHTTPRequestHandler):
    """Answers every request with one error, as S3 would."""

    protocol_version = "HTTP/1.1"
    status, code, region = 0, "", ""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = f'<?xml version="1.0"?>\n<Error><Code>{self.code}</Code><Message>m</Message></Error>'.encode()
        body = b"" if self.command == "HEAD" else body
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        if self.region:
            self.send_header("x-amz-bucket-region", self.region)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _answer  # noqa: N815 - http.server's names

    def log_message(self, *arguments) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def answering(server, s3_environment, monkeypatch):
    """Have the server answer so; a store at it that does not try again."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def answer(status, code, region=""):
        monkeypatch.setattr(Answers, "status", status)
        monkeypatch.setattr(Answers, "code", code)
        monkeypatch.setattr(Answers, "region", region)
        return open_store("s3://bucket/a")

    return answer


def scanned(store):
    """Ask by way of polars, as a query does."""
    target = store.scan("k.parquet")
    call(
        Owner("r", "query", "q"),
        pl.scan_parquet(target.source, **target.options).collect,
    )


ASK = {
    "GET": lambda store: store.get("k"),
    "HEAD": lambda store: store.head("k"),
    "LIST": lambda store: list(store.list()),
    "PUT": lambda store: store.put("k", b"", if_version=None),
    "boto3": lambda store: store.clock(),
    "boto3 GET": lambda store: store.get("k//k"),
    "polars": scanned,
}

TOLD = [
    (
        403,
        "AccessDenied",
        AccessDenied,
        "access denied (AccessDenied); check the credentials and the bucket's policy",
    ),
    (
        403,
        "SignatureDoesNotMatch",
        AccessDenied,
        "the secret key does not match the access key",
    ),
    (
        403,
        "InvalidAccessKeyId",
        AccessDenied,
        "the storage does not know the access key (InvalidAccessKeyId); check AWS_ACC",
    ),
    (
        400,
        "ExpiredToken",
        AccessDenied,
        "the credentials have expired (ExpiredToken); get new credentials",
    ),
    (
        400,
        "InvalidToken",
        AccessDenied,
        "the session token is not valid (InvalidToken); check that AWS_SESSION_TOKEN",
    ),
    (
        403,
        "RequestTimeTooSkewed",
        AccessDenied,
        "this machine's clock is too far from the storage's",
    ),
    (
        400,
        "KMS.DisabledException",
        AccessDenied,
        "the bucket's KMS key cannot be used (KMS.DisabledException)",
    ),
    (
        403,
        "QuotaExceeded",
        StorageUnavailable,
        "the storage is full (QuotaExceeded); make room there",
    ),
    (
        507,
        "XMinioStorageFull",
        StorageUnavailable,
        "the storage is full (XMinioStorageFull); make room there",
    ),
    (405, "MethodNotAllowed", LocationError, "the storage does not support"),
    (
        503,
        "SlowDown",
        StorageUnavailable,
        "SlowDown after all retries; it is too busy; run again later",
    ),
    (
        500,
        "InternalError",
        StorageUnavailable,
        "InternalError after all retries; run again later",
    ),
    (
        418,
        "Teapot",
        StorageUnavailable,
        "the storage answered 418, Teapot; check the endpoint",
    ),
]


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize(
    ("status", "code", "error", "text"), TOLD, ids=[code for _, code, *_ in TOLD]
)
def test_each_code_is_told_with_what_to_do_whichever_library_asked(
    answering, ask, status, code, error, text
):
    store = answering(status, code)
    with pytest.raises(error) as caught:
        ASK[ask](store)
    if ask == "HEAD" and status not in (
        400,
        403,
    ):  # its answer has no body, and what is not refused is not asked again
        text = str(status)
    assert text in str(caught.value)
    assert "did not answer" not in str(caught.value)


@pytest.mark.parametrize("ask", [each for each in ASK if each != "polars"])
@pytest.mark.parametrize(
    ("status", "code"),
    [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")],
)
def test_a_bucket_in_another_region_is_told_with_its_region(
    answering, ask, status, code
):
    store = answering(status, code, "eu-west-1")
    with pytest.raises(
        LocationError,
        match=r"the bucket is in another region \(\w+\); set AWS_REGION to eu-west-1",
    ):
        ASK[ask](store)


@pytest.mark.parametrize("key", ["k", "k//k"])
def test_a_region_that_the_store_does_not_tell_is_left_open(answering, key):
    with pytest.raises(LocationError, match="set AWS_REGION to the bucket's region"):
        answering(301, "PermanentRedirect").get(key)


def test_a_store_without_conditional_writes_is_told(answering):
    store = answering(501, "NotImplemented")
    with pytest.raises(
        LocationError,
        match=r"does not support conditional writes \(NotImplemented\), which com",
    ):
        store.put("k", b"", if_version=None)
    with pytest.raises(
        LocationError, match=r"does not support this request \(NotImplemented\)"
    ):
        store.get("k")


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_of_the_table_makes_one_line_that_names_the_place(code):
    error = storage_error(
        RuntimeError(f"status code: 400 <Code>{code}</Code>"),
        "s3://bucket/a",
        bucket="s3://bucket",
    )
    assert isinstance(error, ReportingError)
    assert str(error).startswith("s3://bucket")
    assert "{" not in str(error).replace("{column}", "")


def test_a_login_that_has_expired_is_told():
    text = "The operation lacked valid authentication credentials for path External AWS credential provider: "
    error = storage_error(
        RuntimeError(f"{text}UnauthorizedSSOTokenError: The SSO session"), "s3://bucket"
    )
    assert str(error).startswith(
        "s3://bucket: the credentials have expired (UnauthorizedSSOTokenError); get new credentials"
    )


def test_an_endpoint_whose_name_nobody_knows_is_told(s3_environment, monkeypatch):
    monkeypatch.setattr(sending, "MAX_RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://no-such-host.invalid:9")
    with pytest.raises(
        StorageUnavailable, match="did not answer: no such host; check AWS_ENDPOINT_URL"
    ):
        open_store("s3://bucket").get("k")
