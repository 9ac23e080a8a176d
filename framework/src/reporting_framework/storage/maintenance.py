"""Maintenance of single objects by commands, not by runs.

A store copies, hashes, deletes and dates objects here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import PLACE_ERRORS
from reporting_framework.errors import CommitConflict, ObjectMissing, ReportingError
from reporting_framework.plugin_api.traffic import BYTES_READ, count
from reporting_framework.storage.sending import send
from reporting_framework.storage.versions import same_version
from reporting_framework.storage.watch import request

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

    from reporting_framework.storage.location import Location
    from reporting_framework.storage.store import Entry


class Digest(NamedTuple):
    """SHA-256 of an object's bytes, in hexadecimal, and the version of these bytes."""

    sha256: str
    version: str


class FolderMaintenance:
    """Maintenance methods of `Store` for a folder."""

    location: Location
    _path: Callable[[str], str]
    _translate: Callable[[OSError, str], ReportingError]
    _move: Callable[[Path, str], str]
    head: Callable[[str], Entry | None]
    lock: Callable[[str], AbstractContextManager[None]]
    temp_path: Callable[[str], AbstractContextManager[Path]]

    def modified(self, key: str) -> datetime | None:
        """See `Store.modified`."""
        try:
            return datetime.fromtimestamp(os.stat(self._path(key)).st_mtime, UTC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._translate(error, key) from error

    def clock(self) -> datetime | None:
        """See `Store.clock`. Return `None`: most folders use this machine's clock."""
        return None

    def copy(self, key: str, to: str) -> None:
        """See `Store.copy`."""
        try:
            with self.lock(to), self.temp_path(to) as scratch:
                shutil.copyfile(self._path(key), scratch)
                self._move(scratch, to)
            Path(_lock(self._path(to))).unlink(
                missing_ok=True
            )  # no other process writes there
        except OSError as error:
            full = error.errno in PLACE_ERRORS
            raise self._translate(error, to if full else key) from error

    def digest(self, key: str) -> Digest:
        """See `Store.digest`."""
        try:
            with open(self._path(key), "rb") as file:
                entry = self.head(key)
                if entry is None or entry.version is None:
                    raise FileNotFoundError(self._path(key))
                return Digest(
                    hashlib.file_digest(file, "sha256").hexdigest(), entry.version
                )
        except OSError as error:
            raise self._translate(error, key) from error

    def delete(self, key: str, *, if_version: str | None) -> None:
        """See `Store.delete`. Keep the lock file: another writer may wait for it."""
        with contextlib.nullcontext() if if_version is None else self.lock(key):
            if if_version is not None:
                entry = self.head(key)
                if entry is None or not same_version(entry.version, if_version):
                    raise CommitConflict(
                        f"{self._path(key)}: another run has written it meanwhile;"
                        " run again"
                    )
            try:
                Path(self._path(key)).unlink(missing_ok=True)
            except OSError as error:
                raise self._translate(error, key) from error


class BucketMaintenance:
    """Maintenance methods of `Store` for a bucket."""

    location: Location
    _backend: Backend
    _prefix: str
    _translate: Callable[..., ReportingError]
    _boto3: Callable[[], Any]
    head: Callable[[str], Entry | None]

    def modified(self, key: str) -> datetime | None:
        """See `Store.modified`."""
        import obstore

        if self.head(key) is None:
            return None
        with self._translated(key):
            return send(
                "head", lambda: obstore.head(self._backend, self._prefix + key)
            )["last_modified"]

    def clock(self) -> datetime | None:
        """See `Store.clock`. Return the ``Date`` header of a response."""
        if self.location.scheme != "s3":
            return None
        with self._translated(""):
            answer = self._boto3().list_objects_v2(
                Bucket=self.location.root, Prefix=self._prefix, MaxKeys=1
            )
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(date) if date else None

    @request("CopyObject")
    def copy(self, key: str, to: str) -> None:
        """See `Store.copy`. The storage copies; no data passes through this process."""
        import obstore

        with self._translated(key):
            send(
                "put",
                lambda: obstore.copy(
                    self._backend, self._prefix + key, self._prefix + to
                ),
            )

    def digest(self, key: str) -> Digest:
        """See `Store.digest`."""
        import obstore

        def hashed() -> Digest:
            digest, size = hashlib.sha256(), 0
            result = obstore.get(self._backend, self._prefix + key)
            version = result.meta["e_tag"] or ""
            for chunk in result.stream():
                digest.update(chunk)
                size += len(chunk)
            count(BYTES_READ, size)
            return Digest(digest.hexdigest(), version)

        with self._translated(key):
            return send("get", hashed)

    @request("DeleteObject")
    def delete(self, key: str, *, if_version: str | None) -> None:
        """See `Store.delete`.

        If the server has no conditional DELETE, compare the version just before.
        """
        import obstore

        if if_version is not None:
            entry = self.head(key)
            if entry is None or not same_version(entry.version, if_version):
                raise CommitConflict(
                    f"{self.location.join(key).uri}: another run has written it"
                    " meanwhile; run again"
                )
        with self._translated(key, writing=True):
            if self.location.scheme != "s3" or if_version is None:
                with contextlib.suppress(
                    FileNotFoundError
                ):  # a memory store raises it, a bucket does not
                    send(
                        "delete",
                        lambda: obstore.delete(self._backend, self._prefix + key),
                    )
                return
            place = {"Bucket": self.location.root, "Key": self._prefix + key}
            try:
                self._boto3().delete_object(**place, IfMatch=if_version)
            except self._boto3().exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 501:
                    raise
                self._boto3().delete_object(**place)

    @contextlib.contextmanager
    def _translated(self, key: str, *, writing: bool = False) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
        from obstore.exceptions import BaseError

        try:
            yield
        except ObjectMissing:
            raise
        except (
            BaseError,
            BotoCoreError,
            ClientError,
            ResponseParserError,
            RecursionError,
            OSError,
            ValueError,
        ) as error:
            raise self._translate(error, key, writing=writing) from error


def _lock(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.lock"
