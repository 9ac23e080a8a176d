"""HTML elements created in Python.

All content is escaped, except markup that was created here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

Content = Any
"""Content of an element: markup (with ``__html__``), text, a number, `None` (nothing),
or a sequence of these.
"""

_EMPTY = frozenset({"br", "hr", "img", "link", "meta"})
_UNSAFE = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def element(name: str, /, *content: Content, **attributes: Content) -> Markup:
    """Return an element.

    Args:
        name: Name of the element.
        content: Content; text is escaped.
        attributes: Attributes by name; a trailing underscore is dropped, and other
            underscores become hyphens (``class_``, ``aria_label``). `None` and False
            leave an attribute out, True gives it no value.
    """
    given = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None
    )
    if name in _EMPTY:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Iterable[Content]) -> Markup:
    """Join pieces of content."""
    return Markup("".join(map(_shown, content)))


def embedded(value: Any) -> Markup:
    """Return JSON that is safe in a ``script`` element.

    No text in it can end the element.
    """
    return Markup(
        json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)
    )


def _shown(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, list | tuple):
        return joined(content)
    return escape(content)


def _attribute(key: str, value: Content) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
