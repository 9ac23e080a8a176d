"""The source keeps the promises of a record source whose streams are read together."""

from collections.abc import Iterator
from typing import Any

import pytest

from reporting_framework.testing import CANARY, RecordSourceContract
from reporting_rest.source import RestApi
from tests.plugins.rest.feed import Faults, Feed


class TestRestApi(RecordSourceContract):
    plugin = RestApi
    stream = "orders"

    @pytest.fixture
    def feed(self) -> Iterator[Feed]:
        feed = Feed()
        feed.note = CANARY
        yield feed
        feed.server.close()

    @pytest.fixture
    def faults(self, feed: Feed) -> Faults:
        return feed.faults

    @pytest.fixture
    def settings(self, feed: Feed) -> dict[str, Any]:
        return feed.settings()
