"""Requests for the pages of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from reporting_rest.http import HttpRequest
from reporting_rest.pages import Context
from reporting_rest.paginators import Paginator, Token
from reporting_rest.resource_settings import PLACEHOLDER, ResourceSettings


class PageRequests:
    """Requests for the pages of a resource.

    Args:
        base_url: URL before the path.
        settings: Settings of the resource.
        paginator: Its paginator.
    """

    def __init__(
        self, base_url: str, settings: ResourceSettings, paginator: Paginator
    ) -> None:
        self._settings, self._paginator = settings, paginator
        self._base = base_url.rstrip("/")
        self.shown = f"{self._base}/{settings.path.lstrip('/')}"

    def request(
        self,
        token: Token,
        *,
        context: Context | None = None,
        bounds: Mapping[str, Any] | None = None,
        etag: str | None = None,
    ) -> HttpRequest:
        """Return the request for a page.

        Args:
            token: Token of the page.
            context: Fields of the rows of parents.
            bounds: Parameters of the cursor.
            etag: ETag of the last response, to skip a page that has not changed.
        """
        context = context or {}
        headers = {} if etag is None else {"if-none-match": etag}
        url = self._paginator.url(token)
        selected = {**(bounds or {}), **self._paginator.params(token)}
        body: dict[str, Any] | None = None
        fixed = {
            name: _filled(str(value), context) if isinstance(value, str) else value
            for name, value in self._settings.params.items()
        }
        if self._settings.method == "POST":
            body = {**self._settings.body, **selected}
            params = fixed
        else:
            params = {**fixed, **selected}
        if url is not None:
            params = {}
        path = _filled(self._settings.path, context, quoted=True)
        return HttpRequest(
            self._settings.method,
            url or f"{self._base}/{path.lstrip('/')}",
            params={name: text_of(value) for name, value in params.items()},
            headers=headers,
            json=body,
            shown=self.shown,
        )

    def prefix(self, context: Context) -> bytes:
        """Return the members that the records get from the rows of parents."""
        parts = []
        for column, text in self._settings.include.items():
            name, _, field = text.partition(".")
            value = msgspec.json.encode(context[name, field])
            parts.append(msgspec.json.encode(column) + b":" + value + b",")
        return b"".join(parts)


def text_of(value: Any) -> str:
    """Return a value as a parameter of a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _filled(text: str, context: Context, *, quoted: bool = False) -> str:
    """Return a text whose placeholders are filled in."""
    if "{" not in text:
        return text

    def value(match: Any) -> str:
        found = text_of(context[match[1], match[2]])
        return quote(found, safe="") if quoted else found

    return PLACEHOLDER.sub(value, text)
