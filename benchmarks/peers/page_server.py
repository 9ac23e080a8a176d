"""An API on loopback whose pages take 20 ms each; it prints its port.

``/items?page=N`` has ten records, and the number of pages. The server writes into one
buffer per page and parses nothing, so that it has time for its clients.
"""

import asyncio
import json
import sys

SECONDS = 0.02
RECORDS = 10


def page(number: int, pages: int) -> bytes:
    """Return a response with a page."""
    records = [
        {
            "id": number * RECORDS + at,
            "title": f"item {at} of page {number}",
            "state": "open",
            "price": at / 4,
            "updated_at": "2024-05-01T00:00:00Z",
        }
        for at in range(RECORDS)
    ]
    body = json.dumps({"items": records, "pages": pages}).encode()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Pages(asyncio.Protocol):
    """Connection that answers each request after some time."""

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._given = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are whole."""
        self._given += data
        while b"\r\n\r\n" in self._given:
            head, self._given = self._given.split(b"\r\n\r\n", 1)
            number = int(head.partition(b"page=")[2].partition(b" ")[0] or 1)
            answer = page(number, self._pages)
            loop = asyncio.get_running_loop()
            loop.call_later(SECONDS, self._transport.write, answer)  # type: ignore[attr-defined]


async def main() -> None:
    """Serve until the process is ended."""
    pages = int(sys.argv[1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Pages(pages), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
