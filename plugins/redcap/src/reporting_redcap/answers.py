"""Answers of REDCap: data, errors in several forms, pages for people."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec

from reporting_framework import AccessDenied, SettingsError, StorageUnavailable
from reporting_rest.http import HttpResponse

MAX_TEXT = 200
"""Longest text of the server in a message."""

_TOO_MUCH = re.compile(
    r"ran out of (server )?memory|allowed memory size|smaller (amount|data ?set)"
    r"|too much data",
    re.IGNORECASE,
)
_LAST = re.compile(
    rb'(\{"error":"[^\n]*|(<b>)?Fatal error(</b>)?:\s[^\n]*)\s*\Z', re.IGNORECASE
)
"""Text that a server adds to an answer that it cannot complete."""

_LONGEST_LAST = 2_000
_XML = re.compile(rb"<error>(.*?)</error>", re.DOTALL)


class TooMuchError(Exception):
    """Answer that is incomplete because it was too much for the server."""


def data_of(
    response: HttpResponse, subject: str, token: str, *, of_records: bool
) -> bytes:
    """Return the data of an answer.

    Args:
        response: Response of the server.
        subject: Subject of messages.
        token: Token of the request, which no message shows.
        of_records: Whether the request named records, so that the text of an error may
            hold values.

    Raises:
        AccessDenied: The token is not valid, or lacks the right.
        SettingsError: The server does not accept a parameter.
        StorageUnavailable: The server answered with a page for people.
        TooMuchError: The server could not complete the answer.
    """
    body = response.body.removeprefix(b"\xef\xbb\xbf")
    text = _error_text(body)
    if (text is not None and _TOO_MUCH.search(text)) or response.status >= 500:
        raise TooMuchError
    shown = _shown(text, token, of_records=of_records)
    if response.status in (401, 403):
        raise AccessDenied(
            f"{subject}: REDCap refused the token{shown}; check the token, and the"
            " user's rights to the API, to export data and to the project"
        )
    if response.status == 404:
        raise SettingsError(
            f"{subject}: HTTP 404: there is no API at the URL; correct url, which ends"
            " in /api/"
        )
    if text is not None or response.status >= 400:
        raise SettingsError(
            f"{subject}: REDCap does not accept the request{shown}; correct fields,"
            " forms, events, filter_logic or report_id, or the rights of the token"
        )
    if body.lstrip()[:1] == b"<":
        raise StorageUnavailable(
            f"{subject}: the server answered with a page for people, as in"
            " maintenance; run again later, or correct url"
        )
    return body


def ends_exhausted(body: bytes) -> bool:
    """Return whether a server that could not complete an answer says so at its end."""
    return _LAST.search(body[-_LONGEST_LAST:]) is not None


def _error_text(body: bytes) -> str | None:
    """Return the text of an error in JSON, XML or CSV, `None` if there is none."""
    start = body[:64].lstrip()
    if start.startswith(b'{"error"'):
        try:
            found = msgspec.json.decode(body, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeError):
            return ""
        return found["error"]
    if start.startswith(b"<") and (match := _XML.search(body[:10_000])):
        return match[1].decode("utf-8", "replace")
    if start.startswith(b"ERROR:"):
        return start.decode("utf-8", "replace").removeprefix("ERROR:")
    return None


def _shown(text: str | None, token: str, *, of_records: bool) -> str:
    """Return the text of an error for a message, without values of records.

    A server, or one before it, may repeat the token: its place has three dots.
    """
    if not text or of_records:
        return ""
    line = " ".join(text.split())
    forms = "|".join(re.escape(form) for form in (token, quote(token, safe="")) if form)
    if forms:
        line = re.sub(forms, "...", line, flags=re.IGNORECASE)
    return f" ({line[:MAX_TEXT]})"
