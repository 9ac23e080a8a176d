"""Plugin for REST APIs: the source `rest-api`, and an HTTP client in `http`.

A paginator of your own is a subclass of `Paginator`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reporting_rest.paginators import PageView, Paginator

__all__ = ["PageView", "Paginator"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: help needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reporting_rest import paginators

    return getattr(paginators, name)
