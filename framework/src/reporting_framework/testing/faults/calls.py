"""Faults in the I/O calls of a plugin.

The n-th call fails, once or permanently, before or after it was carried out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from itertools import count
from typing import Any, Protocol

from reporting_framework.errors import StorageUnavailable

MAX_CALLS = 500
"""Maximum number of calls in one step; a fault at a later call is not tried."""


class Killed(BaseException):
    """Simulated end of the process: nothing after it is carried out."""


class Faults(Protocol):
    """Interface of fault injection into a plugin's I/O.

    Calls are broken only between `arm` and `disarm`.

    Attributes:
        kinds: Kinds of faults by name, each with the error that a plugin may end with
            because of it: a class of `reporting_framework.errors`, or `Killed`.
    """

    @property
    def kinds(self) -> Mapping[str, type[BaseException]]:
        """Kinds of faults; see the class."""
        ...

    def arm(self, kind: str, nth: int) -> None:
        """Break the `nth` call from now on, and later ones if the kind is permanent.

        Args:
            kind: A name of `kinds`.
            nth: Number of the call, counted from 1.
        """
        ...

    def disarm(self) -> bool:
        """Stop breaking calls; return whether any was broken since `arm`."""
        ...


class CallFaults:
    """Faults in functions and objects of this process; see `Faults`.

    ::

        faults = CallFaults()
        monkeypatch.setattr(my_plugin.sink, "save", faults.around(my_plugin.sink.save))

    Args:
        error: Function that returns the error of a broken call: the error that the
            original function raises if it fails.
        ends: Error that the plugin may end with then.
    """

    def __init__(
        self,
        error: Callable[[], BaseException] = lambda: StorageUnavailable("injected"),
        ends: type[BaseException] = StorageUnavailable,
    ) -> None:
        self._error = error
        self._lock = threading.Lock()
        self._kind, self._nth, self._calls, self._fired = "", 0, 0, False
        self.kinds: Mapping[str, type[BaseException]] = {
            "fails once": ends,
            "fails for good": ends,
            "done once, answer lost": ends,
            "killed before": Killed,
            "killed after": Killed,
        }

    def arm(self, kind: str, nth: int) -> None:
        """See `Faults.arm`."""
        with self._lock:
            self._kind, self._nth, self._calls, self._fired = kind, nth, 0, False

    def disarm(self) -> bool:
        """See `Faults.disarm`."""
        with self._lock:
            self._kind = ""
            return self._fired

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its calls counted, so that each may be broken.

        For a method, take it from its class and put the result there.
        """

        @wraps(function)
        def broken(*args: Any, **kwargs: Any) -> Any:
            kind = self._due()
            if kind in ("fails once", "fails for good", "killed before"):
                raise self._error_of(kind)
            value = function(*args, **kwargs)
            if kind:
                raise self._error_of(kind)
            return value

        return broken

    def _due(self) -> str:
        """Return the fault of the call that is about to be made, or "".

        After a kill, every call is broken.
        """
        with self._lock:
            if not self._kind:
                return ""
            self._calls += 1
            late = self._calls - self._nth
            if late < 0 or (
                late > 0 and self._kind in ("fails once", "done once, answer lost")
            ):
                return ""
            self._fired = True
            return (
                "killed before" if late and self._kind == "killed after" else self._kind
            )

    def _error_of(self, kind: str) -> BaseException:
        return Killed() if kind.startswith("killed") else self._error()


class Attempt:
    """One execution of some work with one fault.

    Attributes:
        fired: Whether the fault occurred.
        error: The error that the work ended with, if any.
    """

    def __init__(self, faults: Faults, kind: str, nth: int) -> None:
        self._faults, self.kind, self.nth = faults, kind, nth
        self.fired = False
        self.error: BaseException | None = None

    def __str__(self) -> str:
        return f"I/O call {self.nth} {self.kind}"

    def run(self, work: Callable[[], Any]) -> Any:
        """Return the result of `work`, or None if it ends with an allowed error.

        Raises:
            AssertionError: It ended with another error, which breaks a promise.
        """
        due = self._faults.kinds[self.kind]
        self._faults.arm(self.kind, self.nth)
        try:
            return work()
        except due as error:
            self.error = error
            return None
        except Exception as error:
            raise AssertionError(
                f"an error is of the right type: {self}: {type(error).__name__} was"
                f" raised where {due.__name__} is due"
            ) from error
        finally:
            self.fired = self._faults.disarm()


def each_fault(faults: Faults) -> Iterator[Attempt]:
    """Yield every kind of fault at every call, starting with the first.

    Each kind ends when there is no such call.
    """
    for kind in faults.kinds:
        for nth in count(1):
            attempt = Attempt(faults, kind, nth)
            yield attempt
            if not attempt.fired or nth >= MAX_CALLS:
                break
