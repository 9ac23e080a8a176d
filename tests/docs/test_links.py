"""Links: what they lead to is there, and every page is in the navigation."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.docs.markdown import slug

from tests.docs.playing import DOCS

ROOT = DOCS.parent
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
OTHERS = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "examples/README.md",
]

_CODE = re.compile(r"^(```.*?^```|    .*?)$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")


def anchors(path: Path) -> set[str]:
    """The anchors of a page: its headings, as the site names them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        name, number = slug(heading), 0
        while (unique := f"{name}_{number}" if number else name) in found:
            number += 1
        found.add(unique)
    return found


def links(path: Path) -> list[str]:
    """Where a page links to, code left out."""
    return [
        each
        for each in _LINK.findall(_CODE.sub("", path.read_text()))
        if "://" not in each
    ]


def wrong(path: Path) -> Iterator[str]:
    """Links of a page that lead nowhere."""
    for link in links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and anchor not in anchors(target):
            yield f"{link}: there is no such heading"


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
    assert list(wrong(DOCS / page)) == []
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


@pytest.mark.parametrize("page", OTHERS)
def test_links_of_the_repository_lead_somewhere(page):
    assert list(wrong(ROOT / page)) == []


def test_every_page_is_in_the_navigation_once():
    found = list(
        navigation(
            tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
        )
    )
    assert sorted(found) == PAGES


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`\n\n# One `two`\n\n[a](#one-two) [b](#one-two_1) [c](#three) [d](no.md) `[e](f)`\n"
    )
    assert list(wrong(page)) == [
        "#three: there is no such heading",
        "no.md: there is no such file",
    ]
