"""Sender of events.

Events are sent one by one in a thread, so that no run waits for long.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reporting_openlineage.settings import Destination

TIMEOUT_SECONDS = 5.0
"""Seconds that a run waits at its end until its events are sent."""

Making = Callable[[], Any]
"""Function that creates an event; called in the thread, which imports the client."""

_log = logging.getLogger(__name__)


class Sender:
    """Sender of one run's events."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._waiting: SimpleQueue[Making | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, name="reporting-openlineage", daemon=True
        )
        self._thread.start()

    def send(self, make: Making) -> None:
        """Queue an event, which the thread creates and sends."""
        self._waiting.put(make)

    def close(self, seconds: float | None = None) -> None:
        """Wait until all events are sent, for `seconds` or `TIMEOUT_SECONDS`."""
        seconds = TIMEOUT_SECONDS if seconds is None else seconds
        self._waiting.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            _log.warning(
                "OpenLineage: events were not sent within %g seconds; the run does"
                " not wait"
                " for them",
                seconds,
            )

    def _work(self) -> None:
        client = None
        while (make := self._waiting.get()) is not None:
            try:
                client = client or _client(self._destination)
                client.emit(make())
            except (Exception, SystemExit) as error:
                _log.warning(
                    "OpenLineage: an event could not be sent: %s", type(error).__name__
                )


def _client(destination: Destination) -> Any:
    from openlineage.client import OpenLineageClient

    if destination.transport is None:
        return OpenLineageClient()
    from openlineage.client.transport import get_default_factory

    return OpenLineageClient(
        transport=get_default_factory().create(dict(destination.transport))
    )
