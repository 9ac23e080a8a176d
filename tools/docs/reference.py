"""All pages of the reference."""

from __future__ import annotations

from pathlib import Path

from tools.docs.blocks import blocks_page
from tools.docs.classes import hooks_page, interfaces_page, records_page
from tools.docs.commands import commands_page
from tools.docs.plugins import catalogue_page, first_party, settings_page
from tools.docs.suites import suites_page
from tools.docs.values import errors_page, metrics_page


def pages() -> dict[str, str]:
    """Return every page by the name of its file.

    Raises:
        Undocumented: An object of a page has no docstring or description.
        RuntimeError: A first-party plugin is not installed, or is broken.
    """
    registry = first_party()
    return {
        "hooks.md": hooks_page(),
        "interfaces.md": interfaces_page(),
        "records.md": records_page(),
        "building-blocks.md": blocks_page(),
        "testing.md": suites_page(),
        "plugins.md": catalogue_page(registry),
        "settings.md": settings_page(registry),
        "command-line.md": commands_page(registry),
        "metrics.md": metrics_page(registry),
        "errors.md": errors_page(),
    }


def write(folder: Path) -> None:
    """Write every page into the folder."""
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
