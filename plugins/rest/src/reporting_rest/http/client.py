"""Client: credentials, redirects, rate and retries around single requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Self
from urllib.parse import urlencode

import httpcore2

from reporting_framework import LocationError, StorageUnavailable
from reporting_rest.http.auth import Auth
from reporting_rest.http.errors import AttemptFailed
from reporting_rest.http.judging import check_status, error_of
from reporting_rest.http.messages import HttpRequest, HttpResponse, joined, place
from reporting_rest.http.pace import Pace
from reporting_rest.http.retries import retrying
from reporting_rest.http.settings import HttpSettings
from reporting_rest.http.transport import Transport, parsed

MAX_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_ANY_HOST = frozenset({"accept", "accept-encoding", "user-agent", "content-type"})
"""Headers that servers of other origins get, too."""

Origin = tuple[bytes, bytes, int]
"""Scheme, host and port of a URL."""

Judge = Callable[[HttpResponse], str | None]
"""Function that returns why a response calls for another attempt, `None` if it is good.
"""


class HttpClient:
    """Client of one server; several threads may use it at once.

    Args:
        settings: Limits, rate and retries.
        subject: Subject of messages, such as ``source rest-api``.
        base_url: URL of the server that gets the credentials; requests to other origins
            (scheme, host, port) have none.
        auth: Credentials.
        headers: Headers of each request to the server.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        subject: str,
        base_url: str | None = None,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.subject = subject
        self._settings, self._auth = settings, auth or Auth()
        self._origin = None if base_url is None else _origin(parsed(base_url, subject))
        self._headers = {
            "accept-encoding": "gzip, deflate",
            "user-agent": "reporting-rest",
            **{name.lower(): value for name, value in (headers or {}).items()},
        }
        self._transport = Transport(settings, subject)
        self._pace = Pace(settings.rate, settings.burst)
        self._retrying = retrying(settings, self._pace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all waits and close all connections; requests in flight fail."""
        self._pace.close()
        self._transport.close()

    def send(
        self,
        request: HttpRequest,
        *,
        retry_on: Judge | None = None,
        accept: Collection[int] = (),
    ) -> HttpResponse:
        """Send a request until there is a good response; return it.

        Good are the statuses 2xx and 304, and those of `accept`. The request is sent
        again after a cut connection, a time limit, a status that may change (429, 500,
        502, 503, 504, …; 403 if it says that a rate was exceeded), and if `retry_on`
        objects. Do not send what must happen once only.

        Args:
            request: The request.
            retry_on: Judge of responses that are good by their status: API errors with
                the status 200, bodies that are not complete.
            accept: Further statuses to return rather than to raise.

        Raises:
            AccessDenied: The server refused the credentials.
            LocationError: The server did not accept the request, an address is not
                allowed, a certificate is not trusted, or redirects do not end.
            ObjectMissing: There is no such resource (404, 410).
            SettingsError: The response is too large.
            StorageUnavailable: No good response after all attempts.
        """
        try:  # outside of tenacity, which takes a tenth of the time of a request
            return self._attempt(request, retry_on, accept)
        except AttemptFailed as error:
            failed = [error]

        def attempt() -> HttpResponse:
            if failed:
                raise failed.pop()
            return self._attempt(request, retry_on, accept)

        try:
            return self._retrying(attempt)
        except AttemptFailed as error:
            raise StorageUnavailable(self._exhausted(request, error)) from None

    def _exhausted(self, request: HttpRequest, error: AttemptFailed) -> str:
        where = f"{self.subject}: {request.shown or place(request.url)}"
        longest = self._settings.max_wait_seconds
        if error.after is not None and error.after > longest:
            return (
                f"{where}: {error.problem}: the server asks to wait"
                f" {error.after:,.0f} seconds; run again then, or raise"
                " max_wait_seconds"
            )
        if not error.retry:
            return f"{where}: {error.problem}; run again later"
        times = self._settings.attempts
        noun = "attempt" if times == 1 else "attempts"
        return f"{where}: {error.problem}, {times} {noun}; run again later"

    def _attempt(
        self, request: HttpRequest, retry_on: Judge | None, accept: Collection[int]
    ) -> HttpResponse:
        """Send a request once, and once more if the credentials were renewed."""
        sent: dict[str, str] = {}
        response = self._follow(request, sent)
        if response.status == 401 and sent and self._auth.renew(sent):
            response = self._follow(request, {})
        status = response.status
        if status in accept:
            return response
        if 200 <= status < 300 or status == 304:
            if retry_on is not None and (problem := retry_on(response)) is not None:
                raise AttemptFailed(problem)
            return response
        check_status(response)
        subject = f"{self.subject}: {request.shown or place(request.url)}"
        raise error_of(response, subject)

    def _follow(self, request: HttpRequest, sent: dict[str, str]) -> HttpResponse:
        """Send a request, and follow redirects.

        Args:
            request: The request.
            sent: Receives the headers with the credentials.
        """
        first = _origin(parsed(request.url, self.subject))
        home = self._origin or first
        if first != home and request.credentials and request.has_body:
            raise LocationError(
                f"{self.subject}: {request.shown or place(request.url)}: the URL of a"
                " next page would send the body to another server; correct base_url"
            )
        for _ in range(MAX_REDIRECTS + 1):
            response = self._once(request, home, sent)
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or target is None:
                return response
            request = self._redirected(request, response.status, target)
        raise LocationError(
            f"{self.subject}: {request.shown or place(request.url)}: more than"
            f" {MAX_REDIRECTS} redirects; correct base_url or path"
        )

    def _redirected(
        self, request: HttpRequest, status: int, target: str
    ) -> HttpRequest:
        url = joined(request.full_url, target)
        shown = request.shown or place(request.url)
        origin = _origin(parsed(url, self.subject))
        home = _origin(parsed(request.url, self.subject))
        leaves = origin != home
        keeps = status in (307, 308) or request.method in ("GET", "HEAD")
        if home[0] == b"https" and origin[0] != b"https":
            raise LocationError(
                f"{self.subject}: {shown}: a redirect leads from https to http; correct"
                " base_url"
            )
        if leaves and request.has_body and keeps:
            raise LocationError(
                f"{self.subject}: {shown}: a redirect would send the body to another"
                " server; correct base_url"
            )
        if keeps:
            return replace(request, url=url, params=(), shown=shown)
        return replace(
            request, method="GET", url=url, params=(), form=None, json=None, shown=shown
        )

    def _once(
        self, request: HttpRequest, home: Origin, sent: dict[str, str]
    ) -> HttpResponse:
        body, media_type = request.body()
        url = request.full_url
        headers = self._headers | {
            name.lower(): value for name, value in request.headers.items()
        }
        if media_type is not None:
            headers["content-type"] = media_type
        target = parsed(url, self.subject)
        if _origin(target) != home:
            headers = {
                name: value for name, value in headers.items() if name in _FOR_ANY_HOST
            }
        elif request.credentials and self._origin is not None:
            sent.update(self._auth.headers(self))
            headers |= sent
            if params := self._auth.params(self):
                mark = "&" if "?" in url else "?"
                target = parsed(f"{url}{mark}{urlencode(params)}", self.subject)
        self._pace.wait()
        response = self._transport.send(request.method, target, headers, body)
        return response._replace(url=url)


def _origin(url: httpcore2.URL) -> Origin:
    """Return scheme, host and port of a URL."""
    port = url.port or (443 if url.scheme == b"https" else 80)
    return url.scheme, url.host, port
