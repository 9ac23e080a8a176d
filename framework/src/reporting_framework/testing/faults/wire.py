"""Faults in the requests to a server on loopback, made by any library."""

from __future__ import annotations

from collections.abc import Mapping

from reporting_framework.errors import AccessDenied, TransientError
from reporting_framework.testing.faults.proxy import S3Proxy
from reporting_framework.testing.faults.rules import Fault, Rule

_FAULTS: Mapping[str, tuple[Fault, int | None, type[BaseException]]] = {
    "is cut once": (Fault.cut(), 1, TransientError),
    "is cut for good": (Fault.cut(), None, TransientError),
    "loses its answer once": (Fault.lose(), 1, TransientError),
    "loses its answer for good": (Fault.lose(), None, TransientError),
    "gets half an answer": (Fault.truncate(), 1, TransientError),
    "is asked to slow down": (Fault.answer(503, "SlowDown"), 1, TransientError),
    "is asked to slow down for good": (
        Fault.answer(503, "SlowDown"),
        None,
        TransientError,
    ),
    "is denied once": (Fault.answer(403, "AccessDenied"), 1, AccessDenied),
    "is denied for good": (Fault.answer(403, "AccessDenied"), None, AccessDenied),
}


class WireFaults:
    """Implementation of `Faults` for requests that go through a proxy.

    Args:
        proxy: The proxy.
    """

    kinds: Mapping[str, type[BaseException]] = {
        name: ends for name, (_, _, ends) in _FAULTS.items()
    }

    def __init__(self, proxy: S3Proxy) -> None:
        self._proxy = proxy
        self._rule: Rule | None = None

    def arm(self, kind: str, nth: int) -> None:
        """See `Faults.arm`."""
        fault, times, _ = _FAULTS[kind]
        self._proxy.reset()
        self._rule = self._proxy.inject(fault, nth=nth, times=times)

    def disarm(self) -> bool:
        """See `Faults.disarm`."""
        fired = self._rule is not None and self._rule.fired > 0
        self._proxy.reset()
        self._rule = None
        return fired
