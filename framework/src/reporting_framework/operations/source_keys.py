"""Source keys of records as people name them: by key, URI, or path of a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reporting_framework.errors import LocationError
from reporting_framework.plugin_api.records import object_of
from reporting_framework.plugin_api.source import Located
from reporting_framework.storage.location import parse_location

if TYPE_CHECKING:
    from reporting_framework.plugin_api.source import Source


def source_key_of(source: Source, text: str) -> str:
    """Return the source key that a text names.

    It is relative to the source for a URI below the source, and for the path of a local
    file below it that exists. Any other text is a source key, and so is one that
    names an object of the source, even if there is such a path.
    """
    if not isinstance(source, Located):
        return text
    if text.startswith("/"):
        text = os.path.normpath(text)
    folders = [f"{uri.rstrip('/')}/" for uri in source.source_uris()]
    for folder in folders:
        if text.startswith(folder):
            return text.removeprefix(folder)
    for folder in folders:
        if folder.startswith("/") and (key := _below(folder, text)) is not None:
            return key
    return text


def _below(folder: str, text: str) -> str | None:
    """Return the key of a local file, or None if it is not below the folder."""
    name = object_of(text)
    if os.path.normpath(name) == name and os.path.exists(os.path.join(folder, name)):
        return None  # a key, which a path must not replace
    try:
        path = parse_location(name).uri
    except LocationError:
        return None
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    for base in (folder, f"{os.path.realpath(folder)}/"):
        for candidate in (path, real):
            if candidate.startswith(base) and os.path.isfile(candidate):
                return f"{candidate.removeprefix(base)}{text[len(name) :]}"
    return None
