"""HTML that is made in Python.

Everything that is put into it is escaped, but what was made here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

Content = Any
"""Content of an element: markup (has ``__html__``), text, a number, None (nothing), or
a sequence of these.
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
    """An element.

    Args:
        name: Its name.
        content: What it holds; text is escaped.
        attributes: By name; a trailing underscore is dropped and others become hyphens
            (``class_``, ``aria_label``). None and False leave one out, True gives it no
            value.
    """
    given = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None
    )
    if name in _EMPTY:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Iterable[Content]) -> Markup:
    """Several pieces of content, one behind the other."""
    return Markup("".join(map(_shown, content)))


def embedded(value: Any) -> Markup:
    """Return JSON that may stand in a ``script`` element.

    Nothing in it can end the element, whatever text it holds.
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
