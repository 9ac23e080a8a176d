"""What makes I/O fail: the n-th call of a plugin, once or for good, before or after it was carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from reporting_framework.errors import ReportingError


class Killed(BaseException):
    """The process ended here."""


class Faults(Protocol):
    """What breaks a plugin's I/O. Nothing is broken until `arm` is called, and after `disarm`.

    Attributes:
        kinds: What can be done to a call, by name, with the error that a plugin must make of it at the most.
    """

    kinds: Mapping[str, type[ReportingError]]

    def arm(self, kind: str, nth: int) -> None:
        """Break the `nth` call from now on (from 1), and, as the kind says, those after it."""
        ...

    def disarm(self) -> bool:
        """Break nothing any more; whether anything was broken since `arm`."""
        ...


class CallFaults:
    """Faults in functions and objects of this process; see `Faults`.

    ::

        faults = CallFaults(lambda: StorageUnavailable("injected"))
        client = faults.around(client)       # every method of it counts
        save = faults.around(save)           # so does every call
    """

    def __init__(self, error: Callable[[], BaseException]) -> None:
        raise NotImplementedError

    def around(self, target: Any) -> Any:
        """The function or object, each call of which (of a method of which) counts and may be broken."""
        raise NotImplementedError
