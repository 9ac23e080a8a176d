"""Requests of a source: judged, in threads, and from the sample if it has the page."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from reporting_rest.http import HttpClient, HttpRequest, HttpResponse
from reporting_rest.json_paths import JsonPath
from reporting_rest.pages import Page
from reporting_rest.resources import Resource
from reporting_rest.settings import RestApiSettings
from reporting_rest.shared import Shared
from reporting_rest.windows import pool


class Fetcher:
    """Requests of a source.

    Args:
        settings: Settings of the source.
        subject: Subject of messages.
        shared: Pages of the sample.
    """

    def __init__(self, settings: RestApiSettings, subject: str, shared: Shared) -> None:
        auth = settings.auth
        self._client = HttpClient(
            settings,
            subject=subject,
            base_url=settings.base_url,
            auth=None if auth is None else auth.open(subject),
            headers={"accept": "application/json", **settings.headers},
        )
        self._shared = shared
        self._bad = [(JsonPath(each.path), each) for each in settings.retry_when]
        self._threads = pool(settings.parallelism)

    def start(
        self,
        resource: Resource,
        request: HttpRequest,
        prefix: bytes = b"",
        before: Page | None = None,
    ) -> Future[Page]:
        """Fetch a page in a thread.

        Args:
            resource: Resource of the page.
            request: Request for the page.
            prefix: Members that each record gets, see `PageParser.parse`.
            before: The page before, which must not be repeated.
        """
        found = self._shared.take(request)
        if found is not None:
            page = resource.parser.parse(found, prefix)
            if before is None or not page.lines or page.lines != before.lines:
                done: Future[Page] = Future()
                done.set_result(page)
                return done
        return self._threads.submit(self._fetch, resource, request, prefix, before)

    def start_all(
        self, resource: Resource, requests: Sequence[HttpRequest]
    ) -> Future[Sequence[Page]]:
        """Fetch pages one after another in a thread."""

        def fetch_all() -> Sequence[Page]:
            return [
                self._fetch(resource, request, b"")
                if (found := self._shared.take(request)) is None
                else resource.parser.parse(found)
                for request in requests
            ]

        return self._threads.submit(fetch_all)

    def sample(
        self, resource: Resource, request: HttpRequest, prefix: bytes = b""
    ) -> Page:
        """Return a page for the sample; the reading gets the same response."""
        response = self._shared.peek(request)
        if response is not None:
            return resource.parser.parse(response, prefix)
        page = self._fetch(resource, request, prefix)
        self._shared.keep(request, page.response)
        return page

    def close(self) -> None:
        """End all requests."""
        self._client.close()
        self._threads.shutdown(cancel_futures=True)

    def _fetch(
        self,
        resource: Resource,
        request: HttpRequest,
        prefix: bytes,
        before: Page | None = None,
    ) -> Page:
        """Send a request until its response is a page; return the page."""
        pages: list[Page] = []

        def problem(response: HttpResponse) -> str | None:
            try:
                page = self._judged(resource, response, prefix)
            except ValueError as error:
                return str(error)
            if before is not None and page.lines and page.lines == before.lines:
                return "the server repeats a page"
            pages.append(page)
            return None

        self._client.send(request, retry_on=problem)
        return pages[-1]

    def _judged(
        self, resource: Resource, response: HttpResponse, prefix: bytes
    ) -> Page:
        """Return a page.

        Raises:
            ValueError: The body is not a page, or has an error.
        """
        for path, rule in self._bad if response.status != 304 else ():
            try:
                value = path.value(response.body)
            except ValueError:
                break  # the parser says why
            if rule.applies(value):
                raise ValueError(f"the body has an error at {path.text}")
        return resource.parser.parse(response, prefix)
