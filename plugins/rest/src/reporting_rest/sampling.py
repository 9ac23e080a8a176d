"""Sample of a resource: its first pages, from which its columns are found."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from reporting_framework import LocationError, ObjectMissing, ReportingError
from reporting_rest.fetcher import Fetcher
from reporting_rest.pages import Context, Page
from reporting_rest.paginators import Token
from reporting_rest.resources import Resource, view_of
from reporting_rest.traversal import Position, Traversal

SAMPLE_PAGES, SAMPLE_BYTES = 5, 16 * 1024**2
"""Most pages of a sample that have records, and their size."""

SAMPLE_TRIES = 10
"""Most pages that are fetched for a sample, or rows of a parent that are tried."""

_log = logging.getLogger(__name__)


class Sampler:
    """Reader of the first pages of resources, which the reading does not fetch again.

    Args:
        fetcher: Requests.
        positions: Position of the last reading, by resource.
    """

    def __init__(self, fetcher: Fetcher, positions: Mapping[str, Position]) -> None:
        self._fetcher, self._positions = fetcher, positions

    def pages(self, resource: Resource) -> Sequence[Sequence[bytes]]:
        """Return the records of pages; a failure after the first one ends the sample.

        Raises:
            ReportingError: The first page cannot be read.
        """
        found: list[Sequence[bytes]] = []
        size = 0
        try:
            for page, _ in self.first(resource):
                if page.lines:
                    found.append(page.lines)
                    size += len(page.response.body)
                if len(found) == SAMPLE_PAGES or size >= SAMPLE_BYTES:
                    break
        except ReportingError as error:
            if not found:
                raise
            _log.debug("the sample ends: %s", error)
        return found

    def first(self, resource: Resource) -> Iterator[tuple[Page, Context]]:
        """Yield the first pages of a resource: of a child, for some rows of its parent.

        Each page has the fields that lead to it.
        """
        if resource.parent is None:
            yield from ((page, {}) for page in self._pages(resource))
            return
        for context in islice(self._rows(resource.parent), SAMPLE_TRIES):
            request = resource.requests.request(None, context=context)
            prefix = resource.requests.prefix(context)
            try:
                yield self._fetcher.sample(resource, request, prefix), context
            except ObjectMissing:
                continue

    def _rows(self, resource: Resource) -> Iterator[Context]:
        for page, above in self.first(resource):
            found: Iterable[Any] = (resource.context(row, above) for row in page.facts)
            yield from (each for each in found if each is not None)

    def _pages(self, resource: Resource) -> Iterator[Page]:
        """Yield pages from the last position on, or the only one that is asked alike.

        The upper bound of a cursor is the time of a run, so the reading does not ask
        for the same pages.
        """
        traversal = Traversal(resource, self._positions.get(resource.name))
        try:
            page = self._fetch(traversal, traversal.token)
        except (LocationError, ObjectMissing):
            if not traversal.resumed:
                raise
            traversal.restart()
            page = self._fetch(traversal, None)
        yield page
        cursor = resource.settings.cursor
        if cursor is not None and cursor.end_param is not None:
            return
        for token in islice(self._following(traversal, page), SAMPLE_TRIES - 1):
            yield self._fetch(traversal, token)

    def _following(self, traversal: Traversal, page: Page) -> Iterator[Token]:
        resource, token = traversal.resource, traversal.token
        if page.response.status == 304:
            return
        view = view_of(resource, page)
        further = None if token is not None else resource.paginator.further(view)
        if further is not None:
            yield from further
            return
        while (token := resource.paginator.next_token(view, token)) is not None:
            yield token
            page = self._fetch(traversal, token)  # kept, so it costs no request
            if page.response.status == 304:
                return
            view = view_of(resource, page)

    def _fetch(self, traversal: Traversal, token: Token) -> Page:
        return self._fetcher.sample(traversal.resource, traversal.request(token))
