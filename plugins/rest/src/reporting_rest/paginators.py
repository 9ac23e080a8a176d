"""Ways from one page of a resource to the next.

A token says which page is next. It is of JSON types, as it is committed with the rows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from typing_extensions import override

from reporting_rest.http import HttpResponse
from reporting_rest.http.messages import joined
from reporting_rest.json_paths import JsonPath

Token = Any
"""Name of a page, in JSON types; `None`: the first page."""

_LINK = re.compile(
    r"<([^>]*)>((?:\s*;\s*[\w*!#$&+.^`|~-]+(?:=(?:\"[^\"]*\"|[^\s;,\"]+))?)*)"
)
_RELATION = re.compile(r";\s*rel=(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


class PageView(NamedTuple):
    """Page as a paginator sees it.

    Attributes:
        response: The response; its URL may hold secrets.
        records: Number of records; if they are in lists within the items of a list,
            that of the items.
        last: Value of a top-level field of the last record, see
            `Paginator.record_field`.
    """

    response: HttpResponse
    records: int
    last: Any = None


class Paginator:
    """Base class of paginators: by default one page.

    Attributes:
        record_field: Field of the last record that `next_token` needs.
    """

    record_field: str | None = None

    def url(self, token: Token) -> str | None:
        """Return the URL of the page, `None`: that of the resource, with `params`."""
        return None

    def params(self, token: Token) -> dict[str, Any]:
        """Return the parameters that select the page."""
        return {}

    def next_token(self, page: PageView, token: Token) -> Token:
        """Return the token of the next page, `None` at the end."""
        return None

    def further(self, page: PageView) -> Sequence[Token] | None:
        """Return the tokens of all pages after the first, `None` if they are not known.

        Pages that are known are fetched at the same time.
        """
        return None

    def missing(self, first: PageView, records: Sequence[int]) -> Token:
        """Return the token to go on with after the pages of `further`, or `None`.

        A server may give pages of different sizes, so that there are more of them than
        the first one says.

        Args:
            first: The first page.
            records: Number of records of the first page and of each of `further`.
        """
        return None

    def is_short(self, page: PageView) -> bool:
        """Return whether a page has fewer records than were asked for.

        It is then the last one, or the server gives less than it is asked for: the next
        page says which. There may be none, or the same page again.
        """
        return False

    def total(self, page: PageView) -> Any:
        """Return a number that changes if records are added or removed, or `None`."""
        return None

    def is_stable(self, token: Token) -> bool:
        """Return whether a token selects the same records after others have changed.

        A later run may then continue with it. A number of a page does not.
        """
        return False


class LinkHeader(Paginator):
    """URL of the next page in the header ``Link`` (RFC 8288).

    Args:
        stable: Whether the URL holds a cursor, not the number of a page.
    """

    def __init__(self, *, stable: bool = False) -> None:
        self._stable = stable

    @override
    def is_stable(self, token: Token) -> bool:
        return self._stable

    @override
    def url(self, token: Token) -> str | None:
        return token  # type: ignore[no-any-return]

    @override
    def next_token(self, page: PageView, token: Token) -> Token:
        for target, attributes in _LINK.findall(page.response.headers.get("link", "")):
            found = _RELATION.search(attributes)
            relations = "" if found is None else found[1] or found[2]
            if "next" in relations.lower().split():
                return joined(page.response.url, target)
        return None


class NextUrl(Paginator):
    """URL of the next page in the body.

    Args:
        path: Path of the URL.
        stable: Whether the URL holds a cursor, not the number of a page.
    """

    def __init__(self, path: JsonPath, *, stable: bool = False) -> None:
        self._path, self._stable = path, stable

    @override
    def is_stable(self, token: Token) -> bool:
        return self._stable

    @override
    def url(self, token: Token) -> str | None:
        return token  # type: ignore[no-any-return]

    @override
    def next_token(self, page: PageView, token: Token) -> Token:
        target = self._path.value(page.response.body)
        if not isinstance(target, str) or not target:
            return None
        return joined(page.response.url, target)


class NextCursor(Paginator):
    """Cursor of the next page in the body, in a header, or in the last record."""

    def __init__(
        self,
        param: str,
        *,
        path: JsonPath | None = None,
        header: str | None = None,
        record_field: str | None = None,
        more: JsonPath | None = None,
    ) -> None:
        self._param, self._path, self._more = param, path, more
        self._header = None if header is None else header.lower()
        self.record_field = record_field

    @override
    def is_stable(self, token: Token) -> bool:
        """Return whether a token is a cursor: a short number may be that of a page."""
        number = isinstance(token, int) or (isinstance(token, str) and token.isdigit())
        return self.record_field is not None or not number or len(str(token)) > 9

    @override
    def params(self, token: Token) -> dict[str, Any]:
        return {} if token is None else {self._param: token}

    @override
    def next_token(self, page: PageView, token: Token) -> Token:
        response = page.response
        if self._more is not None and not self._more.value(response.body):
            return None
        if self._path is not None:
            found = self._path.value(response.body)
        elif self._header is not None:
            found = response.headers.get(self._header)
        else:
            found = page.last
        return None if found is False or found == "" else found


class PageNumber(Paginator):
    """Number of the page."""

    def __init__(
        self,
        param: str,
        *,
        start: int = 1,
        size_param: str | None = None,
        size: int | None = None,
        total_pages: JsonPath | None = None,
        total_records: JsonPath | None = None,
    ) -> None:
        self._param, self._start = param, start
        self._size, self._size_param = size, size_param
        self._pages, self._records = total_pages, total_records

    @override
    def params(self, token: Token) -> dict[str, Any]:
        sizes = {self._size_param: self._size} if self._size_param else {}
        return {self._param: self._at(token)[0], **sizes}

    @override
    def next_token(self, page: PageView, token: Token) -> Token:
        number, before = self._at(token)
        if self._pages is not None and (count := self._count(page)) is not None:
            return number + 1 if number + 1 < self._start + count else None
        total = self._total(page)
        if not page.records or (total is not None and before + page.records >= total):
            return None
        return number + 1 if total is None else [number + 1, before + page.records]

    @override
    def further(self, page: PageView) -> Sequence[Token] | None:
        if self._pages is not None:
            count = self._count(page)
            first = self._start + 1
            return None if count is None else range(first, self._start + count)
        total, size = self._total(page), page.records or self._size or 1
        if total is None:
            return None
        return _Numbers(self._start, size, -(-total // size))

    @override
    def missing(self, first: PageView, records: Sequence[int]) -> Token:
        total, read = self._total(first), sum(records)
        if self._pages is not None or total is None or read >= total:
            return None
        return [self._start + len(records), read]

    @override
    def is_short(self, page: PageView) -> bool:
        return page.records < (self._size or 0)

    @override
    def total(self, page: PageView) -> Any:
        path = self._records or self._pages
        return None if path is None else path.value(page.response.body)

    def _at(self, token: Token) -> tuple[int, int]:
        """Return the number of a page, and the number of records before it."""
        if token is None:
            return self._start, 0
        if isinstance(token, list):
            return token[0], token[1]
        return token, (token - self._start) * (self._size or 1)

    def _count(self, page: PageView) -> int | None:
        path = self._pages
        return None if path is None else _number(path.value(page.response.body), 1)

    def _total(self, page: PageView) -> int | None:
        if self._records is None:
            return None
        return _number(self._records.value(page.response.body), page.records)


class _Numbers(Sequence[Token]):
    """Tokens of the pages after the first, if each has as many records as the first."""

    def __init__(self, start: int, size: int, count: int) -> None:
        self._start, self._size = start, size
        self._at = range(1, count)

    @override
    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, at: int) -> Token: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Token]: ...
    @override
    def __getitem__(self, at: int | slice) -> Token | Sequence[Token]:
        if isinstance(at, slice):
            return [self._token(each) for each in self._at[at]]
        return self._token(self._at[at])

    def _token(self, at: int) -> Token:
        return [self._start + at, at * self._size]


class Offset(Paginator):
    """Number of records before the page.

    Without a total, each page but the first begins with the last record of the page
    before it, which shows whether records have moved.

    Attributes:
        overlaps: Whether pages do so.
    """

    def __init__(
        self,
        param: str,
        *,
        limit_param: str,
        limit: int,
        total: JsonPath | None = None,
    ) -> None:
        self._param, self._limit_param, self._limit = param, limit_param, limit
        self._total = total
        self.overlaps = total is None and limit > 1

    def overlap(self, token: Token) -> int:
        """Return the number of records that a page shares with the one beside it."""
        return self._at(token)[1]

    @override
    def params(self, token: Token) -> dict[str, Any]:
        at, _ = self._at(token)
        return {self._param: at, self._limit_param: self._limit}

    @override
    def next_token(self, page: PageView, token: Token) -> Token:
        at, overlap = self._at(token)
        if page.records == overlap == 1 and token is None:
            return [1]  # a server may give single records
        if page.records <= overlap:
            return None
        following = at + page.records - overlap
        if isinstance(token, list):
            return [following]
        total = self._count(page)
        return following if total is None or following < total else None

    @override
    def further(self, page: PageView) -> Sequence[Token] | None:
        total, step = self._count(page), page.records or self._limit
        return None if total is None else range(step, total, step)

    @override
    def missing(self, first: PageView, records: Sequence[int]) -> Token:
        total, step = self._count(first) or 0, first.records or self._limit
        ends = (at * step + number for at, number in enumerate(records))
        begins = range(step, total + step, step)
        gaps = (
            [end]
            for end, following in zip(ends, begins, strict=False)
            if end < min(following, total)
        )
        return next(gaps, None)

    @override
    def is_short(self, page: PageView) -> bool:
        return page.records < self._limit

    @override
    def total(self, page: PageView) -> Any:
        return self._count(page)

    def _at(self, token: Token) -> tuple[int, int]:
        """Return the number of records before a page, and of those that two share."""
        if isinstance(token, list):
            return token[0], 0
        return token or 0, 1 if self.overlaps else 0

    def _count(self, page: PageView) -> int | None:
        if self._total is None:
            return None
        return _number(self._total.value(page.response.body), page.records)


def _number(value: Any, least: int) -> int | None:
    """Return a number of pages or records, `None` if it cannot be one.

    Args:
        value: The number as the server gives it.
        least: Number that is known to be there.
    """
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if least <= number <= sys.maxsize else None
