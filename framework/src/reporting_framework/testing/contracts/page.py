"""Promises of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from reporting_framework.plugin_api.page import PageContext
from reporting_framework.query.pages import html_of
from reporting_framework.testing.contracts.base import (
    PluginContract,
    assert_no_value_shown,
    few,
)
from reporting_framework.testing.contracts.query import with_nulls

Make = Callable[..., Any]

LARGEST = 2_000_000
"""Maximum number of characters of a page."""

_MARKUP = '"></script><b id="raw">&'
_ADDRESSES = frozenset(
    {
        "src",
        "href",
        "srcset",
        "action",
        "data",
        "poster",
        "xlink:href",
        "formaction",
        "background",
    }
)
_ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_STYLE = re.compile(r"@import|url\(\s*['\"]?\s*(?!data:|#)", re.IGNORECASE)


class PageContract(PluginContract):
    """Promises of a `Page`.

    Required, in addition to `PluginContract`:
        material: Fixture: a `PageContext`, its rows a lazy frame of at least three rows
            with the columns that the page needs.
    """

    @pytest.fixture
    def material(self) -> PageContext:
        """Return the data that a page is rendered from."""
        self._lacks(
            "material",
            "a Material with at least three rows of the columns that the page needs",
        )

    def test_it_is_a_whole_document(self, make: Make, material: PageContext) -> None:
        """Check that a page is a whole document.

        It has a doctype, a language, an encoding and a title, and is no larger than two
        million characters.
        """
        page = self._rendered(make, material)
        assert page.text.lstrip()[:15].lower() == "<!doctype html>", (
            "a page is a whole document: it has no doctype"
        )
        assert page.language, "a page says its language: <html lang=…>"
        assert page.title.strip(), "a page has a title"
        assert page.encoding, "a page says its encoding: <meta charset=…>"
        assert len(page.text) < LARGEST, (
            f"a page has less than {LARGEST:,} characters: {len(page.text):,}"
        )

    def test_it_needs_nothing_else(self, make: Make, material: PageContext) -> None:
        """Check that no script, style, image, font or link is external."""
        page = self._rendered(make, material)
        assert not page.elsewhere, (
            f"a page needs nothing else: {few(page.elsewhere)} lead elsewhere"
        )
        assert not page.styles, (
            f"a page needs nothing else: {few(page.styles)} in its styles"
        )

    def test_the_same_material_gives_the_same_text(
        self, make: Make, material: PageContext
    ) -> None:
        """Check that the same material gives the same text.

        The text is the same at another time, from another object, and with the rows in
        another order: it depends on no clock and no random number.
        """
        due = self._rendered(make, material).text
        rows = material.rows.collect()
        for other in (
            rows,
            rows.reverse(),
            rows.sample(fraction=1, shuffle=True, seed=1),
        ):
            text = self._rendered(make, material._replace(rows=other.lazy())).text
            assert text == due, "the same material gives the same text: it gave another"

    def test_it_can_be_made_of_little(self, make: Make, material: PageContext) -> None:
        """Check that a page can be rendered from little data.

        It can be rendered without rows, with nulls in all nullable columns, without a
        quarantine, and without runs.
        """
        rows = material.rows.collect()
        for what, changed in {
            "no rows": material._replace(rows=rows.clear().lazy()),
            "nulls": material._replace(rows=with_nulls(rows).lazy()),
            "no quarantine": material._replace(quarantine=None),
            "no runs": material._replace(runs=()),
            "nothing at all": material._replace(
                rows=rows.clear().lazy(), quarantine=None, runs=(), source="", table=""
            ),
        }.items():
            try:
                page = self._rendered(make, changed)
            except Exception as error:
                raise AssertionError(
                    f"a page can be made of {what}: {type(error).__name__}"
                ) from error
            assert page.title.strip(), f"a page has a title, of {what}"

    def test_values_are_escaped(self, make: Make, material: PageContext) -> None:
        """Check that values are escaped.

        Values of rows, and the names of a report and its places, are text and never
        markup.
        """
        rows = material.rows.collect()
        texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
        odd = rows.with_columns(pl.col(name) + pl.lit(_MARKUP) for name in texts)
        changed = material._replace(
            rows=odd.lazy(),
            report=f"r{_MARKUP}",
            source=f"s{_MARKUP}",
            table=f"t{_MARKUP}",
        )
        assert "raw" not in self._rendered(make, changed).ids, (
            "values are escaped: one has become markup"
        )

    def test_no_value_is_shown(
        self, make: Make, material: PageContext, output: Callable[[], Mapping[str, str]]
    ) -> None:
        """Check that no value of a row is logged or printed."""
        make().render(material)
        assert_no_value_shown(output())

    def _rendered(self, make: Make, material: PageContext) -> _Page:
        text = html_of(make().render(material))
        assert isinstance(text, str), f"a page is a text: it is a {type(text).__name__}"
        return _Page(text)


class _Page(HTMLParser):
    """Parser of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.language, self.title, self.encoding = text, "", "", ""
        self.elsewhere: list[str] = []
        self.styles: list[str] = []
        self.ids: set[str] = set()
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Process the start of an element."""
        given = {name: value or "" for name, value in attrs}
        self._open = tag
        self.ids.add(given.get("id", ""))
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "meta":
            self.encoding = self.encoding or given.get("charset", "")
        for name in _ADDRESSES & given.keys():
            if _ELSEWHERE.match(given[name]) or (
                tag in ("script", "link") and not given[name].startswith(("data:", "#"))
            ):
                self.elsewhere.append(f"{tag} {name}")
        self.styles += _STYLE.findall(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Process a text."""
        if self._open == "title":
            self.title += data
        elif self._open == "style":
            self.styles += _STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        """Process the end of an element."""
        self._open = ""
