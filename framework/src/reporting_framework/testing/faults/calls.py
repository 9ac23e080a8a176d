"""The faults that make I/O fail.

The n-th call of a plugin fails, once or for good, before or after it was carried out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from itertools import count
from typing import Any, Protocol

from reporting_framework.errors import StorageUnavailable

MAX_CALLS = 500
"""A plugin that makes more calls than these in one step is not swept to its end."""


class Killed(BaseException):
    """The process ended here: nothing that comes after is carried out."""


class Faults(Protocol):
    """What breaks a plugin's I/O.

    Nothing is broken until `arm` is called, and after `disarm`.

    Attributes:
        kinds: What can be done to a call, by name, each with the error that a plugin
            may end with because of it: a class of `reporting_framework.errors`, or
            `Killed`.
    """

    @property
    def kinds(self) -> Mapping[str, type[BaseException]]:
        """See above."""
        ...

    def arm(self, kind: str, nth: int) -> None:
        """Break the `nth` call from now on (from 1).

        Break also those after it, as the kind says.
        """
        ...

    def disarm(self) -> bool:
        """Break nothing any more; whether anything was broken since `arm`."""
        ...


class CallFaults:
    """Faults in functions and objects of this process; see `Faults`.

    ::

        faults = CallFaults()
        monkeypatch.setattr(my_plugin.sink, "save", faults.around(my_plugin.sink.save))

    Args:
        error: Makes the error that a broken call raises: what the function itself
            raises when it fails.
        ends: What the plugin may end with then.
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
        """The function, each call of which counts and may be broken.

        A method is taken from its class and put there.
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
        """What becomes of the call that is about to be made.

        After a kill there are none.
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
    """One try of something with one fault.

    Attributes:
        fired: Whether the fault was met.
        error: What it ended with, if not well.
    """

    def __init__(self, faults: Faults, kind: str, nth: int) -> None:
        self._faults, self.kind, self.nth = faults, kind, nth
        self.fired = False
        self.error: BaseException | None = None

    def __str__(self) -> str:
        return f"I/O call {self.nth} {self.kind}"

    def run(self, work: Callable[[], Any]) -> Any:
        """What `work` gives, or None when it ends with the error that is due.

        Any other error breaks a promise.
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
    """Yield every kind of fault at every call, the first one first.

    Each kind goes on until there is no such call.
    """
    for kind in faults.kinds:
        for nth in count(1):
            attempt = Attempt(faults, kind, nth)
            yield attempt
            if not attempt.fired or nth >= MAX_CALLS:
                break
