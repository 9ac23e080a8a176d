"""Tables for people: ruled on a terminal, plain elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from reporting_framework.cli.standard_streams import (
    escape_control_chars,
    use_table_lines,
)

WIDEST = 120
"""Length in characters of the longest cell that sets the width of a column."""

Rows = list[tuple[str, str]]
"""Pairs of label and value."""


def table(title: str, rows: Rows) -> list[str]:
    """Return two columns under a title: ruled on a terminal, plain elsewhere."""
    if not use_table_lines():
        width = max(len(label) for label, _ in rows)
        return [
            title,
            *(f"  {label:<{width}}  {value}".rstrip() for label, value in rows),
        ]
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        title=Text(title, style="bold"), title_justify="left", show_header=False
    )
    drawn.add_column(style="cyan", no_wrap=True)
    drawn.add_column(overflow="fold")
    for label, value in rows:
        drawn.add_row(Text(label), Text(value))
    return draw(drawn)


def draw(drawn: object) -> list[str]:
    """Return the lines of a renderable of rich.

    They have the terminal's width, and colors unless ``NO_COLOR`` is set.
    """
    from rich.console import Console

    outside = Console(file=sys.stdout)
    inside = Console(
        file=io.StringIO(), force_terminal=outside.is_terminal, width=outside.width
    )
    with inside.capture() as captured:
        inside.print(drawn)
    return captured.get().rstrip("\n").split("\n")


def listing(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns with a header.

    They are ruled on a terminal and separated by two blanks elsewhere.
    """
    clean = [[escape_control_chars(cell) for cell in row] for row in rows]
    if not use_table_lines():
        widths = [
            max(len(cell) for cell in column if len(cell) <= WIDEST)
            for column in zip(columns, *clean, strict=True)
        ]
        lines = [columns, *clean]
        return "\n".join(
            "  ".join(
                f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns)
    for row in clean:
        drawn.add_row(*(Text(cell) for cell in row))
    return "\n".join(draw(drawn))
