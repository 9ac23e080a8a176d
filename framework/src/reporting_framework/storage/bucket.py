"""Store for S3, an S3-compatible server, or memory, through obstore.

obstore cannot name a key that holds a control character or a segment that is empty,
``.`` or ``..`` (`ODD_KEY`). Such keys are legal and rare, so they go through boto3;
`bucket_listing` has the listings.
"""

from __future__ import annotations

import mmap
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError

from reporting_framework.errors import LocationError, ObjectMissing, ReportingError
from reporting_framework.plugin_api.traffic import BYTES_READ, BYTES_WRITTEN, count
from reporting_framework.storage.bucket_listing import BucketListing
from reporting_framework.storage.early_reads import GET, HEAD, begun_early, serving
from reporting_framework.storage.error_codes import codes_of, storage_error
from reporting_framework.storage.location import ODD_KEY, Location
from reporting_framework.storage.maintenance import BucketMaintenance
from reporting_framework.storage.object_snapshot import ObjectSnapshot
from reporting_framework.storage.sending import send
from reporting_framework.storage.store import (
    Entry,
    Object,
    Page,
    ScanTarget,
    TooLargeError,
)
from reporting_framework.storage.temporary import PREFIX, LockedPath
from reporting_framework.storage.watch import pages, request

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore as Backend

    from reporting_framework.storage.plain_listing import PlainListing

COMMIT_ATTRIBUTE = "reporting-commit"
"""Metadata entry that names the PUT that wrote an object, so that a PUT whose response
was lost is recognised.
"""

PUT_LIMIT = 5 * 1024**3
"""Bytes that one PUT may carry (S3's limit)."""

MAX_ATTEMPTS = 3
"""Attempts for a response that breaks off: obstore retries only a request whose
response has not begun.
"""

_CUT = "list response body"


class BucketStore(BucketMaintenance):
    """Store for a folder of a bucket; see `Store`.

    Args:
        location: The folder within the bucket.
        backend: obstore's store for the whole bucket.
        options: Options for polars to read from the bucket; None: polars cannot, and
            is given whole objects.
        client: Function that returns a boto3 client for keys that obstore cannot name;
            None: there are no such keys.
    """

    supports_list_after = True
    commit_attribute = COMMIT_ATTRIBUTE
    endpoint_variable = "AWS_ENDPOINT_URL"
    shared: Mapping[str, Sequence[str]] = {}

    def __init__(
        self,
        location: Location,
        backend: Backend,
        options: dict[str, Any] | None = None,
        client: Callable[[], Any] | None = None,
    ) -> None:
        self.location = location
        self._backend = backend
        self._options = options
        self._client = client
        self._known: set[str] = set()  # empty objects that a listing has looked up
        self._prefix = f"{location.key}/" if location.key else ""
        self.early_reads = serving()

    @property
    def remote(self) -> bool:
        """See `Store.remote`."""
        return self.location.scheme != "memory"

    @pages("ListObjectsV2")
    def list(self, *, after: str = "", before: str | None = None) -> Iterator[Page]:
        """See `Store.list`."""
        listing = self._listing()
        last = after or None
        for left in reversed(range(MAX_ATTEMPTS)):
            try:
                for page in listing.pages(last, before):
                    last = page[-1].key if page else last
                    yield page
                return
            except (BaseError, OSError) as error:
                if not left or _CUT not in str(error):
                    raise self._translate(error, "") from error
            except _boto_errors() as error:
                raise self._translate(error, "") from error

    def _listing(self) -> BucketListing | PlainListing:
        return BucketListing(self.location, self._backend, self._boto3, self._known)

    def _boto3(self) -> Any:
        if self._client is None:
            raise LocationError(
                f"{self.location.uri}: a key holds characters that this storage cannot"
                " name; use another key"
            )
        return self._client()

    @begun_early(GET)
    @request("GetObject")
    def get(
        self,
        key: str,
        *,
        limit: int | None = None,
        admit: Callable[[int], None] | None = None,
    ) -> Object:
        """See `Store.get`."""
        if ODD_KEY.search(key):
            return self._get_with_boto3(key, limit, admit)
        for left in reversed(range(MAX_ATTEMPTS)):
            answered = False
            try:
                result = send(
                    "get", lambda: obstore.get(self._backend, self._prefix + key)
                )
                version, answered = result.meta["e_tag"] or "", True
                if limit is not None and result.meta["size"] > limit:
                    raise TooLargeError(version, result.meta["size"])
                if admit is not None:
                    admit(result.meta["size"])
                data = result.bytes().to_bytes()
                count(BYTES_READ, len(data))
                return Object(data, version)
            except (BaseError, OSError, ValueError) as error:
                if not (answered and left):
                    raise self._translate(error, key) from error
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _get_with_boto3(
        self,
        key: str,
        limit: int | None,
        admit: Callable[[int], None] | None = None,
    ) -> Object:
        with self._boto3_response(key) as answer:
            if limit is not None and answer["ContentLength"] > limit:
                raise TooLargeError(answer["ETag"], answer["ContentLength"])
            if admit is not None:
                admit(answer["ContentLength"])
            data = answer["Body"].read()
            count(BYTES_READ, len(data))
            return Object(data, answer["ETag"])

    @contextmanager
    def _boto3_response(self, key: str) -> Iterator[Any]:
        """Get an object whose key obstore cannot name; yield the response.

        The caller may read the body or leave it unread.
        """
        try:
            answer = self._boto3().get_object(
                Bucket=self.location.root, Key=self._prefix + key
            )
            with answer["Body"]:
                yield answer
        except _boto_errors() as error:
            raise self._translate(error, key) from error

    @begun_early(HEAD)
    @request("HeadObject")
    def head(self, key: str) -> Entry | None:
        """See `Store.head`.

        If a HEAD is refused, send a GET: only its response has the reason.
        """
        try:
            if ODD_KEY.search(key):
                with self._boto3_response(key) as answer:
                    return Entry(key, answer["ContentLength"], answer["ETag"])
            try:
                meta = self._head(key).meta
            except FileNotFoundError:
                meta = send(
                    "get", lambda: obstore.get(self._backend, self._prefix + key)
                ).meta
            except BaseError as error:
                raise self._reason(error, key) from None
        except ObjectMissing:
            return None
        except (BaseError, OSError, ValueError) as error:
            translated = self._translate(error, key)
            if isinstance(translated, ObjectMissing):
                return None
            raise translated from error
        return Entry(key, meta["size"], meta["e_tag"])

    def _head(self, key: str) -> GetResult:
        return send(
            "head",
            lambda: obstore.get(
                self._backend, self._prefix + key, options={"head": True}
            ),
        )

    def _reason(self, error: BaseError, key: str) -> Exception:
        """Return the error of a GET instead of a refused HEAD's.

        The response to a HEAD has no body and so no code.
        """
        if {"400", "403"} & set(codes_of(error)):
            try:
                send("get", lambda: obstore.get(self._backend, self._prefix + key))
            except FileNotFoundError:
                pass
            except BaseError as base_error:
                return base_error
        return error

    @request("PutObject")
    def put(self, key: str, data: bytes | Path, *, if_version: str | None) -> str:
        """See `Store.put`.

        The response to a PUT may be lost; the stored object then shows whether this
        PUT wrote it.
        """
        mark = uuid.uuid4().hex
        try:
            mode = self._put_mode(key, if_version)
        except (BaseError, OSError, ValueError) as error:
            raise self._translate(error, key, writing=True) from error
        try:
            body = _body(data)
            result = send(
                "put",
                lambda: obstore.put(
                    self._backend,
                    self._prefix + key,
                    body,
                    mode=mode,
                    attributes={self.commit_attribute: mark},
                    use_multipart=False,
                ),
            )
            count(BYTES_WRITTEN, len(body))
            return result["e_tag"] or ""
        except (BaseError, OSError, ValueError) as error:
            if (version := self._written(key, mark)) is not None:
                return version
            raise self._translate(error, key, writing=True) from error

    def _put_mode(self, key: str, if_version: str | None) -> Any:
        """Return the condition of a PUT for obstore."""
        return "create" if if_version is None else {"e_tag": if_version}

    @request("PutObject")
    def replace(
        self, key: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        """See `Store.replace`.

        If a response is lost, obstore sends the same bytes again, which is harmless.
        """
        try:
            result = send(
                "put",
                lambda: obstore.put(
                    self._backend,
                    self._prefix + key,
                    data,
                    attributes={"Content-Type": content_type, **metadata},
                    use_multipart=False,
                ),
            )
            count(BYTES_WRITTEN, len(data))
            return result["e_tag"] or ""
        except (BaseError, OSError, ValueError) as error:
            raise self._translate(error, key) from error

    def _written(self, key: str, mark: str) -> str | None:
        """Return the version of the object at `key` if the PUT with `mark` wrote it."""
        try:
            result = self._head(key)
        except (BaseError, OSError, ValueError):
            return None
        return (
            result.meta["e_tag"]
            if result.attributes.get(self.commit_attribute) == mark
            else None
        )

    def lock(self, key: str) -> AbstractContextManager[None]:
        """See `Store.lock`.

        A bucket has no locks: the conditional PUT is the only protection.
        """
        return nullcontext()

    @contextmanager
    def temp_path(self, key: str) -> Iterator[Path]:
        """See `Store.temp_path`. The file is in the system's temporary folder."""
        locked = LockedPath(f"{PREFIX}put-", is_file=True)
        try:
            yield locked.path
        finally:
            locked.close()

    def scan(self, key: str) -> ScanTarget:
        """See `Store.scan`."""
        if self._options is None:
            return ScanTarget(self.get(key).data)
        return ScanTarget(self.location.join(key).uri, self._options)

    def pin(self, key: str, *, held: bool = True) -> ObjectSnapshot | None:
        """See `Store.pin`."""
        entry = self.head(key)
        if entry is None:
            return None
        size, version = entry.size or 0, entry.version or ""
        where, translate = (
            self.location.join(key).uri,
            partial(self._translate, key=key),
        )
        return ObjectSnapshot(
            self._backend,
            self._prefix + key,
            where,
            size=size,
            version=version,
            translate=translate,
        )

    def _translate(
        self, error: Exception, key: str, *, writing: bool = False
    ) -> ReportingError:
        """Return the framework's error for the storage's."""
        where, bucket = (
            self.location.join(key).uri if key else self.location.uri,
            f"{self.location.scheme}://{self.location.root}",
        )
        if isinstance(error, FileNotFoundError) and self.location.scheme == "memory":
            return ObjectMissing(f"{where}: no such object")
        return storage_error(
            error,
            where,
            bucket=bucket,
            writing=writing,
            region=self._region,
            endpoint=self.endpoint_variable,
        )

    def _region(self) -> str | None:
        """Return the bucket's region, from a header that obstore does not expose."""
        try:
            answer = self._boto3().head_bucket(Bucket=self.location.root)
        except _boto_errors() as error:
            answer = getattr(error, "response", {})
        region: str | None = (
            answer.get("ResponseMetadata", {})
            .get("HTTPHeaders", {})
            .get("x-amz-bucket-region")
        )
        return region


def _body(data: bytes | Path) -> Any:
    """Return the body for obstore: the bytes, or a memory map of the file.

    The map is not closed here: obstore may keep it (a memory store does), and closing
    would then fail.

    Raises:
        LocationError: The file is larger than `PUT_LIMIT`.
    """
    if isinstance(data, bytes):
        return data
    size = data.stat().st_size
    if size > PUT_LIMIT:
        raise LocationError(
            f"a checkpoint of {size} bytes is over S3's limit of {PUT_LIMIT} for one"
            " atomic write; split the output with {column} in its key"
        )
    with data.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _boto_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return (
        BotoCoreError,
        ClientError,
        ResponseParserError,
        RecursionError,
    )  # RecursionError: a redirect without a region
