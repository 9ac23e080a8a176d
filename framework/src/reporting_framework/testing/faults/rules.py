"""What the proxy sets down of each request, and the rules by which it breaks some."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, unquote

REASONS = {
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and what became of it.

    The target is as sent, path style (`/bucket/key?query`).
    """

    method: str
    target: str
    fault: "Fault | None" = None
    status: int | None = None
    arrived: float = field(default_factory=time.monotonic)

    @property
    def kind(self) -> str:
        """Return the method, or `LIST` or `BUCKETS` for some GET requests.

        It is `LIST` for a GET of a bucket and `BUCKETS` for one of the server.
        """
        if self.method != "GET" or self.key:
            return self.method
        return "LIST" if self.bucket else "BUCKETS"

    @property
    def bucket(self) -> str:
        """The bucket's name, empty where the request is to the server itself."""
        return self._path[0]

    @property
    def key(self) -> str:
        """The object's key, decoded; empty where the request is to a bucket."""
        return unquote(self._path[2])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def _path(self) -> tuple[str, str, str]:
        return self.target.partition("?")[0].removeprefix("/").partition("/")


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of a request: made by one of the functions below."""

    kind: str
    status: int = 0
    code: str = ""

    @classmethod
    def answer(cls, status: int, code: str) -> "Fault":
        """Return a fault in which the proxy itself answers, as S3 would.

        Examples are `(503, "SlowDown")` and `(409, "ConditionalRequestConflict")`.
        """
        return cls("answer", status, code)

    @classmethod
    def cut(cls) -> "Fault":
        """The connection breaks before the server has heard of the request."""
        return cls("cut")

    @classmethod
    def lose(cls) -> "Fault":
        """The server does what it was asked.

        The connection breaks instead of its answer.
        """
        return cls("lose")

    @classmethod
    def truncate(cls) -> "Fault":
        """The connection breaks half way through the answer."""
        return cls("truncate")

    def response(self, exchange: Exchange) -> bytes:
        """Return the bytes of an error answer.

        See https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
        """
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>injected</Message>"
            f"<Resource>/{exchange.bucket}</Resource><RequestId>proxy</RequestId></Error>"
        )
        head = (
            f"HTTP/1.1 {self.status}"
            f" {REASONS.get(self.status, 'Error')}\r\nContent-Type: application/xml\r\n"
        )
        head += f"Content-Length: {len(body)}\r\n\r\n"
        return (head if exchange.method == "HEAD" else head + body).encode()


@dataclass(slots=True)
class Rule:
    """A fault, the requests that it is for, and how often it was at work.

    See `S3Proxy.inject`.
    """

    fault: Fault
    kind: str | None
    key: str
    when: Callable[[Exchange], bool] | None
    nth: int
    times: int | None
    matched: int = 0

    @property
    def fired(self) -> int:
        """How many requests it has broken."""
        after = max(0, self.matched - self.nth + 1)
        return after if self.times is None else min(after, self.times)

    def applies(self, exchange: Exchange) -> bool:
        """Count a request that matches, and say whether this is one to break."""
        if self.kind is not None and exchange.kind != self.kind:
            return False
        if not fnmatchcase(exchange.key, self.key) or (
            self.when is not None and not self.when(exchange)
        ):
            return False
        before = self.fired
        self.matched += 1
        return self.fired > before
