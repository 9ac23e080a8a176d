"""Requests and responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

Params = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Request to send.

    Attributes:
        method: Method, such as ``GET``.
        url: Absolute URL; it may have a query.
        params: Parameters that are added to the query.
        headers: Headers, in addition to those of the client.
        form: Fields of a form, sent as ``application/x-www-form-urlencoded``.
        json: Value that is sent as JSON; `None`: none.
        credentials: Whether the credentials of the client are sent, if the URL has the
            client's origin.
        shown: Text that messages show instead of the URL; empty: the URL without
            user info and query. For a path that holds values of records.
    """

    method: str
    url: str = field(repr=False)
    params: Params = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Params | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    credentials: bool = True
    shown: str = ""

    @property
    def full_url(self) -> str:
        """URL with the parameters in its query."""
        if not self.params:
            return self.url
        base = self.url.partition("#")[0]
        mark = "&" if "?" in base else "?"
        return f"{base}{mark}{urlencode(self.params)}"

    @property
    def has_body(self) -> bool:
        """True if a body is sent."""
        return self.form is not None or self.json is not None

    def body(self) -> tuple[bytes, str | None]:
        """Return the body and its media type, `None` if there is no body."""
        if self.form is not None:
            text = urlencode(self.form)
            return text.encode(), "application/x-www-form-urlencoded"
        if self.json is not None:
            return msgspec.json.encode(self.json), "application/json"
        return b"", None


class HttpResponse(NamedTuple):
    """Response as a whole.

    Attributes:
        status: Status code.
        headers: Headers by their names in lower case; repeated ones are joined by
            commas.
        body: Body, decompressed.
        url: URL that answered, after redirects. It may hold secrets in its query.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    def json(self) -> Any:
        """Return the value of a JSON body.

        Raises:
            ValueError: The body is not JSON. The message shows none of it.
        """
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ValueError("the body is not JSON") from None


def joined(base: str, target: str) -> str:
    """Return the URL that a server names, itself if it is none: requests refuse it."""
    try:
        return urljoin(base, target)
    except ValueError:
        return target


def place(url: str) -> str:
    """Return the part of a URL that may be shown: scheme, host, port and path."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
