"""Memory of the proxy: objects that it has fetched before."""

from fnmatch import fnmatchcase

from reporting_framework.testing.faults.rules import Exchange

HEAD_END = b"\r\n\r\n"


class Memory:
    """Whole responses by target, for keys that match the glob `keys`.

    At first, no key matches.

    A server on loopback takes processor time from the measured client; answering from
    memory takes a tenth of it.
    """

    def __init__(self) -> None:
        self.keys = ""
        self.answers: dict[str, bytes] = {}

    def recall(self, exchange: Exchange, head: bytes) -> bytes:
        """Return the response to a request for a whole object; empty if unknown.

        Delays still apply.
        """
        if (
            not self.keys
            or exchange.method != "GET"
            or header(head, b"range")
            or b"\r\nif-" in head.lower()
        ):
            return b""
        return self.answers.get(exchange.target, b"")

    def keep(self, exchange: Exchange, answer: bytes) -> None:
        """Remember a response if it is a whole object and arrived in one piece."""
        if (
            not self.keys
            or exchange.kind != "GET"
            or exchange.status != 200
            or not fnmatchcase(exchange.key, self.keys)
        ):
            return
        head = answer.find(HEAD_END) + len(HEAD_END)
        if len(answer) == head + int(header(answer[:head], b"content-length") or -1):
            self.answers[exchange.target] = answer


def header(head: bytes, name: bytes) -> bytes:
    """Return the value of a header, empty if there is none; `name` in lower case."""
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()
