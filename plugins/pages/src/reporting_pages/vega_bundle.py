"""Drawing library in the package: Vega, Vega-Lite and Vega-Embed in one file."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def library() -> str:
    """Return the library, with the notices of its licenses at its head.

    Raises:
        FileNotFoundError: The package was not built.
    """
    return bundle_text(files("reporting_pages") / "vega.js")


def bundle_text(place: Traversable) -> str:
    """Return a file that is created when the package is built.

    Raises:
        FileNotFoundError: The package was not built.
    """
    if not place.is_file():
        raise FileNotFoundError(
            f"{place}: the drawing library is missing, as reporting-pages was not"
            " built; install it again (pip install)"
        )
    return place.read_text(encoding="utf-8")


@cache
def resource(name: str) -> str:
    """Return a text file of the package: the style sheet or the drawing script."""
    return (files("reporting_pages") / name).read_text(encoding="utf-8")


def digest(script: str) -> str:
    """Return the hash by which a content security policy allows a script."""
    return (
        f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
    )
