"""A bucket on loopback whose listing is made up, page by page."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reporting_framework.testing.s3 import HOST, S3Server


@contextmanager
def listing_server(
    *pages: tuple[Sequence[str], bool] | bytes, body: bytes = b"{}"
) -> Iterator[S3Server]:
    """Start a server that answers each LIST with the next of `pages`, whatever it asks for, and at last with the last.

    Args:
        pages: The keys of each, and whether it says that there are more; or the whole answer.
        body: What every object holds.
    """
    left = list(pages)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            listed = "list-type" in query and path.count("/") == (
                2 if path.endswith("/") else 1
            )
            answer = (
                _page(left.pop(0) if len(left) > 1 else left[0]) if listed else body
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield S3Server(f"http://{HOST}:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def _page(page: tuple[Sequence[str], bool] | bytes) -> bytes:
    if isinstance(page, bytes):
        return page
    keys, more = page
    found = "".join(
        f"<Contents><Key>{key}</Key><Size>2</Size><ETag>&quot;1&quot;</ETag>"
        "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    token = "<NextContinuationToken>more</NextContinuationToken>" if more else ""
    return f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{found}</ListBucketResult>".encode()
