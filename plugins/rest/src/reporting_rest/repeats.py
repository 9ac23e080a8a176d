"""Pages that come again: a reading of them would not end."""

from __future__ import annotations

from reporting_framework import StorageUnavailable
from reporting_rest.pages import Page
from reporting_rest.paginators import Token
from reporting_rest.resources import Resource

MAX_REPEATED = 3
"""Number of pages in a row that were there before: a single one may be there twice."""

MAX_EMPTY = 1_000
"""Number of pages in a row without records: a filter may empty some."""


class Repeats:
    """Notice of pages that come again.

    Args:
        resource: Resource of the pages.
    """

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._tokens: set[str] = set()
        self._pages: set[int] = set()
        self._repeated = self._empty = 0

    def check_token(self, token: Token) -> None:
        """Check that a page is not asked for twice.

        Raises:
            StorageUnavailable: It is.
        """
        text = repr(token)
        if text in self._tokens:
            raise self._error("the server repeats a page without end")
        self._tokens.add(text)

    def check_page(self, page: Page) -> None:
        """Check that pages do not come again, by the keys of their records.

        Raises:
            StorageUnavailable: They do, or are empty without end.
        """
        if not page.lines:
            self._empty += 1
            if self._empty >= MAX_EMPTY:
                raise self._error(f"{MAX_EMPTY:,} pages in a row have no records")
            return
        page_id = hash(repr(self._resource.keys(page)))
        self._empty = 0
        self._repeated = self._repeated + 1 if page_id in self._pages else 0
        if self._repeated >= MAX_REPEATED:
            raise self._error("the server repeats pages without end")
        self._pages.add(page_id)

    def _error(self, problem: str) -> StorageUnavailable:
        return StorageUnavailable(
            f"resource {self._resource.name}: {problem}; correct the paginator"
        )
