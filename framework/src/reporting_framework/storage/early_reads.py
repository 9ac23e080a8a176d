"""Reads of objects that a run begins before it needs their responses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from reporting_framework.plugin_api.traffic import in_context
from reporting_framework.storage.location import Location

if TYPE_CHECKING:
    from reporting_framework.storage.store import Object, Store

P = ParamSpec("P")
T = TypeVar("T")

GET, HEAD = "get", "head"

_serving: ContextVar[EarlyReads | None] = ContextVar("early_reads", default=None)


def begin(work: Callable[[], T]) -> Future[T]:
    """Call a function in a thread of its own, which does not hold up the program's end.

    A storage that does not answer would.
    """
    future: Future[T] = Future()

    def answer() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    thread = Thread(target=in_context(answer), name="reporting-early", daemon=True)
    thread.start()
    return future


class EarlyReads:
    """Reads that have begun, each for the first caller that makes the same read.

    Only stores that are opened within `serve` take the responses, so nobody else gets
    one that is older than the call. A response is used once: whoever reads an object
    again gets its present version.

    Args:
        open_store: Function that opens the store of a folder.
    """

    def __init__(self, open_store: Callable[[Location], Store]) -> None:
        self._open = open_store
        self._begun: dict[tuple[str, str, int | None], Future[Any]] = {}

    def get(self, place: Location, limit: int | None = None) -> Future[Object]:
        """Begin to read an object; see `Store.get`.

        Raises:
            ReportingError: Its store cannot be opened.
        """
        store = self._open(place.parent)
        return self._begin(
            (GET, place.uri, limit), lambda: store.get(place.name, limit=limit)
        )

    def head(self, place: Location) -> None:
        """Begin to look up an object; see `Store.head`.

        Raises:
            ReportingError: Its store cannot be opened.
        """
        store = self._open(place.parent)
        self._begin((HEAD, place.uri, None), lambda: store.head(place.name))

    def _begin(
        self, read: tuple[str, str, int | None], work: Callable[[], Any]
    ) -> Future[Any]:
        self._begun[read] = future = begin(work)
        return future

    @property
    def pending(self) -> bool:
        """True if a read that has begun was not taken yet."""
        return bool(self._begun)

    def take(self, kind: str, uri: str, limit: int | None) -> Future[Any] | None:
        """Return a read that has begun, its error included; `None`: there is none."""
        return self._begun.pop((kind, uri, limit), None)

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Let the stores that are opened in the block take the responses."""
        token = _serving.set(self)
        try:
            yield
        finally:
            _serving.reset(token)


def serving() -> EarlyReads | None:
    """Return the reads whose responses a store that is opened now may take."""
    return _serving.get()


class _Reader(Protocol):
    early_reads: EarlyReads | None

    @property
    def location(self) -> Location: ...


_R = TypeVar("_R", bound=_Reader)


def begun_early(
    kind: str,
) -> Callable[
    [Callable[Concatenate[_R, str, P], T]], Callable[Concatenate[_R, str, P], T]
]:
    """Decorate a method that reads an object: it takes a read that has begun early."""

    def decorate(
        method: Callable[Concatenate[_R, str, P], T],
    ) -> Callable[Concatenate[_R, str, P], T]:
        @functools.wraps(method)
        def call(self: _R, key: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
            if (reads := self.early_reads) is not None and reads.pending:
                uri = self.location.join(key).uri
                limit: Any = kwargs.get("limit")
                if (begun := reads.take(kind, uri, limit)) is not None:
                    result: T = begun.result()
                    return result
            return method(self, key, *args, **kwargs)

        return call

    return decorate
