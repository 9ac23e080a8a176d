"""Counted requests and bytes in results of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.result import Traffic
from reporting_framework.plugin_api.traffic import BYTES_READ, BYTES_WRITTEN

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.plugin_api.traffic import TrafficCounts


def with_traffic(result: RunResult, counts: TrafficCounts) -> RunResult:
    """Return a result with counted requests and bytes added to its own."""
    requests = {name: number for name, number in counts.current().items() if number}
    sizes = {name: requests.pop(name, 0) for name in (BYTES_READ, BYTES_WRITTEN)}
    if not requests and not any(sizes.values()):
        return result
    counted = Traffic(requests=dict(sorted(requests.items())), **sizes)
    return result.model_copy(
        update={"traffic": sum_of_traffic([result.traffic, counted])}
    )


def sum_of_traffic(parts: Iterable[Traffic | None]) -> Traffic | None:
    """Return the sum of counted requests and bytes; `None` if nothing was counted."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    requests: Counter[str] = Counter()
    for part in known:
        requests.update(part.requests)
    return Traffic(
        requests=dict(sorted(requests.items())),
        bytes_read=sum(part.bytes_read for part in known),
        bytes_written=sum(part.bytes_written for part in known),
    )
