"""Pieces of markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([*\[\\]|\b_|_\b)")


def cell(text: str) -> str:
    """Return text for a cell of a table: on one line, without a bar."""
    return " ".join(text.split()).replace("|", "\\|")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def plain(text: str) -> str:
    """Escape text so that only code in backticks is markdown; a ``*`` stays a ``*``."""
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
    """Return code within a line."""
    return f"`{text}`" if text else ""


def fence(text: str, language: str = "") -> str:
    """Return code of several lines."""
    return f"```{language}\n{text.rstrip()}\n```"


def slug(heading: str) -> str:
    """Return the anchor of a heading, as the site makes it."""
    text = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
    return re.sub(r"[\s-]+", "-", text)


def page(title: str, *parts: str) -> str:
    """Return a page with a note on its origin."""
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
