"""Distributions whose modules a report's settings name.

An example of such a setting is ``model = "my_package.models:Order"``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.provenance import provenance
from reporting_framework.registry.discovery import normalised

_REFERENCE = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*:[A-Za-z_]\w*(?:\.\w+)*")


def referenced_distributions(settings: Any) -> Iterator[str]:
    """Yield the names of the distributions that settings refer to, at any depth.

    Raises:
        BuildError: A module exists, but no installed distribution provides it.
    """
    if isinstance(settings, Mapping):
        settings = list(settings.values())
    if isinstance(settings, list | tuple):
        for setting in settings:
            yield from referenced_distributions(setting)
    elif isinstance(settings, str) and (match := _REFERENCE.fullmatch(settings)):
        yield from _providers(match[1], settings)


def _providers(package: str, reference: str) -> Iterator[str]:
    """Yield the distributions that provide a top-level package.

    Yield none if the text only looks like a reference.
    """
    names = importlib.metadata.packages_distributions().get(package, [])
    if names or package in sys.stdlib_module_names:
        yield from map(normalised, names)
        return
    spec = importlib.util.find_spec(package)
    if spec is None:
        return
    places = [
        Path(path)
        for path in (spec.origin, *(spec.submodule_search_locations or ()))
        if path
    ]
    yield _editable(places, reference)


def _editable(places: list[Path], reference: str) -> str:
    """Return the editable distribution whose folder holds a module.

    Its record does not name the module.

    Raises:
        BuildError: No such distribution is installed.
    """
    for distribution in importlib.metadata.distributions():
        if "dir_info" in (distribution.read_text("direct_url.json") or ""):
            with suppress(BuildError):  # another distribution may be broken
                source_of = provenance(distribution)
                if source_of.path and any(
                    place.is_relative_to(source_of.path) for place in places
                ):
                    return source_of.name
    raise BuildError(
        f"{reference}: it is in {places[0]}, which no installed distribution provides;"
        " packages are made of distributions: give the module a pyproject.toml and"
        " install it"
    )
