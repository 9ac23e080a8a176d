"""Plugin for REST APIs: the source `rest-api`, and an HTTP client in `http`.

A paginator of your own is a subclass of `Paginator`.
"""

from reporting_rest.paginators import PageView, Paginator

__all__ = ["PageView", "Paginator"]
