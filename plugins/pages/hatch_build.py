"""Build hook that adds the drawing library to wheels, editable wheels included.

It is generated, never kept in the repository: ``src/reporting_pages/vega.js`` is the
output of the pinned vl-convert-python, with the notices of its licenses at its head.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NEVER = ("</script", "<script", "<!--")
"""Texts that would end the element of the library, or begin another."""


def checked(text: str) -> str:
    """Return the library, if it can be embedded in a page.

    Raises:
        ValueError: It cannot be embedded.
    """
    if forbidden := [word for word in NEVER if word in text.lower()]:
        raise ValueError(
            f"the bundle of vl-convert-python holds {', '.join(forbidden)}, and cannot"
            " stand in a page"
        )
    return text


class VegaBundle(BuildHookInterface[Any]):
    """Build hook that writes ``vega.js``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the library before each build.

        A source distribution holds no generated file, a wheel made of it gets its own.

        Raises:
            ValueError: The library cannot stand in a page.
        """
        if self.target_name != "wheel":
            return
        import vl_convert

        package = Path(self.root) / "src" / "reporting_pages"
        notices = (package / "vega-notices.txt").read_text(encoding="utf-8")
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").strip()
        text = checked(f"/*!\n{notices}*/\n{bundle}\n")
        target = package / "vega.js"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
