"""Messages: what is shown of a URI."""

import logging

import pytest

from reporting_framework._text.messages import cause, one_line, redacted
from reporting_framework.cli.logs import _Formatter
from reporting_framework.errors import ReportingError
from reporting_framework.execution.tracebacks import traceback_text
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.plugin_api.result import Output

SHOWN = {
    "https://me:hunter2@host/x": "https://host/x",
    "https://hunter2@host": "https://host",
    "http://me:hunter2@127.0.0.1:4566/x": "http://127.0.0.1:4566/x",
    "postgresql://me:hunter2@host:5432/db?password=hunter2": "postgresql://host:5432/db",
    "postgresql+psycopg://me:hun@ter2@host/db": "postgresql+psycopg://host/db",
    "postgresql://me:hun/ter2@host/db": "postgresql://host/db",
    "s3://AKIA:hunter2@bucket/key": "s3://bucket/key",
    "s3://AKIA:7/hunter2@bucket/key": "s3://bucket/key",
    "s3:/AKIA:hunter2@bucket/key": "s3:/bucket/key",
    "s3://bucket/key?X-Amz-Signature=hunter2": "s3://bucket/key",
    "az://container/x?sv=2024&sig=hunter2": "az://container/x",
    "https://host/x?token=hunter2#part": "https://host/x",
    "https://host/x#access_token=hunter2": "https://host/x",
    "HTTPS://host/x?hunter2": "HTTPS://host/x",
    "https://host?hunter2": "https://host",
}
KEPT = [
    "s3://bucket/what?.json",
    "s3://bucket/a@b/c.json",
    "https://host:8443/a@b",
    "http://[::1]:9000/a@b",
    "s3://bucket/x.json#3",
    "memory://x/y",
    "/data/a?b=c",
    "no address at all",
]


@pytest.mark.parametrize("uri", SHOWN)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "{}: no such object; check it",
        "found '{}'",
        '("{}")',
        "<{}>",
        "at {}, and {}.",
    ],
)
def test_no_user_info_and_no_query_string_of_a_uri_is_shown(uri, around):
    text = redacted(around.format(uri, uri))
    assert text == around.format(SHOWN[uri], SHOWN[uri])
    assert "hunter2" not in text


@pytest.mark.parametrize("text", KEPT)
def test_what_holds_no_secret_is_shown_as_it_is(text):
    assert redacted(f"{text}: no such object") == f"{text}: no such object"


def test_a_text_is_cut_only_after_its_secrets_are_removed():
    long = f"postgresql://me:{'hunter2' * 40}@host/db"
    assert one_line(long, 80) == "postgresql://host/db"
    assert str(ReportingError(f"{'x' * 590} {long}")).endswith("postgres…")


def test_whatever_is_shown_is_redacted():
    uri = "https://me:hunter2@gateway:3128/x?sig=hunter2"
    error = ConnectionError(f'Failed to connect to proxy URL: "{uri}"')
    try:
        try:
            raise error
        except ConnectionError as failed:
            raise ReportingError(f"sink x: {failed}") from failed
    except ReportingError as raised:
        shown = [
            str(raised),
            cause(error),
            *(traceback_text(raised, verbose=verbose) for verbose in (True, False)),
        ]
        for verbose in (True, False):
            record = logging.LogRecord(
                "x",
                logging.ERROR,
                "",
                0,
                "sent to %s",
                (uri,),
                (type(error), error, None),
            )
            shown.append(_Formatter(verbose).format(record))
    shown.append(Output(uri=uri, rows=0, new_rows=0, bytes=0).model_dump_json())
    assert [text for text in shown if "hunter2" in text or "://me" in text] == []
    assert "https://gateway:3128/x" in shown[0]


def test_what_a_check_found_is_redacted():
    from reporting_framework.operations.doctor import run_checks

    finding = CheckResult(
        "fail", "https://me:hunter2@host/x", "ask https://host/?key=hunter2"
    )
    found = list(run_checks({"x": lambda: finding}, limit=60))
    assert found == [("x", "fail", "https://host/x", "ask https://host/")]
