"""The drawing library as it lies in the package.

It is Vega, Vega-Lite and Vega-Embed in one text.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def library() -> str:
    """The library, with the notices of its licenses at its head.

    Raises:
        FileNotFoundError: The package was put together without being built.
    """
    return bundle_text(files("reporting_pages") / "vega.js")


def bundle_text(place: Traversable) -> str:
    """What was made when the package was built.

    Raises:
        FileNotFoundError: It was not built.
    """
    if not place.is_file():
        raise FileNotFoundError(
            f"{place}: the drawing library is made when reporting-pages is built;"
            " install it again (pip install)"
        )
    return place.read_text(encoding="utf-8")


@cache
def resource(name: str) -> str:
    """A text of the package: the style sheet, or what draws the charts."""
    return (files("reporting_pages") / name).read_text(encoding="utf-8")


def digest(script: str) -> str:
    """What a content security policy knows a script by."""
    return (
        f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
    )
