"""One request and its response, with limits of size and time."""

from __future__ import annotations

import codecs
import re
import ssl
import zlib
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from urllib.parse import quote, urlsplit

import httpcore2

from reporting_framework import LocationError, SettingsError
from reporting_framework.plugin_api.traffic import BYTES_READ, BYTES_WRITTEN, count
from reporting_rest.http.addresses import AddressPolicy, PinnedBackend
from reporting_rest.http.connections import Connections
from reporting_rest.http.errors import AttemptFailed
from reporting_rest.http.messages import HttpResponse
from reporting_rest.http.settings import HttpSettings

_SAFE = "/?:@!$&'()*+,;=%~[]-._"
"""Characters of a target that stay as they are."""

_PLAIN = re.compile(
    r"(https?)://([a-z0-9.-]+)(?::([0-9]{1,5}))?(/[A-Za-z0-9/?:@!$&'()*+,;=%~_.-]*)"
)
"""Form of URLs of which nothing must be encoded."""

_EITHER = 32 + zlib.MAX_WBITS
"""Window of zlib: gzip or zlib, found from the data."""

_BLOCK = 16 * 1024
"""Bytes that are decompressed at once; what follows a member of gzip is copied."""

_CHARSET = re.compile(r";\s*charset=\s*\"?([\w.:-]+)", re.IGNORECASE)

Headers = Sequence[tuple[bytes, bytes]]


class Transport:
    """Network side of a client.

    Args:
        settings: Limits.
        subject: Subject of messages.
    """

    def __init__(self, settings: HttpSettings, subject: str) -> None:
        policy = AddressPolicy(settings.allow_private)
        backend = PinnedBackend(policy, subject)
        self._settings, self._subject = settings, subject
        self._connections = Connections(backend, _context(settings, subject))
        self._extensions = {
            "timeout": {
                "connect": settings.connect_seconds,
                "read": settings.read_seconds,
                "write": settings.read_seconds,
                "pool": None,
            }
        }

    def send(
        self,
        method: str,
        target: httpcore2.URL,
        headers: Mapping[str, str],
        body: bytes,
    ) -> HttpResponse:
        """Send a request once.

        Raises:
            AttemptFailed: There was no whole response.
            LocationError: An address of the host is not allowed.
            SettingsError: The response is larger than the limit.
        """
        sent = [(b"host", _authority(target))]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        if body or method == "POST":
            sent.append((b"content-length", b"%d" % len(body)))
        request = httpcore2.Request(
            method, target, headers=sent, content=body, extensions=self._extensions
        )
        connection = self._connections.take(target.origin)
        limit = self._settings.max_response_bytes
        count("api")
        count(BYTES_WRITTEN, len(body))
        try:
            status, raw_headers, content = connection.send(
                request, body, self._settings.response_seconds, limit
            )
        except httpcore2.TimeoutException as error:
            raise AttemptFailed(
                _TIMEOUTS.get(type(error), "no answer in time")
            ) from None
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            HTTPException,
        ) as error:
            raise self._failure(error) from None
        finally:
            self._connections.give_back(connection)
        count(BYTES_READ, len(content))
        if len(content) > limit:
            raise self._too_large()
        names = _named(raw_headers)
        return HttpResponse(
            status, names, _in_utf8(self._decoded(content, names), names)
        )

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def _decoded(self, content: bytes, headers: Mapping[str, str]) -> bytes:
        """Decompress a body, up to the limit."""
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding in ("identity", "") or not content:
            return content
        if coding not in ("gzip", "x-gzip", "deflate"):
            raise AttemptFailed("the response has an unknown encoding", retry=False)
        limit, size = self._settings.max_response_bytes, 0
        parts: list[bytes] = []
        inflater, at = zlib.decompressobj(_EITHER), 0
        try:
            while at < len(content):  # a member of gzip, or several
                if inflater.eof:
                    inflater = zlib.decompressobj(_EITHER)
                given = content[at : at + _BLOCK]
                parts.append(inflater.decompress(given, limit + 1 - size))
                at += len(given) - len(inflater.unused_data)
                size += len(parts[-1])
                if size > limit:
                    raise self._too_large()
            if not inflater.eof:
                raise AttemptFailed("the response was cut off")
        except zlib.error:
            raise AttemptFailed("the response is damaged") from None
        return b"".join(parts)

    def _too_large(self) -> SettingsError:
        limit = self._settings.max_response_bytes
        return SettingsError(
            f"{self._subject}: a response has more than {limit:,} bytes; ask for"
            " smaller pages, or raise max_response_bytes"
        )

    def _failure(self, error: Exception) -> Exception:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            return LocationError(
                f"{self._subject}: the certificate of the server is not trusted"
                f" ({error.__cause__.verify_message}); correct the host, or set ca_file"
            )
        problem = (
            "no connection"
            if isinstance(error, httpcore2.ConnectError)
            else "the response was cut off"
        )
        return AttemptFailed(problem)


_TIMEOUTS = {
    httpcore2.ConnectTimeout: "no connection in time",
    httpcore2.ReadTimeout: "no response in time",
}


def parsed(url: str, subject: str) -> httpcore2.URL:
    """Return the parts of a URL.

    Raises:
        LocationError: It is not a URL of HTTP. The message does not show it.
    """
    if plain := _PLAIN.fullmatch(url):
        scheme, plain_host, digits, rest = plain.groups()
        return httpcore2.URL(
            scheme=scheme.encode(),
            host=plain_host.encode(),
            port=int(digits) if digits else None,
            target=rest.encode(),
        )
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        port = parts.port
    except (ValueError, UnicodeError):
        host, port = b"", None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise LocationError(
            f"{subject}: not the URL of a server; use https://HOST/PATH, or http://"
        )
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += f"?{quote(parts.query, safe=_SAFE)}"
    return httpcore2.URL(
        scheme=parts.scheme.encode(), host=host, port=port, target=target.encode()
    )


def _authority(url: httpcore2.URL) -> bytes:
    host = b"[%b]" % url.host if b":" in url.host else url.host
    return host if url.port is None else b"%b:%d" % (host, url.port)


def _named(headers: Headers) -> dict[str, str]:
    """Return headers by their names in lower case; repeated ones are joined."""
    named: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        named[name] = f"{named[name]}, {value}" if name in named else value
    return named


def _in_utf8(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a body in UTF-8, without a byte order mark."""
    charset = _CHARSET.search(headers.get("content-type", ""))
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8"):
        try:
            body = body.decode(charset[1]).encode()
        except (LookupError, UnicodeError):
            return body
    return body.removeprefix(codecs.BOM_UTF8)


def _context(settings: HttpSettings, subject: str) -> ssl.SSLContext | None:
    """Return the TLS context of the setting, `None` for the system's."""
    if settings.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file))
    except OSError:
        raise SettingsError(
            f"{subject}: ca_file: not a file of certificates (PEM); correct it",
            path=("ca_file",),
        ) from None
