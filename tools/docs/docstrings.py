"""Conversion of Google docstrings to markdown."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

from tools.docs.markdown import fence

SECTIONS = {"Args": "Arguments"}
"""Sections whose titles on a page differ from those in a docstring."""

_ENTRY = re.compile(r"(\w+): (.*)")
_LITERAL = re.compile(r"``(.+?)``")


class Undocumented(Exception):
    """Error of a public object without docstring, or a setting without description."""


def text_of(thing: object, name: str) -> str:
    """Return the docstring without indentation, which differs by Python release.

    Raises:
        Undocumented: There is none.
    """
    text = getattr(thing, "__doc__", None)
    if not text:
        raise Undocumented(f"{name} has no docstring")
    return inspect.cleandoc(text)


def summary(thing: object, name: str) -> str:
    """Return the first paragraph of the docstring, on one line."""
    return literal(" ".join(text_of(thing, name).split("\n\n")[0].split()))


def literal(text: str) -> str:
    """Replace double backticks with single ones."""
    return _LITERAL.sub(r"`\1`", text)


def as_markdown(text: str) -> str:
    """Return the docstring as markdown.

    Sections become lists, and text after a double colon becomes code.
    """
    return "\n\n".join(_blocks(text.split("\n\n")))


def _blocks(paragraphs: list[str]) -> Iterator[str]:
    while paragraphs:
        head, _, rest = (paragraph := paragraphs.pop(0)).partition("\n")
        if head.endswith(":") and not head.endswith("::") and rest.startswith("    "):
            while paragraphs and paragraphs[0].startswith("    "):
                rest += "\n" + paragraphs.pop(0)
            yield f"**{SECTIONS.get(head[:-1], head[:-1])}**"
            yield _entries(textwrap.dedent(rest))
        elif paragraph.rstrip().endswith("::"):
            sample = []
            while paragraphs and paragraphs[0].startswith("    "):
                sample.append(paragraphs.pop(0))
            if before := paragraph.rstrip()[:-2].rstrip():
                yield literal(before + ":")
            yield fence(
                shown := textwrap.dedent("\n\n".join(sample)),
                "python" if _is_python(shown) else "text",
            )
        elif paragraph.startswith("- "):
            yield literal("\n".join(f"- {text}" for text in _items(paragraph)))
        else:
            yield literal(" ".join(paragraph.split()))


def _is_python(text: str) -> bool:
    try:
        return bool(ast.parse(text))
    except SyntaxError:
        return False


def _items(paragraph: str) -> list[str]:
    return [
        " ".join(item.split())
        for item in re.split(r"^- ", paragraph, flags=re.MULTILINE)
        if item.strip()
    ]


def _entries(text: str) -> str:
    """Return ``name: text`` entries, with indented continuation lines, as a list."""
    entries: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            match = _ENTRY.fullmatch(line)
            entries.append(f"`{match[1]}`: {match[2]}" if match else line)
    return "\n".join(f"- {literal(entry)}" for entry in entries)
