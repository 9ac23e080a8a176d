"""Markdown pages: links, anchors, fenced blocks and first paragraphs."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from tools.docs.markdown import slug

FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: +title="(?P<title>[^"]+)")?\n'
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"^(```.*?^```|    .*?)$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    title: str | None
    text: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    return [
        Block(*match.group("language", "title", "text"))
        for match in FENCE.finditer(text)
    ]


@cache
def anchors(path: Path) -> set[str]:
    """Return the anchors of a page: its headings, as the site names them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        name, number = slug(heading), 0
        while (unique := f"{name}_{number}" if number else name) in found:
            number += 1
        found.add(unique)
    return found


def links(path: Path) -> list[str]:
    """Return the relative links of a page, those in code left out."""
    text = _CODE.sub("", _COMMENT.sub("", path.read_text()))
    return [link for link in _LINK.findall(text) if "://" not in link]


def dead_links(path: Path) -> Iterator[str]:
    """Yield the links of a page that have no target, each with the reason."""
    for link in links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / unquote(file)).resolve() if file else path
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(target):
            yield f"{link}: no such heading"


def broken_blocks(text: str) -> Iterator[str]:
    """Yield the fenced blocks of Python, TOML and JSON that do not parse."""
    parsers: dict[str, Callable[[str], object]] = {
        "python": ast.parse,
        "toml": tomllib.loads,
        "json": json_values,
    }
    for block in blocks(text):
        parse = parsers.get(block.language)
        try:
            if parse and "…" not in block.text:
                parse(block.text)
        except (ValueError, SyntaxError):
            yield f"{block.language} block does not parse: {block.text.strip()[:60]!r}"


def json_values(text: str) -> list[object]:
    """Parse JSON values one after the other, as in a file of lines.

    Raises:
        ValueError: One of them is not JSON.
    """
    values, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


def first_paragraph(text: str) -> str:
    """Return the first paragraph after the title."""
    paragraphs = [part.strip() for part in text.split("\n\n")]
    return next(
        (part for part in paragraphs if part and not part.startswith(("#", "<!--"))),
        "",
    )
