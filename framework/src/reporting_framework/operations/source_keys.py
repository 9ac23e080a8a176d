"""Source keys given by people: as key, URI, or path of a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reporting_framework.errors import LocationError
from reporting_framework.plugin_api.records import object_of, single_source_key
from reporting_framework.storage.location import parse_location

if TYPE_CHECKING:
    from reporting_framework.plugin_api.source import Source


def source_key_of(source: Source, text: str) -> str:
    """Return the source key that a text names, if no record has the text as its key.

    A URI below the source, or the path of an existing local file below it, becomes
    relative to the source. Any other text is a source key; a text that names an object
    of the source is a source key too, even if such a path exists.
    """
    if text.startswith("/"):
        text = os.path.normpath(text)
    folders = [f"{uri.rstrip('/')}/" for uri in source.source_uris()]
    for folder in folders:
        if text.startswith(folder):
            name = text.removeprefix(folder)
            return single_source_key(name) if os.path.isfile(text) else name
    for folder in folders:
        if folder.startswith("/") and (key := _below(folder, text)) is not None:
            return key
    return text


def _below(folder: str, text: str) -> str | None:
    """Return the key of a local file, or `None` if it is not below the folder.

    The text after a ``#`` may be a line number or a part of the file's name.
    """
    for name in dict.fromkeys((text, object_of(text))):
        if _is_key(folder, name):
            return None
        for path in _paths(name):
            for base in (folder, f"{os.path.realpath(folder)}/"):
                if path.startswith(base) and os.path.isfile(path):
                    key, line = path.removeprefix(base), text[len(name) :]
                    return f"{key}{line}" if line else single_source_key(key)
    return None


def _is_key(folder: str, name: str) -> bool:
    """Return whether an object has this name, which a path must not replace."""
    return (
        not os.path.isabs(name)
        and os.path.normpath(name) == name
        and os.path.exists(os.path.join(folder, name))
    )


def _paths(name: str) -> list[str]:
    """Return the paths that a name may stand for: as given and with links resolved."""
    try:
        path = parse_location(name).uri
    except LocationError:
        return []
    folder, file = os.path.split(path)
    return [path, os.path.join(os.path.realpath(folder), file)]
