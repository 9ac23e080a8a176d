"""An API of two resources on loopback: records in the order of their changes, two on a page, each page with a cursor."""

from datetime import UTC, datetime, timedelta
from typing import Any

from reporting_framework import StorageUnavailable
from tests.plugins.rest.server import Answer, Asked, Server

PAGE = 2
DAY = datetime(2024, 5, 1, tzinfo=UTC)


def moment(tick: int) -> str:
    """The time of a tick, half a second each; whole seconds have no fraction."""
    text = (DAY + timedelta(seconds=tick / 2)).isoformat()
    return text.replace("+00:00", "Z")


class Faults:
    """Faults of the n-th request, see `reporting_framework.testing.faults.calls.Faults`."""

    kinds = dict.fromkeys(
        ("429 once", "cut for good", "500 for good"), StorageUnavailable
    )

    def __init__(self) -> None:
        self.disarm()

    def arm(self, kind: str, nth: int) -> None:
        self._kind, self._nth, self._fired = kind, nth, False

    def disarm(self) -> bool:
        fired = getattr(self, "_fired", False)
        self._kind, self._nth, self._fired = "", 0, False
        return fired

    def next(self) -> Answer | None:
        self._nth -= 1
        if not self._kind or self._nth > 0 or ("once" in self._kind and self._nth < 0):
            return None
        self._fired = True
        if "cut" in self._kind:
            return Answer({"items": []}, cut=50)
        status = int(self._kind[:3])
        return Answer(status=status, headers={"retry-after": "0"})


class Feed:
    """The API. `put` adds or changes a record of the first resource."""

    def __init__(self, resources: tuple[str, ...] = ("orders", "customers")) -> None:
        self.tables: dict[str, dict[int, dict[str, Any]]] = {
            name: {} for name in resources
        }
        self.ticks: dict[tuple[str, int], int] = {}
        self.server = Server(self.answer)
        self.note = "note"
        self.faults = Faults()

    def settings(self) -> dict[str, Any]:
        return {
            "base_url": self.server.url,
            "allow_private": True,
            "batch_records": 1,
            "wait_seconds": 0.01,
            "attempts": 2,
            "resources": [
                {
                    "name": name,
                    "path": f"/{name}",
                    "records": "items",
                    "primary_key": ["id"],
                    "cursor": {"field": "changed", "param": "since"},
                    "paginator": {"type": "cursor", "param": "at", "path": "next"},
                    "columns": {"id": "int64", "note": "string", "changed": "string"},
                }
                for name in self.tables
            ],
        }

    def put(self, number: int, tick: int) -> tuple[str, Any]:
        return self.put_into(next(iter(self.tables)), number, tick)

    def put_into(self, stream: str, number: int, tick: int) -> tuple[str, Any]:
        record = {
            "id": number,
            "note": f"{self.note} {number}",
            "changed": moment(tick),
        }
        self.tables[stream].pop(number, None)
        self.tables[stream][number] = record
        self.ticks[stream, number] = tick
        return f"{stream}/{number}", record

    def fetched(self) -> list[str]:
        return [asked.target for asked in self.server.take()]

    def answer(self, asked: Asked) -> Answer:
        fault = self.faults.next()
        return fault or self._page(asked)

    def _page(self, asked: Asked) -> Answer:
        name = asked.path.removeprefix("/")
        table = self.tables[name]
        rows = sorted(
            table.values(), key=lambda row: (self.ticks[name, row["id"]], row["id"])
        )
        since = asked.param("since")
        if since is not None:
            least = datetime.fromisoformat(since)
            rows = [
                row for row in rows if datetime.fromisoformat(row["changed"]) >= least
            ]
        if (at := asked.param("at")) is not None:
            tick, number = map(int, at.split("-"))
            rows = [
                row
                for row in rows
                if (self.ticks[name, row["id"]], row["id"]) > (tick, number)
            ]
        page, rest = rows[:PAGE], rows[PAGE:]
        last = f"{self.ticks[name, page[-1]['id']]}-{page[-1]['id']}" if rest else None
        return Answer({"items": page, "next": last})
