"""Requests to the API of a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Semaphore
from typing import Any

import msgspec

from reporting_framework import StorageUnavailable
from reporting_redcap.answers import TooMuchError, data_of
from reporting_redcap.credentials import Credentials
from reporting_redcap.settings import RedcapSettings
from reporting_rest.http import HttpClient, HttpRequest, HttpResponse

Params = Iterable[tuple[str, str]]

_JUDGED = (400, 401, 403, 404)
"""Statuses whose bodies say what is wrong."""

_TOO_MUCH = (500, 504)
"""Statuses of a server, or of one before it, that was asked for too much."""


class RedcapApi:
    """API of one project; several threads may use it at once.

    Args:
        settings: Settings of the source.
        credentials: URL and token.
        subject: Subject of messages.
    """

    def __init__(
        self, settings: RedcapSettings, credentials: Credentials, subject: str
    ) -> None:
        self.subject = subject
        self._url, self._token = credentials
        self._client = HttpClient(settings, subject=subject)
        self._slots = Semaphore(settings.parallelism)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def ask(
        self,
        content: str,
        params: Params = (),
        *,
        form: str = "json",
        of_records: bool = False,
        divisible: bool = False,
    ) -> bytes:
        """Return the data of an export.

        Args:
            content: Kind of the export, such as ``record``.
            params: Further parameters.
            form: Format: ``json`` or ``csv``.
            of_records: Whether parameters name records.
            divisible: Whether a failure of the server may be answered with smaller
                requests, so that it is not sent again.

        Raises:
            AccessDenied: The token is not valid, or lacks the right.
            SettingsError: The server does not accept a parameter.
            StorageUnavailable: No good answer after all attempts.
            TooMuchError: The server could not complete the answer.
        """
        response = self._send(content, params, form, divisible=divisible)
        return self._data(response, of_records=of_records)

    def ask_value(self, content: str) -> tuple[Any, datetime]:
        """Return a JSON value that describes the project, and the time of the server.

        Raises:
            ReportingError: See `ask`.
        """
        response = self._send(content, (), "json", divisible=False)
        at = _date(response)
        try:
            return msgspec.json.decode(self._data(response, of_records=False)), at
        except (msgspec.DecodeError, UnicodeError, TooMuchError):
            raise StorageUnavailable(
                f"{self.subject}: the answer to content={content} is not complete; run"
                " again later"
            ) from None

    def _data(self, response: HttpResponse, *, of_records: bool) -> bytes:
        return data_of(response, self.subject, self._token, of_records=of_records)

    def _send(
        self, content: str, params: Params, form: str, *, divisible: bool
    ) -> HttpResponse:
        fields: Sequence[tuple[str, str]] = [
            ("token", self._token),
            ("content", content),
            ("format", form),
            ("returnFormat", "json"),
            *params,
        ]
        request = HttpRequest("POST", self._url, form=fields)
        accept = (*_JUDGED, *_TOO_MUCH) if divisible else _JUDGED
        with self._slots:
            return self._client.send(request, accept=accept)


def _date(response: HttpResponse) -> datetime:
    """Return the time of the server, or of this machine if that is earlier.

    An increment that begins too early finds what one that begins too late would lose.
    """
    now = datetime.now(UTC)
    try:
        at = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return now
    return min(at.astimezone(UTC), now)
