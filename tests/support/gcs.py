"""A server of the part of Google Cloud Storage's XML API that obstore uses, on loopback.

It follows https://cloud.google.com/storage/docs/xml-api: generations, preconditions, listings in the order of bytes.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

Answer = tuple[int, str]
"""A status, and the code of its error."""


@dataclass(slots=True)
class Blob:
    """An object."""

    data: bytes
    generation: int
    metadata: dict[str, str]
    written: float = field(default_factory=time.time)

    @property
    def e_tag(self) -> str:
        """Its ETag, which depends on the bytes alone, as that of Google does."""
        return f'"{hashlib.md5(self.data).hexdigest()}"'


@dataclass
class GoogleStorage:
    """The server, and what it holds.

    Attributes:
        address: Host and port.
        buckets: Objects by key, by bucket.
        fault: Answers a request by method and path with an error instead; called before the work is done.
        lost: Whether the answer to a request is lost after the work is done.
        requests: Method and target of each request.
    """

    address: str = ""
    buckets: dict[str, dict[str, Blob]] = field(default_factory=dict)
    fault: Callable[[str, str], Answer | None] = lambda method, target: None
    lost: Callable[[str, str], bool] = lambda method, target: False
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    generation: int = 1_700_000_000_000_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage: GoogleStorage

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        storage, target = self.storage, unquote(self.path)
        storage.requests.append((self.command, target))
        if (fault := storage.fault(self.command, target)) is not None:
            self._error(*fault)
            return
        parts = urlsplit(self.path)
        bucket, _, key = parts.path.lstrip("/").partition("/")
        key = unquote(key)
        with storage.lock:
            blobs = storage.buckets.get(bucket)
            if blobs is None:
                self._error(404, "NoSuchBucket")
            elif not key:
                self._list(blobs, bucket, parse_qs(parts.query, keep_blank_values=True))
            else:
                getattr(self, f"_{self.command.lower()}")(blobs, key, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = _handle  # noqa: N815 - names of the base class

    def _get(self, blobs: dict[str, Blob], key: str, _: bytes) -> None:
        blob = blobs.get(key)
        if blob is None:
            self._error(404, "NoSuchKey")
            return
        expected = self.headers.get("If-Match")
        if expected is not None and expected.strip('"') != blob.e_tag.strip('"'):
            self._error(412, "PreconditionFailed")
            return
        headers, status, data = self._headers_of(blob), 200, blob.data
        if (asked := self.headers.get("Range")) is not None:
            first, last = asked.removeprefix("bytes=").split("-")
            start, end = int(first), min(int(last or len(data)) + 1, len(data))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            status, data = 206, data[start:end]
        self._answer(status, data, headers)

    _head = _get

    def _put(self, blobs: dict[str, Blob], key: str, body: bytes) -> None:
        expected = self.headers.get("x-goog-if-generation-match")
        old = blobs.get(key)
        if expected is not None and int(expected) != (old.generation if old else 0):
            self._error(412, "PreconditionFailed")
            return
        metadata = {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower().startswith("x-goog-meta-")
        }
        if (place := self.headers.get("x-goog-copy-source")) is not None:
            bucket, _, source = unquote(place).lstrip("/").partition("/")
            copied = self.storage.buckets.get(bucket, {}).get(source)
            if copied is None:
                self._error(404, "NoSuchKey")
                return
            body, metadata = copied.data, copied.metadata
        self.storage.generation += 1
        blobs[key] = blob = Blob(body, self.storage.generation, metadata)
        if self.storage.lost(self.command, unquote(self.path)):
            self.close_connection = True
            return
        answer = b"<CopyObjectResult/>" if place is not None else b""
        self._answer(200, answer, self._headers_of(blob))

    def _delete(self, blobs: dict[str, Blob], key: str, _: bytes) -> None:
        if blobs.pop(key, None) is None:
            self._error(404, "NoSuchKey")
        else:
            self._answer(204, b"", {})

    def _list(
        self, blobs: dict[str, Blob], bucket: str, query: dict[str, list[str]]
    ) -> None:
        def given(name: str) -> str:
            return query.get(name, [""])[0]

        after = max(given("start-after"), given("continuation-token"))
        names = sorted(
            (name for name in blobs if name.startswith(given("prefix"))),
            key=str.encode,
        )
        names = [name for name in names if name.encode() > after.encode()]
        most = int(given("max-keys") or 1000)
        page, more = names[:most], len(names) > most
        contents = "".join(
            f"<Contents><Key>{escape(name)}</Key><Generation>{blobs[name].generation}</Generation>"
            f"<LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>{blobs[name].e_tag}</ETag>"
            f"<Size>{len(blobs[name].data)}</Size></Contents>"
            for name in page
        )
        following = (
            f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"
            if more
            else ""
        )
        text = (
            f"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult><Name>{bucket}</Name>"
            f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{following}{contents}</ListBucketResult>"
        )
        self._answer(200, text.encode(), {"Content-Type": "application/xml"})

    def _headers_of(self, blob: Blob) -> dict[str, str]:
        return {
            "ETag": blob.e_tag,
            "x-goog-generation": str(blob.generation),
            "Last-Modified": formatdate(blob.written, usegmt=True),
            **blob.metadata,
        }

    def _error(self, status: int, code: str) -> None:
        text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>no</Message></Error>"
        self._answer(status, text.encode(), {"Content-Type": "application/xml"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)


@contextmanager
def google_storage() -> Iterator[GoogleStorage]:
    """A running server, without buckets."""
    storage = GoogleStorage()
    handler = type("Handler", (_Handler,), {"storage": storage})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    storage.address = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
