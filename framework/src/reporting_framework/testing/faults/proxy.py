"""Proxy on loopback that delays, counts and breaks the requests to an S3 server."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from reporting_framework.testing.faults.proxy_memory import Memory
from reporting_framework.testing.faults.proxy_wire import ClientSide
from reporting_framework.testing.faults.rules import Exchange, Fault, Rule
from reporting_framework.testing.s3 import HOST


class S3Proxy:
    """Configuration of the proxy, and the requests that it has seen.

    Every method may be called from any thread while the proxy runs.
    """

    def __init__(self, upstream: str, memory: Memory | None = None) -> None:
        address = urlsplit(upstream)
        self.upstream = (address.hostname or HOST, address.port or 80)
        self.endpoint = ""
        self.requests: list[Exchange] = []
        self._delays: dict[str, float] = {}
        self._rules: tuple[Rule, ...] = ()
        self._memory = memory or Memory()
        self._clients: set[ClientSide] = set()

    def delay(self, kind: str, seconds: float) -> None:
        """Hold every request of this kind for some seconds before it is forwarded.

        Kinds are `GET`, `LIST`, `PUT`, `HEAD` and so on.
        """
        self._delays[kind] = seconds

    def inject(
        self,
        fault: Fault,
        *,
        kind: str | None = None,
        key: str = "*",
        when: Callable[[Exchange], bool] | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> Rule:
        """Break the `nth` matching request and the matching ones after it.

        The rule breaks `times` requests in all (`None`: every one).

        Args:
            fault: The fault; if several rules match a request, the first one wins.
            kind: `GET` (an object), `LIST`, `PUT`, `HEAD`, `DELETE`, `POST`; any kind
                by default.
            key: A glob on the object's key.
            when: Predicate that is called last; it runs in the proxy's thread, and may
                itself write to the server behind the proxy.
            nth: First match to break, counted from 1.
            times: Number of matches to break.

        Returns:
            The rule, whose `matched` and `fired` count its uses.
        """
        rule = Rule(fault, kind, key, when, nth, times)
        self._rules = (*self._rules, rule)
        return rule

    def remember(self, keys: str) -> None:
        """Answer repeated GETs of objects that match this glob from memory.

        This is for measurements, since a server on the same machine slows its client
        down. The objects must never change, and signatures are not checked again.
        """
        self._memory.keys = keys

    def reset(self) -> None:
        """Forget requests, delays and faults; keep what `remember` has set."""
        self.requests, self._delays, self._rules = [], {}, ()

    def count(self, kind: str | None = None) -> int:
        """Return the number of requests (of this kind) that have arrived."""
        return sum(
            kind is None or request.kind == kind for request in list(self.requests)
        )

    def _arrived(self, method: bytes, target: bytes) -> tuple[Exchange, float]:
        exchange = Exchange(method.decode("latin-1"), target.decode("latin-1"))
        exchange.fault = next(
            (rule.fault for rule in self._rules if rule.applies(exchange)), None
        )
        self.requests.append(exchange)
        return exchange, self._delays.get(exchange.kind, 0.0)

    async def _open(self) -> asyncio.Server:
        make = partial(
            ClientSide, self.upstream, self._arrived, self._memory, self._clients
        )
        server = await asyncio.get_running_loop().create_server(
            make, HOST, 0, backlog=1024
        )
        self.endpoint = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        return server

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        while self._clients:  # an accepted client may not be in the set yet
            for client in list(self._clients):
                client.abort()
            await asyncio.sleep(0)


@contextmanager
def s3_proxy(upstream: str, memory: Memory | None = None) -> Iterator[S3Proxy]:
    """Run a proxy in front of the endpoint `upstream`, in a thread of its own.

    Clients connect to its `.endpoint`. It answers what `memory` recalls.
    """
    proxy = S3Proxy(upstream, memory)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="s3-proxy", daemon=True)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(proxy._open(), loop).result(
            timeout=10
        )
        try:
            yield proxy
        finally:
            asyncio.run_coroutine_threadsafe(proxy._close(server), loop).result(
                timeout=10
            )
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
