"""A bucket of any number of event objects, none of which is stored.

`ObjectMemory` answers in front of an S3 server: a listing, and each object, is worked
out from a number. Everything else reaches the server.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import overload

from reporting_framework.testing.faults.proxy_memory import Memory
from reporting_framework.testing.faults.rules import Exchange

BUCKET, PREFIX = "events", "in/"
ACTIONS = ("delete", "not-pass-qc", "pass-qc", "submit")
STUDIES = ("adrc", "clariti", "dlb")
END = datetime(2024, 1, 1, tzinfo=UTC)
"""Time of the first new object; the old ones are before it."""
APART = timedelta(minutes=10)
PAGE = 1000


def name_of(number: int, *, dated: bool = False) -> str:
    """Return the name of an object; new objects are numbered from 0, old ones below.

    It begins with the action, as those of visit events, or with the time (`dated`).
    """
    moment = END + number * APART
    parts = [ACTIONS[number % 4], f"{moment:%Y%m%d-%H%M%S}"]
    first, second = reversed(parts) if dated else parts
    return (
        f"log-{first}-{second}-{number % 60}-forms-SYN{number % 10_000_000:07d}-1.json"
    )


def content_of(number: int) -> bytes:
    """Return the event of an object as JSON."""
    moment = END + number * APART
    event = {
        "action": ACTIONS[number % 4],
        "study": STUDIES[number % 3],
        "pipeline_adcid": number % 60,
        "project_label": "ingest-form-main",
        "center_label": f"center-{number % 60}",
        "gear_name": "identifier-lookup",
        "ptid": f"SYN{number % 10_000_000:07d}",
        "visit_date": f"{moment:%Y-%m-%d}",
        "visit_number": str(number % 20),
        "datatype": "form",
        "module": "UDS",
        "packet": "I",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps(event).encode()


class Names(Sequence[str]):
    """Keys of the objects `first` to `last`, `last` excluded, in the order of a bucket.

    An object's action follows from its number modulo 4, and the bounds are multiples.
    """

    def __init__(self, first: int, last: int, *, dated: bool = False) -> None:
        self._first, self._each = first, (last - first) // 4
        self._dated = dated

    def __len__(self) -> int:
        return 4 * self._each

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if at >= len(self):
            raise IndexError(at)
        if self._dated:
            return PREFIX + name_of(self._first + at, dated=True)
        action, place = divmod(at, self._each)
        return PREFIX + name_of(self._first + 4 * place + action)


class ObjectMemory(Memory):
    """The answers of the bucket.

    Attributes:
        first: Number of the first object, below 0.
        last: Number behind the last object.
        dated: Whether names begin with the time.
    """

    def __init__(self, old: int, *, dated: bool = False) -> None:
        super().__init__()
        self.first, self.last, self.dated = -old, 0, dated

    def recall(self, exchange: Exchange, head: bytes) -> bytes:
        """Return a listing or an object of the bucket; empty for another bucket."""
        if exchange.bucket != BUCKET:
            return b""
        body = (
            self._listing(exchange.query)
            if exchange.kind == "LIST"
            else content_of(_number(exchange.key))
        )
        return (
            f'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: {len(body)}\r\n'
            "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n"
        ).encode() + body

    def _listing(self, query: dict[str, str]) -> bytes:
        keys = Names(self.first, self.last, dated=self.dated)
        after = query.get("continuation-token") or query.get("start-after", "")
        begin = bisect_right(keys, after)
        page = keys[begin : begin + PAGE]
        more = begin + PAGE < len(keys)
        token = (
            f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        )
        found = "".join(
            f"<Contents><Key>{key}</Key><Size>400</Size><ETag>&quot;1&quot;</ETag>"
            "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        return (
            f"<ListBucketResult><Name>{BUCKET}</Name><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{found}"
            "</ListBucketResult>"
        ).encode()


def _number(key: str) -> int:
    """Return the number of the object of a key, from the time in its name."""
    stamp = key.partition("-20")[2] and key[key.index("-20") + 1 :][:15]
    moment = datetime.strptime(stamp, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return (moment - END) // APART
