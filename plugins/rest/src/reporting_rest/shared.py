"""Sample pages and columns that source objects of one report share in a process.

Columns are looked up by an object for each stream, before another object reads all of
them. The pages of the sample are not fetched again by the reading.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock

import polars as pl

from reporting_rest.http import HttpRequest, HttpResponse
from reporting_rest.settings import RestApiSettings

MAX_REPORTS = 16
"""Number of reports whose columns are kept."""

MAX_SECONDS = 120.0
"""Time for which a page of a sample may be used."""

_lock = Lock()
_known: OrderedDict[str, Shared] = OrderedDict()


class Shared:
    """Sample pages and columns of one report.

    Attributes:
        schemas: Columns by stream.
        untyped: Columns without a value, by stream.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, pl.Schema] = {}
        self.untyped: dict[str, list[str]] = {}
        self._pages: dict[str, tuple[float, HttpResponse]] = {}
        self._lock = Lock()

    def keep(self, request: HttpRequest, response: HttpResponse) -> None:
        """Keep a page of a sample."""
        now = time.monotonic()
        with self._lock:
            kept = self._pages.items()
            self._pages = {
                key: page for key, page in kept if now - page[0] < MAX_SECONDS
            }
            self._pages[_key(request)] = now, response

    def peek(self, request: HttpRequest) -> HttpResponse | None:
        """Return a page of a sample, if it is young enough."""
        with self._lock:
            at, response = self._pages.get(_key(request), (0.0, None))
        return response if time.monotonic() - at < MAX_SECONDS else None

    def take(self, request: HttpRequest) -> HttpResponse | None:
        """Return a page of a sample, if it is young enough, and forget it."""
        if not self._pages:
            return None
        found = self.peek(request)
        with self._lock:
            self._pages.pop(_key(request), None)
        return found


def shared_of(settings: RestApiSettings) -> Shared:
    """Return what objects with these settings share."""
    secrets = "" if settings.auth is None else settings.auth.digest()
    key = settings.model_dump_json(exclude={"full_scan"}) + secrets
    with _lock:
        found = _known.pop(key, None) or Shared()
        _known[key] = found
        while len(_known) > MAX_REPORTS:
            _known.popitem(last=False)
    return found


def _key(request: HttpRequest) -> str:
    etag = request.headers.get("if-none-match")
    return f"{request.method} {request.full_url} {request.body()[0]!r} {etag}"
