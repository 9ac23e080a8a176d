"""Runs of the source alone, with tables and a state that are kept between them."""

from typing import Any

from reporting_framework.plugin_api.records import FinishedSplit
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_rest.settings import RestApiSettings
from reporting_rest.source import RestApi
from tests.plugins.rest.server import Server

QUICK = {"allow_private": True, "wait_seconds": 0.01, "attempts": 3}


def settings_of(
    server: Server, *resources: dict[str, Any], **others: Any
) -> dict[str, Any]:
    return {"base_url": server.url, "resources": list(resources), **QUICK, **others}


def items(**others: Any) -> dict[str, Any]:
    """A resource `items` whose pages have their records in `items`."""
    resource = {"name": "items", "path": "/items", "records": "items"}
    return {**resource, "primary_key": ["id"], **others}


class Runs:
    """Runs, one after another. `rows` has the newest row of each source key."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.rows: dict[str, dict[str, Any]] = {}
        self.state: Any = None
        self.read: list[str] = []
        self.rejected: list[Any] = []
        self.unread: list[Any] = []

    def run(self, **changed: Any) -> "Runs":
        source = RestApi(RestApiSettings.model_validate({**self.settings, **changed}))
        self.read, self.rejected, self.unread = [], [], []
        done: list[FinishedSplit] = []
        try:
            for split in source.plan(KnownObjects(state=self.state)):
                position, whole = None, True
                for batch in source.read(split):
                    self.rejected += batch.rejected
                    self.unread += batch.unread
                    whole = whole and not batch.unread
                    position = (whole and batch.position) or position
                    if batch.frame is not None:
                        self.read += list(batch.source_keys)
                        rows = batch.frame.to_dicts()
                        self.rows.update(zip(batch.source_keys, rows, strict=True))
                done.append(FinishedSplit(split, position, whole))
            self.state = source.next_state(done) or self.state
        finally:
            source.close()
        return self
