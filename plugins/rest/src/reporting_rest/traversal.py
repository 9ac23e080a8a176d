"""Way through all pages of a resource: positions, repeated pages, records that move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from reporting_framework import StorageUnavailable
from reporting_rest.cursors import formatted, is_ahead, order_of, shifted
from reporting_rest.http import HttpRequest
from reporting_rest.pages import Page
from reporting_rest.paginators import Offset, PageView, Token
from reporting_rest.repeats import Repeats
from reporting_rest.resources import Resource

MAX_PASSES = 3
"""Number of times that a resource is read if records move while it is read."""

MAX_ETAGS = 1_000
"""Number of pages whose ETags are kept."""

Position = Mapping[str, Any]
"""Position of a resource, in JSON types; see `Traversal`."""


@dataclass
class Traversal:
    """Reading of all pages of a resource, or of those after a position.

    A position has the lower bound of the cursor (``since``), and within a reading the
    token of the next page (``next``), the greatest cursor so far (``newest``) and the
    upper bound (``until``). ``etags`` has, for each page, its ETag, the next token and
    the number of its items; ``form`` says for which columns.

    Attributes:
        resource: The resource.
        position: Position to start from, `None`: the beginning.
    """

    resource: Resource
    position: Position | None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    moved: bool = False
    passes: int = 1

    def __post_init__(self) -> None:
        start = self.position or {}
        if start.get("of") != self.resource.fingerprint:
            start = {}
        self.since = start.get("since")
        self.newest = start.get("newest", self.since)
        self.until = start.get("until")
        self.token: Token = start.get("next")
        self.resumed = self.token is not None
        same_form = start.get("form") == self.resource.form
        conditional = self.resource.conditional and same_form
        self.known_etags: Mapping[str, Any] = (
            start.get("etags", {}) if conditional else {}
        )
        self.etags: dict[str, Any] = {}
        cursor = self.resource.settings.cursor
        if cursor is not None and cursor.end_param and self.until is None:
            self.until = formatted(self.now, cursor.end_format)
        self._begin()

    def _begin(self) -> None:
        self._seen: dict[Any, Any] = {}
        self.repeats = Repeats(self.resource)
        self._last_key: Any = None
        self._total: Any = None
        self.moved = False

    def again(self) -> bool:
        """Start from the first page if records have moved; return whether they have.

        Raises:
            StorageUnavailable: They keep moving.
        """
        if not self.moved:
            return False
        if self.passes >= MAX_PASSES:
            raise StorageUnavailable(
                f"resource {self.resource.name}: records moved from page to page while"
                f" it was read, {self.passes} times; run again when fewer change, use a"
                " paginator with cursors, or correct primary_key if several records"
                " have one key"
            )
        self.passes += 1
        self.token, self.resumed = None, False
        self._begin()
        return True

    def restart(self) -> None:
        """Start from the first page: the server does not take the token any more."""
        self.token, self.resumed = None, False
        self._begin()

    @property
    def bounds(self) -> dict[str, Any]:
        """Parameters of the cursor."""
        cursor = self.resource.settings.cursor
        if cursor is None:
            return {}
        since = cursor.start if self.since is None else self.since
        bounds: dict[str, Any] = {}
        if cursor.param is not None and since is not None:
            back = cursor.lookback
            bounds[cursor.param] = since if self.since is None else shifted(since, back)
        if cursor.end_param is not None:
            bounds[cursor.end_param] = self.until
        return bounds

    def request(self, token: Token) -> HttpRequest:
        """Return the request for a page, with the ETag that it had."""
        requests, etag = self.resource.requests, None
        request = requests.request(token, bounds=self.bounds)
        if self.known_etags and self.passes == 1:
            etag, *_ = self.known_etags.get(etag_key(request), (None,))
        if etag is None:
            return request
        return requests.request(token, bounds=self.bounds, etag=etag)

    def take(self, page: Page, view: PageView) -> Page:
        """Note the records of the next page; return it without repeated ones.

        Raises:
            StorageUnavailable: Pages come again and again.
        """
        fields = self.resource.parser.fields
        key_at = [fields.index(name) for name in self.resource.settings.primary_key]
        cursor = self.resource.settings.cursor
        cursor_at = None if cursor is None else fields.index(cursor.field)
        self.repeats.check_page(page)
        total = self.resource.paginator.total(view)
        if self._total is not None and total is not None and total != self._total:
            self.moved = True
        self._total = self._total if total is None else total
        page = self._overlapping(page, key_at)
        if not self.resource.paginator.is_stable(self.token):
            self._compare(page, key_at, cursor_at)
        if cursor_at is not None:
            values = [facts[cursor_at] for facts in page.facts if facts is not None]
            self._advance(values)
        return page

    def _advance(self, values: list[Any]) -> None:
        """Note the greatest cursor that is not in the future."""
        places = {value: order_of(value) for value in values if _is_scalar(value)}
        ordered = {value: place for value, place in places.items() if place is not None}
        others = {*ordered, self.newest}
        while ordered:
            newest = max(ordered, key=ordered.__getitem__)
            if not is_ahead(newest, self.now, others):
                break
            del ordered[newest]
        else:
            return
        known = order_of(self.newest)
        if known is None or known[0] != ordered[newest][0] or known < ordered[newest]:
            self.newest = newest

    def _overlapping(self, page: Page, key_at: list[int]) -> Page:
        """Compare the first record with the last one of the page before."""
        paginator = self.resource.paginator
        overlap = isinstance(paginator, Offset) and paginator.overlap(self.token)
        if not overlap:
            return page
        keys = [facts and tuple(facts[at] for at in key_at) for facts in page.facts]
        if self._last_key is not None:
            if not keys or keys[0] != self._last_key:
                self.moved = True
            else:
                page = page._replace(lines=page.lines[1:], facts=page.facts[1:])
        self._last_key = keys[-1] if keys else None
        return page

    def _compare(self, page: Page, key_at: list[int], cursor_at: int | None) -> None:
        """Find records that were on an earlier page in another state."""
        states: dict[Any, Any] = {}
        for line, facts in zip(page.lines, page.facts, strict=True):
            if facts is None:
                continue
            try:
                key = tuple(facts[at] for at in key_at)
                if None in key:
                    continue  # no key; its record will be rejected
                state = hash(line if cursor_at is None else facts[cursor_at])
                if self._seen.get(key, state) != state:
                    self.moved = True
                states[key] = state
            except TypeError:  # a list or an object; its record will be rejected
                continue
        self._seen.update(states)  # a key may be twice on one page

    def keep_etag(
        self, key: str, etag: str | None, following: Token, items: int | None
    ) -> None:
        """Keep the ETag of a page, with the token of the next page and its size."""
        if etag is not None and len(self.etags) < MAX_ETAGS:
            self.etags[key] = [etag, following, items]

    def within(self, following: Token) -> Position | None:
        """Return the position after a page that is not the last.

        Returns `None` if the next run could not continue there.
        """
        cursor = self.resource.settings.cursor
        if self.moved or self.passes > 1:
            return None
        if self.resource.paginator.is_stable(following):
            return self._made(
                since=self.since, next=following, newest=self.newest, until=self.until
            )
        if cursor is not None and cursor.ordered and self.newest is not None:
            return self._made(since=self.newest)
        return None

    def after(self) -> Position:
        """Return the position after the last page."""
        if not self.etags:
            return self._made(since=self.newest)
        return self._made(since=self.newest, etags=self.etags, form=self.resource.form)

    def _made(self, **parts: Any) -> Position:
        given = {name: value for name, value in parts.items() if value is not None}
        return {"of": self.resource.fingerprint, **given}


def etag_key(request: HttpRequest) -> str:
    """Return the name of a page among those whose ETags are kept."""
    text = f"{request.full_url} {request.body()[0]!r}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)
