"""Versions of listed files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from reporting_files.globs import compile_glob
from reporting_framework import ObjectInfo
from reporting_framework.errors import ReportingError
from reporting_framework.storage import Entry, Store
from reporting_framework.storage.object_names import ObjectNames, list_all


def names_of(include: str) -> ObjectNames:
    """Return the filter of the paths that a pattern matches."""
    return ObjectNames(compile_glob(include).fullmatch, whole=True)


def listed_files(store: Store, names: ObjectNames) -> Iterator[list[ObjectInfo]]:
    """Yield the files page by page, in the order of their paths.

    Raises:
        ReportingError: See `Store.list`.
    """
    for page in list_all(store, names, store.list()):
        yield [_info(store, entry) for entry in page]


def _info(store: Store, entry: Entry) -> ObjectInfo:
    """Return path, size and version; a listing of a folder has only the path."""
    if entry.version is None:
        with suppress(ReportingError):  # reading it will say why
            entry = store.head(entry.key) or entry
    return ObjectInfo(*entry)
