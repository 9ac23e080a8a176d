"""Records of the proxy's requests, and rules by which it breaks some."""

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
    """One request and its outcome.

    The target is as sent, path style (`/bucket/key?query`). `sent` and `received` are
    bytes of the request and of its response, heads included.
    """

    method: str
    target: str
    fault: "Fault | None" = None
    status: int | None = None
    sent: int = 0
    received: int = 0
    arrived: float = field(default_factory=time.monotonic)

    @property
    def kind(self) -> str:
        """The method, or `LIST` for a GET of a bucket, or `BUCKETS` for the server."""
        if self.method != "GET" or self.key:
            return self.method
        return "LIST" if self.bucket else "BUCKETS"

    @property
    def bucket(self) -> str:
        """The bucket's name, empty if the request is to the server itself."""
        return self._path[0]

    @property
    def key(self) -> str:
        """The object's key, decoded; empty if the request is to a bucket."""
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
    """Fault of a request, made by one of the methods below."""

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
        """Break the connection before the server has received the request."""
        return cls("cut")

    @classmethod
    def lose(cls) -> "Fault":
        """Let the server execute the request, then break the connection.

        The client gets no response.
        """
        return cls("lose")

    @classmethod
    def truncate(cls) -> "Fault":
        """Break the connection half way through the response."""
        return cls("truncate")

    def response(self, exchange: Exchange) -> bytes:
        """Return the bytes of an error response.

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
    """A fault, the requests that it applies to, and its counts.

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
        """Number of requests that the rule has broken."""
        after = max(0, self.matched - self.nth + 1)
        return after if self.times is None else min(after, self.times)

    def applies(self, exchange: Exchange) -> bool:
        """Count a matching request, and return whether to break it."""
        if self.kind is not None and exchange.kind != self.kind:
            return False
        if not fnmatchcase(exchange.key, self.key) or (
            self.when is not None and not self.when(exchange)
        ):
            return False
        before = self.fired
        self.matched += 1
        return self.fired > before
