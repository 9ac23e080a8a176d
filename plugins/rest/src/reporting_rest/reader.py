"""Reading of resources: pages in order, with the pages of children between them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from reporting_framework import LocationError, ObjectMissing, StorageUnavailable
from reporting_rest.fetcher import Fetcher
from reporting_rest.pages import Context, Page
from reporting_rest.paginators import PageView, Token
from reporting_rest.repeats import Repeats
from reporting_rest.resources import Resource, view_of
from reporting_rest.traversal import Position, Traversal, etag_key
from reporting_rest.windows import Work, groups, in_order, nothing

_log = logging.getLogger(__name__)


class Records(NamedTuple):
    """Records of a page.

    Attributes:
        resource: Their resource.
        lines: The records as JSON.
    """

    resource: Resource
    lines: Sequence[bytes]


class Reached(NamedTuple):
    """End of a page, all pages of its children included.

    Attributes:
        position: Position of the resource, `None` if it has not changed.
        end: Whether it is the last page.
    """

    position: Position | None
    end: bool = False


Event = Records | Reached


class Reader:
    """Reader of resources.

    Args:
        fetcher: Requests.
        parallelism: Number of requests in flight at once.
        unasked: Counter of the rows for which a resource was not asked, by its name.
    """

    def __init__(
        self, fetcher: Fetcher, parallelism: int, unasked: Counter[str]
    ) -> None:
        self._fetcher, self._ahead = fetcher, 2 * parallelism
        self._unasked = unasked

    def events(self, resource: Resource, position: Position | None) -> Iterator[Event]:
        """Yield the records of a resource and its children, and the positions.

        Raises:
            ReportingError: A page cannot be read.
        """
        traversal = Traversal(resource, position)
        while True:
            try:
                yield from in_order(self._pages(traversal), self._ahead)
            except (LocationError, ObjectMissing):
                if not traversal.resumed:
                    raise
                _log.info(
                    "resource %s: the page to continue with is gone; reading again from"
                    " the first one",
                    resource.name,
                )
                traversal.restart()
                continue
            if not traversal.again():
                break
            _log.info("resource %s: records have moved; reading again", resource.name)
        yield Reached(traversal.after(), end=True)

    # -- a resource that is not below another ------------------------------------------

    def _pages(self, traversal: Traversal) -> Iterator[Event | Work]:
        """Yield pages one after another, or as work if all of them are known."""
        resource = traversal.resource
        response = self._start(traversal, traversal.token)()
        before: Page | None = None
        while True:
            token = traversal.token
            before = _result(resource, response, before)
            if before is None:
                return
            page, following, _ = self._taken(traversal, token, before)
            traversal.resumed = False
            further, view = None, view_of(resource, before)
            if token is None and page is not None:
                further = resource.paginator.further(view)
            if further is None and following is not None:
                traversal.repeats.check_token(following)
                response = self._start(traversal, following, before)()
            if page is not None:
                yield Records(resource, page.lines)
                yield from self._children(resource, page, {})
            if further is not None:
                sizes = [view.records]
                for some in groups(further):
                    yield Work(
                        partial(self._start_all, traversal, some),
                        partial(self._known_pages, traversal, some, sizes),
                    )
                yield Work(nothing, partial(self._missing, traversal, view, sizes))
                return
            if following is None:
                return
            yield Reached(traversal.within(following))
            traversal.token = following

    def _start_all(
        self, traversal: Traversal, tokens: Sequence[Token]
    ) -> Future[Sequence[Page]]:
        requests = [traversal.request(token) for token in tokens]
        return self._fetcher.start_all(traversal.resource, requests)

    def _known_pages(
        self,
        traversal: Traversal,
        tokens: Sequence[Token],
        sizes: list[int],
        responses: Future[Sequence[Page]],
    ) -> Iterator[Event]:
        """Yield the records of pages; add their numbers of items to `sizes`."""
        resource = traversal.resource
        for token, response in zip(tokens, responses.result(), strict=True):
            page, _, items = self._taken(traversal, token, response)
            sizes.append(sizes[0] if items is None else items)
            if page is not None:
                yield Records(resource, page.lines)
                below = self._children(resource, page, {})
                yield from in_order(below, self._ahead)
            yield Reached(traversal.within(token))

    def _missing(
        self,
        traversal: Traversal,
        first: PageView,
        sizes: Sequence[int],
        _: Future[None],
    ) -> Iterator[Event]:
        """Yield the records that known pages did not have, if there are more."""
        token = traversal.resource.paginator.missing(first, sizes)
        if token is None:
            return
        traversal.token = token
        try:
            yield from in_order(self._pages(traversal), self._ahead)
        except ObjectMissing:  # there is no further page
            return

    def _start(
        self, traversal: Traversal, token: Token, before: Page | None = None
    ) -> Any:
        """Return a function that sends the request for a page."""
        resource, request = traversal.resource, traversal.request(token)
        before = _unlike(resource, before)
        return partial(self._fetcher.start, resource, request, before=before)

    def _taken(
        self, traversal: Traversal, token: Token, page: Page
    ) -> tuple[Page | None, Token, int | None]:
        """Return a page, `None` if it has not changed, the next token, and its items.

        The number of items is `None` if it is not known.
        """
        resource = traversal.resource
        tag = page.response.headers.get("etag") if resource.conditional else None
        key = ""
        if tag is not None or page.response.status == 304:
            key = etag_key(resource.requests.request(token, bounds=traversal.bounds))
        if page.response.status == 304:
            kept = traversal.known_etags.get(key)
            if kept is None:
                raise StorageUnavailable(
                    f"resource {resource.name}: HTTP 304 without a condition; set"
                    " conditional to false"
                )
            etag, following, items = (*kept, None)[:3]
            traversal.keep_etag(key, etag, following, items)
            return None, following, items
        view = view_of(resource, page)
        following = resource.paginator.next_token(view, token)
        page = traversal.take(page, view)
        traversal.keep_etag(key, tag, following, view.records)
        return page, following, view.records

    # -- resources that are read for each row of another -------------------------------

    def _children(
        self, resource: Resource, page: Page, inherited: Context
    ) -> Iterator[Work]:
        """Yield the reading of the children of each row."""
        if not resource.children:
            return
        for facts in page.facts:
            context = resource.context(facts, inherited)
            if context is None:
                if facts is not None:  # else the row is rejected
                    self._unasked.update(child.name for child in resource.children)
                continue
            for child in resource.children:
                start = partial(self._start_child, child, context, None)
                yield Work(start, partial(self._child_pages, child, context))

    def _start_child(
        self,
        child: Resource,
        context: Context,
        token: Token,
        before: Page | None = None,
    ) -> Future[Page]:
        request = child.requests.request(token, context=context)
        prefix = child.requests.prefix(context)
        before = _unlike(child, before)
        return self._fetcher.start(child, request, prefix, before)

    def _child_pages(
        self, child: Resource, context: Context, response: Future[Page]
    ) -> Iterator[Event]:
        """Yield the records of pages of a child, and of its children."""
        repeats, token = Repeats(child), None
        page: Page | None = None
        while True:
            try:
                page = _result(child, response, page)
            except ObjectMissing:  # the row was deleted meanwhile
                _log.info("resource %s: no page for a row of its parent", child.name)
                return
            if page is None:
                return
            view = view_of(child, page)
            following = child.paginator.next_token(view, token)
            repeats.check_page(page)
            if following is not None:
                repeats.check_token(following)
                response = self._start_child(child, context, following, page)
            yield Records(child, page.lines)
            below = self._children(child, page, context)
            yield from in_order(below, self._ahead)
            if following is None:
                return
            token = following


def _result(
    resource: Resource, response: Future[Page], before: Page | None
) -> Page | None:
    """Return a page, `None` if the one before it was the last.

    A server that has no further page says so, or gives the last one again.
    """
    if before is None or _unlike(resource, before) is not None:
        return response.result()
    try:
        page = response.result()
    except ObjectMissing:
        return None
    same = page.lines and resource.keys(page) == resource.keys(before)
    return None if same else page


def _unlike(resource: Resource, before: Page | None) -> Page | None:
    """Return the page that the next one must not repeat, `None`: it may."""
    if before is None or resource.paginator.is_short(view_of(resource, before)):
        return None
    return before
