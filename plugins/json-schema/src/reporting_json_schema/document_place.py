"""Places of JSON Schema documents: a folder, a bucket, or a package."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Protocol

from reporting_framework._text.messages import cause
from reporting_framework.errors import ObjectMissing, SettingsError
from reporting_framework.storage import (
    Store,
    TooLargeError,
    open_store,
    parse_location,
)
from reporting_json_schema.settings import PATH

MAX_BYTES = 16 * 2**20

_RESOURCE = re.compile(r"((?!\d)\w+(?:\.(?!\d)\w+)*):([^/\\:][^\\:]*)")


class DocumentPlace(Protocol):
    """Folder of a document and of those that it refers to.

    Attributes:
        name: Name of the document within the folder.
    """

    name: str

    def read(self, name: str) -> bytes:
        """Return a document.

        Args:
            name: Its path within the folder, with slashes.

        Raises:
            AccessDenied: Reading is refused.
            SettingsError: There is no such document.
            StorageUnavailable: Reading failed after retries.
        """
        ...


def place_of(document: str) -> DocumentPlace:
    """Return the place of a document, given as in the setting ``schema``.

    Raises:
        LocationError: The location cannot be used.
    """
    if match := _RESOURCE.fullmatch(document):
        return _Package(match[1], match[2])
    location = parse_location(document)
    return _Folder(open_store(location.parent), location.parent.uri, location.name)


class _Package:
    """Resources of a package that can be imported."""

    def __init__(self, package: str, resource: str) -> None:
        folder, slash, self.name = resource.rpartition("/")
        self._package, self._folder = package, folder + slash

    def read(self, name: str) -> bytes:
        subject = f"validator json-schema: schema {self._package}:{self._folder}{name}"
        try:
            path = f"{self._folder}{name}".split("/")
            return files(self._package).joinpath(*path).read_bytes()
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"{subject}: {cause(error)}; install the package in this environment,"
                " or put its folder into PYTHONPATH",
                path=PATH,
            ) from error
        except OSError as error:
            raise SettingsError(
                f"{subject}: {type(error).__name__}; add the file to the package",
                path=PATH,
            ) from error


class _Folder:
    """Folder in a file system or a bucket."""

    def __init__(self, store: Store, uri: str, name: str) -> None:
        self.name = name
        self._store, self._uri = store, uri

    def read(self, name: str) -> bytes:
        try:
            return self._store.get(name, limit=MAX_BYTES).data
        except ObjectMissing as error:
            raise SettingsError(
                f"validator json-schema: schema {self._uri}/{name}: there is no such"
                " file; correct the path",
                path=PATH,
            ) from error
        except TooLargeError as error:
            raise SettingsError(
                f"validator json-schema: schema {self._uri}/{name}: it has more than"
                f" {MAX_BYTES} bytes; give a smaller document",
                path=PATH,
            ) from error
