"""PySpark as it is installed."""

import importlib.metadata

import pytest


def version() -> str:
    """The version of PySpark; empty if it is not installed."""
    try:
        return importlib.metadata.version("pyspark")
    except importlib.metadata.PackageNotFoundError:
        return ""


LEAKS = [
    pytest.mark.filterwarnings(rf"ignore:{text}:{kind}")
    for text, kind in (
        (r"unclosed <socket\.socket", "ResourceWarning"),
        (r".*<socket\.socket", "pytest.PytestUnraisableExceptionWarning"),
    )
    if version().startswith("3.")
]
"""Marks for tests with PySpark 3.5, which leaves sockets to the garbage collector; PySpark 4 closes them."""
