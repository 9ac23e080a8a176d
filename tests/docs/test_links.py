"""Links: what they lead to is there, and every page is in the navigation."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.prose.markdown import dead_links, links

from tests.docs.playing import DOCS

ROOT = DOCS.parent
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def navigation(entries: list[Any]) -> Iterator[str]:
    """Pages of the navigation, in order."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from navigation(value) if isinstance(value, list) else [value]


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_to_pages_of_the_site(page):
    assert list(dead_links(DOCS / page)) == []
    outside = [
        link
        for link in links(DOCS / page)
        if link.partition("#")[0] not in ("", *pages_from(page))
    ]
    assert outside == [], "the site does not have it: name it as code"


def pages_from(page: str) -> set[str]:
    """All pages, and pictures, as this one links to them."""
    here = DOCS / page
    depth = len(Path(page).parts) - 1
    pictures = [
        str(path.relative_to(DOCS)) for path in (DOCS / "assets").rglob("*.png")
    ]
    relative = {"../" * depth + each for each in (*PAGES, *pictures)}
    return relative | {each.name for each in here.parent.glob("*.md")}


def test_every_page_is_in_the_navigation_once():
    found = list(
        navigation(
            tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
        )
    )
    assert sorted(found) == PAGES
