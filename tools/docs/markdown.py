"""Pieces of markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([*\[\\]|\b_|_\b)")


def cell(text: str) -> str:
    """Text for a cell of a table: one line, no bar that would end it."""
    return " ".join(text.split()).replace("|", "\\|")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def plain(text: str) -> str:
    """Return text that is no markdown but for code in backticks.

    A ``*`` in it stays one.
    """
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        (
            part
            if part.startswith("`")
            else _MARKUP.sub(r"\\\1", part).replace("<", "&lt;")
        )
        for part in parts
    )


def code(text: str) -> str:
    """Code within a line."""
    return f"`{text}`" if text else ""


def fence(text: str, language: str = "") -> str:
    """Code of several lines."""
    return f"```{language}\n{text.rstrip()}\n```"


def slug(heading: str) -> str:
    """The anchor of a heading, as the site makes it."""
    text = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
    return re.sub(r"[\s-]+", "-", text)


def page(title: str, *parts: str) -> str:
    """A page that says where it comes from."""
    return (
        "\n\n".join(
            [
                f"# {title}",
                "<!-- Made by `hatch run docs:generate`. -->",
                *filter(None, parts),
            ]
        )
        + "\n"
    )
