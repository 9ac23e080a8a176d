"""A bucket on loopback with any number of keys, none of which is kept: a listing is worked out."""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reporting_framework.testing.s3 import HOST, S3Server

PAGE = 1000


class Listings:
    """The listings of a bucket.

    Attributes:
        server: The server.
        requests: The queries of the requests so far.
    """

    def __init__(self, keys: Sequence[str], server: S3Server) -> None:
        self.server = server
        self.requests: list[dict[str, str]] = []
        self._keys = keys

    def answer(self, query: dict[str, str]) -> bytes:
        """Answer a LIST, and note it."""
        self.requests.append(query)
        after = query.get("continuation-token") or query.get("start-after", "")
        begin = bisect_right(self._keys, after)
        page = self._keys[begin : begin + PAGE]
        more = begin + PAGE < len(self._keys)
        token = (
            f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        )
        found = "".join(
            f"<Contents><Key>{key}</Key><Size>2</Size><ETag>&quot;1&quot;</ETag>"
            "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        return (
            f"<ListBucketResult><Name>any</Name><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{found}</ListBucketResult>"
        ).encode()


@contextmanager
def endless_bucket(keys: Sequence[str]) -> Iterator[Listings]:
    """Start a server whose only bucket has these keys, in the order of their bytes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = {
                name: one for name, [one] in parse_qs(urlsplit(self.path).query).items()
            }
            answer = listings.answer(query)
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    http = ThreadingHTTPServer((HOST, 0), Handler)
    listings = Listings(keys, S3Server(f"http://{HOST}:{http.server_port}"))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield listings
    finally:
        http.shutdown()
        http.server_close()
