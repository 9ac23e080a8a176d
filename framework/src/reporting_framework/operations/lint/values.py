"""Texts among settings: secrets in plain, and references to variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reporting_framework.config.fields import annotation_at, holds_secret
from reporting_framework.operations.lint.problem import Add, Path

if TYPE_CHECKING:
    from pydantic import BaseModel

REFERENCE = "secret:"
"""Prefix of references to secrets that are stored elsewhere."""

_VARIABLE = f"{REFERENCE}env:"
_PASSWORD = re.compile(r"://[^\s/@:]*:[^\s@]+@")
_NAME = re.compile(
    r"(?:^|_)(?:password|passwd|secret|token|api_?key|private_key|access_key)$",
    re.IGNORECASE,
)


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each text within a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from texts(item, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from texts(item, (*path, str(number)))


def check_plain_secrets(
    add: Add,
    report: str,
    table: Mapping[str, Any],
    model: type[BaseModel] | None,
    path: Path = (),
) -> None:
    """Warn about secrets in a table of the configuration file.

    Args:
        add: Adds a problem.
        report: Name of the report.
        table: The table.
        model: Settings model of the table, if known.
        path: Path of the table.
    """
    for place, text in texts(table):
        if not text or text.startswith(REFERENCE):
            continue
        annotation = annotation_at(model, place) if model is not None else None
        named = annotation is not None and holds_secret(annotation)
        named = named and "://" not in text  # a URL may hold none
        if _PASSWORD.search(text):
            problem = "a URL holds a password in plain"
        elif named or _NAME.search(place[-1]):
            problem = "it holds a secret in plain"
        else:
            continue
        add(
            "warning",
            (*path, *place),
            f"{report}: {'.'.join((*path, *place))}: {problem}; set it with an"
            " environment variable, or refer to a secret",
        )


def check_references(
    add: Add,
    report: str,
    settings: Mapping[str, Any],
    environment: Mapping[str, str],
    path: Path = (),
) -> None:
    """Check that each variable that settings refer to is set."""
    for place, text in texts(settings):
        name = text.removeprefix(_VARIABLE)
        if text.startswith(_VARIABLE) and not environment.get(name):
            add(
                "error",
                (*path, *place),
                f"{report}: {'.'.join((*path, *place))}: environment variable {name} is"
                " not set; set it",
            )
