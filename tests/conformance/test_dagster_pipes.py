"""reporting-dagster-pipes keeps the promises of an observer, while it reports to a file as Dagster would have it."""

import pytest
from dagster_pipes import PipesContext, encode_param

from reporting_dagster_pipes import plugin
from reporting_framework.testing import ObserverContract
from tests.plugins.dagster_pipes.test_dagster_pipes import CONTEXT


class TestDagsterPipes(ObserverContract):
    plugin = plugin

    @pytest.fixture(autouse=True)
    def started_by_dagster(self, tmp_path, monkeypatch):
        messages = tmp_path / "messages"
        messages.touch()
        given = {"CONTEXT": {"data": CONTEXT}, "MESSAGES": {"path": str(messages)}}
        for name, value in given.items():
            monkeypatch.setenv(f"DAGSTER_PIPES_{name}", encode_param(value))
        PipesContext.set(None)
        yield
        PipesContext.set(None)
        assert "canary" not in messages.read_text()
