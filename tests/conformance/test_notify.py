"""reporting-notify keeps the promises of an observer, while it sends to a webhook."""

import pytest

from reporting_framework.testing import ObserverContract
from reporting_notify import plugin
from tests.support.http import recorded


class TestNotify(ObserverContract):
    plugin = plugin

    @pytest.fixture(autouse=True)
    def told_to(self, monkeypatch):
        with recorded(status=200) as server:
            monkeypatch.setenv(
                "REPORTING_NOTIFY", server.endpoint.replace("http", "json")
            )
            yield
        assert b"canary" not in b"".join(each.body for each in server.requests)
