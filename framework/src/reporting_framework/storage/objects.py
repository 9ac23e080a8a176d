"""Objects in S3, or in a server that speaks its protocol, or in memory: all through obstore.

obstore cannot name a key that holds a control character or a segment that is empty, ``.`` or ``..`` (`ODD_KEY`); a
listing that meets one fails. Such keys are rare and legal, so this one case goes through boto3.
"""

from __future__ import annotations

import mmap
import os
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError, InvalidPathError

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.storage.base import Entry, Object, Page, ScanTarget, TooLarge
from reporting_framework.storage.location import ODD_KEY, Location
from reporting_framework.storage.pinned_object import PinnedObject
from reporting_framework.storage.tending import TendedBucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Backend

PAGE_SIZE = 1000
"""Keys in a page; S3 gives no more in one answer."""

COMMIT_ATTRIBUTE = "reporting-commit"
"""Metadata entry that names the PUT an object comes from, so that a PUT whose answer was lost is recognised."""

PUT_LIMIT = 5 * 1024**3
"""Bytes that one PUT may carry (S3's limit)."""

TRIES = 3
"""How often an answer that broke off is asked for: obstore tries again only what did not begin."""

_CUT = "list response body"
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")


class BucketStore(TendedBucket):
    """See `Store`.

    Args:
        location: The folder within the bucket.
        backend: obstore's store for the whole bucket.
        options: What polars needs to read from the bucket.
        client: Gives a boto3 client for keys that obstore cannot name; None: there are no such keys.
    """

    resumes = True

    def __init__(
        self,
        location: Location,
        backend: Backend,
        options: dict[str, Any] | None = None,
        client: Callable[[], Any] | None = None,
    ) -> None:
        self.location = location
        self._backend = backend
        self._options = options or {}
        self._client = client
        self._prefix = f"{location.key}/" if location.key else ""

    @property
    def remote(self) -> bool:
        """See `Store.remote`."""
        return self.location.scheme == "s3"

    def list(self, *, after: str = "") -> Iterator[Page]:
        """See `Store.list`."""
        if after and ODD_KEY.search(after):
            yield from self._list_odd(after)
            return
        for left in reversed(range(TRIES)):
            try:
                for page in self._list_plain(after):
                    after = page[-1].key if page else after
                    yield page
                return
            except InvalidPathError:
                yield from self._list_odd(after)
                return
            except (BaseError, OSError) as error:
                if not left or _CUT not in str(error):
                    raise self._translate(error, "") from error

    def _list_plain(self, after: str) -> Iterator[Page]:
        for page in obstore.list(
            self._backend,
            self._prefix or None,
            offset=f"{self._prefix}{after}" if after else None,
            chunk_size=PAGE_SIZE,
        ):
            entries = [
                Entry(meta["path"][len(self._prefix) :], meta["size"], meta["e_tag"])
                for meta in page
                if len(meta["path"]) > len(self._prefix)  # not the object `prefix/` that consoles make for a folder
            ]
            if self.location.scheme == "memory":
                entries.sort()
            yield entries

    def _list_odd(self, after: str) -> Iterator[Page]:
        """The rest of a listing in which there are keys that obstore cannot name."""
        try:
            pages = self._boto3().get_paginator("list_objects_v2")
            for page in pages.paginate(
                Bucket=self.location.root, Prefix=self._prefix, StartAfter=f"{self._prefix}{after}"
            ):
                yield [
                    Entry(item["Key"][len(self._prefix) :], item["Size"], item["ETag"])
                    for item in page.get("Contents", ())
                    if not item["Key"].endswith("/")
                ]
        except _boto_errors() as error:
            raise self._translate(error, "") from error

    def _boto3(self) -> Any:
        if self._client is None:
            raise LocationError(f"{self.location.uri}: a key holds characters that this storage cannot name")
        return self._client()

    def get(self, key: str, *, limit: int | None = None, admit: Callable[[int], None] | None = None) -> Object:
        """See `Store.get`."""
        if ODD_KEY.search(key):
            return self._get_odd(key, limit, admit)
        for left in reversed(range(TRIES)):
            answered = False
            try:
                result = obstore.get(self._backend, self._prefix + key)
                version, answered = result.meta["e_tag"] or "", True
                if limit is not None and result.meta["size"] > limit:
                    raise TooLarge(version, result.meta["size"])
                if admit is not None:
                    admit(result.meta["size"])
                return Object(result.bytes().to_bytes(), version)
            except (BaseError, OSError, ValueError) as error:
                if not (answered and left):
                    raise self._translate(error, key) from error
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _get_odd(self, key: str, limit: int | None, admit: Callable[[int], None] | None = None) -> Object:
        try:
            answer = self._boto3().get_object(Bucket=self.location.root, Key=self._prefix + key)
            if limit is not None and answer["ContentLength"] > limit:
                raise TooLarge(answer["ETag"], answer["ContentLength"])
            if admit is not None:
                admit(answer["ContentLength"])
            return Object(answer["Body"].read(), answer["ETag"])
        except _boto_errors() as error:
            raise self._translate(error, key) from error

    def head(self, key: str) -> Entry | None:
        """See `Store.head`. What a HEAD does not find is asked for with a GET: only its answer says what is missing."""
        try:
            if ODD_KEY.search(key):
                found = self._get_odd(key, None)
                return Entry(key, len(found.data), found.version)
            try:
                meta = obstore.get(self._backend, self._prefix + key, options={"head": True}).meta
            except FileNotFoundError:
                meta = obstore.get(self._backend, self._prefix + key).meta
        except ObjectMissing:
            return None
        except (BaseError, OSError, ValueError) as error:
            translated = self._translate(error, key)
            if isinstance(translated, ObjectMissing):
                return None
            raise translated from error
        return Entry(key, meta["size"], meta["e_tag"])

    def put(self, key: str, data: bytes | Path, *, expected: str | None) -> str:
        """See `Store.put`. The answer to a PUT may be lost: what is there now then tells whether it was ours."""
        mark = uuid.uuid4().hex
        try:
            result = obstore.put(
                self._backend,
                self._prefix + key,
                _body(data),
                mode="create" if expected is None else {"e_tag": expected},
                attributes={COMMIT_ATTRIBUTE: mark},
                use_multipart=False,
            )
            return result["e_tag"] or ""
        except (BaseError, OSError, ValueError) as error:
            if (version := self._written(key, mark)) is not None:
                return version
            raise self._translate(error, key, writing=True) from error
        finally:
            if isinstance(data, Path):
                data.unlink(missing_ok=True)

    def replace(self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]) -> str:
        """See `Store.replace`. obstore sends it again where an answer was lost: the same bytes, so it does no harm."""
        try:
            result = obstore.put(
                self._backend,
                self._prefix + key,
                data,
                attributes={"Content-Type": content_type, **metadata},
                use_multipart=False,
            )
            return result["e_tag"] or ""
        except (BaseError, OSError, ValueError) as error:
            raise self._translate(error, key) from error

    def _written(self, key: str, mark: str) -> str | None:
        """Version of the object at `key` if it comes from the PUT of this mark."""
        try:
            result = obstore.get(self._backend, self._prefix + key, options={"head": True})
        except (BaseError, OSError, ValueError):
            return None
        return result.meta["e_tag"] if result.attributes.get(COMMIT_ATTRIBUTE) == mark else None

    def exclusive(self, key: str) -> AbstractContextManager[None]:
        """See `Store.exclusive`: a bucket has no locks, the conditional PUT is all there is."""
        return nullcontext()

    def scratch(self, key: str) -> Path:
        """See `Store.scratch`: in the system's temporary folder."""
        descriptor, name = tempfile.mkstemp(prefix="reporting-put-", suffix=".tmp")
        os.close(descriptor)
        return Path(name)

    def scan(self, key: str) -> ScanTarget:
        """See `Store.scan`."""
        if self.location.scheme == "memory":
            return ScanTarget(self.get(key).data)
        return ScanTarget(self.location.join(key).uri, self._options)

    def pin(self, key: str, *, held: bool = True) -> PinnedObject | None:
        """See `Store.pin`."""
        entry = self.head(key)
        if entry is None:
            return None
        size, version = entry.size or 0, entry.version or ""
        where, translate = self.location.join(key).uri, partial(self._translate, key=key)
        return PinnedObject(self._backend, self._prefix + key, where, size=size, version=version, translate=translate)

    def _translate(self, error: Exception, key: str, *, writing: bool = False) -> ReportingError:
        """The framework's error for the storage's, from its class, the HTTP status and S3's error code."""
        where, text = self.location.join(key).uri if key else self.location.uri, str(error)
        codes = {found.group(1) for pattern in (_CODE, _STATUS) if (found := pattern.search(text))}
        if response := getattr(error, "response", None):
            codes |= {str(response["Error"]["Code"]), str(response["ResponseMetadata"]["HTTPStatusCode"])}
        name = type(error).__name__
        if "NoSuchBucket" in codes:
            return LocationError(f"s3://{self.location.root}: no such bucket; check its name and AWS_ENDPOINT_URL")
        if writing and (name in ("AlreadyExistsError", "PreconditionError") or codes & {"409", "412"}):
            return CommitConflict(f"{where}: another run has written it meanwhile")
        if "InvalidObjectState" in codes:
            return AccessDenied(f"{where}: the object is archived in a cold tier; restore it first")
        if name in ("PermissionDeniedError", "UnauthenticatedError") or codes & {"401", "403"}:
            reason = next((code for code in codes if not code.isdigit()), "AccessDenied")
            return AccessDenied(f"{where}: access denied ({reason}); check the credentials and the bucket's policy")
        if "NoSuchKey" in codes or (isinstance(error, FileNotFoundError) and self.location.scheme == "memory"):
            return ObjectMissing(f"{where}: no such object")
        if codes:
            return StorageUnavailable(f"{where}: the storage answered {', '.join(sorted(codes))} after all retries")
        return StorageUnavailable(f"{where}: the storage did not answer; check the network and AWS_ENDPOINT_URL")


def _body(data: bytes | Path) -> Any:
    """What obstore sends: a file is mapped, so that it does not have to fit in memory.

    The map is not closed here: obstore may hold on to it (a store in memory does), and closing would then fail.
    """
    if isinstance(data, bytes):
        return data
    size = data.stat().st_size
    if size > PUT_LIMIT:
        raise LocationError(f"a checkpoint of {size} bytes is over S3's limit of {PUT_LIMIT} for one atomic write")
    with data.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _boto_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)
