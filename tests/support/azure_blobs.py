"""A server of the part of Azure Blob Storage's API that obstore uses, on loopback.

It follows https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api; signatures are not checked. Where
Azurite is installed, tests use that.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT = "account"
KEY = "a2V5"


@dataclass(slots=True)
class Blob:
    """An object."""

    data: bytes
    number: int
    metadata: dict[str, str]
    written: float = field(default_factory=time.time)

    @property
    def e_tag(self) -> str:
        """Its ETag, which no other version has."""
        return f'"0x{self.number:016X}"'


@dataclass
class AzureBlobs:
    """The server, and what it holds."""

    endpoint: str = ""
    containers: dict[str, dict[str, Blob]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0x8DC0000000000000

    @property
    def connection_string(self) -> str:
        """Variables that lead Azure's libraries to it."""
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.endpoint}"

    def create_container(self, name: str) -> None:
        """Create a container."""
        self.containers[name] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: AzureBlobs

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        _, container, *rest = parts.path.lstrip("/").split("/", 2)
        with self.server_state.lock:
            if not self.headers.get("Authorization", "").startswith("SharedKey"):
                self._error(403, "AuthenticationFailed")
            elif (blobs := self.server_state.containers.get(container)) is None:
                self._error(404, "ContainerNotFound")
            elif self.command == "POST":
                self._batch(blobs, body.decode())
            elif not rest:
                self._list(blobs, parse_qs(parts.query, keep_blank_values=True))
            else:
                getattr(self, f"_{self.command.lower()}")(blobs, unquote(rest[0]), body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - names of the base class

    def _get(self, blobs: dict[str, Blob], key: str, _: bytes) -> None:
        blob = blobs.get(key)
        if blob is None:
            self._error(404, "BlobNotFound")
            return
        if self.headers.get("If-Match", blob.e_tag) != blob.e_tag:
            self._error(412, "ConditionNotMet")
            return
        headers, status, data = self._headers_of(blob), 200, blob.data
        if asked := self.headers.get("x-ms-range") or self.headers.get("Range"):
            first, last = asked.removeprefix("bytes=").split("-")
            start, end = int(first), min(int(last or len(data)) + 1, len(data))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            status, data = 206, data[start:end]
        self._answer(status, data, headers)

    _head = _get

    def _put(self, blobs: dict[str, Blob], key: str, body: bytes) -> None:
        old = blobs.get(key)
        if self.headers.get("If-None-Match") == "*" and old is not None:
            self._error(409, "BlobAlreadyExists")
            return
        expected = self.headers.get("If-Match")
        if expected is not None and (old is None or expected != old.e_tag):
            self._error(412, "ConditionNotMet")
            return
        metadata = {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower().startswith("x-ms-meta-")
        }
        if any("-" in name.removeprefix("x-ms-meta-") for name in metadata):
            self._error(400, "InvalidMetadata")
            return
        status = 201
        if (place := self.headers.get("x-ms-copy-source")) is not None:
            source = unquote(urlsplit(place).path).lstrip("/").split("/", 2)[2]
            if source not in blobs:
                self._error(404, "BlobNotFound")
                return
            body, metadata, status = blobs[source].data, blobs[source].metadata, 202
        self.server_state.number += 1
        blobs[key] = blob = Blob(body, self.server_state.number, metadata)
        self._answer(
            status, b"", {**self._headers_of(blob), "x-ms-copy-status": "success"}
        )

    def _delete(self, blobs: dict[str, Blob], key: str, _: bytes) -> None:
        if blobs.pop(key, None) is None:
            self._error(404, "BlobNotFound")
        else:
            self._answer(202, b"", {})

    def _batch(self, blobs: dict[str, Blob], body: str) -> None:
        """Delete the blobs that the parts of the body name."""
        answers: list[str] = []
        for target in re.findall(r"^DELETE (\S+) HTTP/1.1", body, re.MULTILINE):
            key = unquote(urlsplit(target).path).lstrip("/").split("/", 2)[2]
            found = blobs.pop(key, None) is not None
            answers.append(
                "--batch\r\nContent-Type: application/http\r\n"
                f"Content-ID: {len(answers)}\r\n\r\n"
                f"HTTP/1.1 {'202 Accepted' if found else '404 Not Found'}\r\n"
                f"{'' if found else 'x-ms-error-code: BlobNotFound'}\r\n\r\n\r\n"
            )
        text = "".join([*answers, "--batch--\r\n"])
        self._answer(
            202, text.encode(), {"Content-Type": "multipart/mixed; boundary=batch"}
        )

    def _list(self, blobs: dict[str, Blob], query: dict[str, list[str]]) -> None:
        def given(name: str) -> str:
            return query.get(name, [""])[0]

        begin = max(given("startFrom"), given("marker")).encode()
        names = sorted(
            (
                name
                for name in blobs
                if name.startswith(given("prefix")) and name.encode() >= begin
            ),
            key=str.encode,
        )
        most = int(given("maxresults") or 5000)
        listed = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties>"
            f"<Last-Modified>{formatdate(blobs[name].written, usegmt=True)}</Last-Modified>"
            f"<Etag>{blobs[name].e_tag.strip(chr(34))}</Etag><Content-Length>{len(blobs[name].data)}</Content-Length>"
            "<Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name in names[:most]
        )
        following = escape(names[most]) if len(names) > most else ""
        text = (
            f"<?xml version='1.0' encoding='utf-8'?><EnumerationResults><Blobs>{listed}</Blobs>"
            f"<NextMarker>{following}</NextMarker></EnumerationResults>"
        )
        self._answer(200, text.encode(), {"Content-Type": "application/xml"})

    def _headers_of(self, blob: Blob) -> dict[str, str]:
        return {
            "ETag": blob.e_tag,
            "Last-Modified": formatdate(blob.written, usegmt=True),
            "Content-Type": "application/octet-stream",
            **blob.metadata,
        }

    def _error(self, status: int, code: str) -> None:
        text = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>no</Message></Error>"
        self._answer(status, text.encode(), {"x-ms-error-code": code})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def azure_blobs() -> Iterator[AzureBlobs]:
    """A running server, without containers."""
    state = AzureBlobs()
    handler = type("Handler", (_Handler,), {"server_state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}/{ACCOUNT}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
