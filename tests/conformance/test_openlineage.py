"""reporting-openlineage keeps the promises of an observer, while it writes events to a file."""

import pytest

from reporting_framework.testing import ObserverContract
from reporting_openlineage import plugin


class TestOpenLineage(ObserverContract):
    plugin = plugin

    @pytest.fixture(autouse=True)
    def told_to(self, tmp_path, monkeypatch):
        monkeypatch.setenv("REPORTING_OPENLINEAGE", f"file://{tmp_path}/events.ndjson")
        yield
        text = (
            (tmp_path / "events.ndjson").read_text()
            if (tmp_path / "events.ndjson").exists()
            else ""
        )
        assert "canary" not in text
