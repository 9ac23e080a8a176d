"""One version of an object in a bucket, read in part while other runs may replace it.

A reader gets bytes of this version, or an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.traffic import BYTES_READ, count
from reporting_framework.storage.sending import send
from reporting_framework.storage.store import replaced
from reporting_framework.storage.versions import same_version
from reporting_framework.storage.watch import request

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore as Backend

MAX_ATTEMPTS = 3
"""Attempts for a response that breaks off: obstore retries only a request whose
response has not begun.
"""


class ObjectSnapshot:
    """One version of an object in a bucket; see `Pinned`.

    Each request asks for the version (`If-Match`), and each response is checked for it.

    Args:
        backend: obstore's store.
        path: Key in it.
        where: The object's URI, for messages.
        size: Its size in bytes.
        version: Its version.
        translate: Function that returns the framework's error for obstore's.
    """

    def __init__(
        self,
        backend: Backend,
        path: str,
        where: str,
        *,
        size: int,
        version: str,
        translate: Callable[[Exception], ReportingError],
    ) -> None:
        self.size, self.version = size, version
        self._backend, self._path, self._where, self._translate = (
            backend,
            path,
            where,
            translate,
        )

    @request("GetObject")
    def read(self, start: int, length: int) -> bytes:
        """See `Pinned.read`."""
        end = min(start + length, self.size)
        if end <= start:
            return b""
        options: GetOptions = {
            "range": (start, end),
            "if_match": self.version or None,
        }
        for left in reversed(range(MAX_ATTEMPTS)):
            answered = False
            try:
                result = send(
                    "get",
                    lambda: obstore.get(self._backend, self._path, options=options),
                )
                answered = True
                if not same_version(
                    result.meta["e_tag"], self.version
                ):  # a server that ignores If-Match
                    raise replaced(self._where)
                data = result.bytes().to_bytes()
                count(BYTES_READ, len(data))
                return data
            except (BaseError, OSError, ValueError) as error:
                if type(error).__name__ == "PreconditionError" or isinstance(
                    error, FileNotFoundError
                ):
                    raise replaced(self._where) from error
                if not (answered and left):
                    raise self._translate(error) from error
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def close(self) -> None:
        """See `Pinned.close`."""
