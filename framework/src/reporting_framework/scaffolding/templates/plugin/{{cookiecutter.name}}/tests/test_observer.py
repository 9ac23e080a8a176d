"""The promises of every observer."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import pytest
from reporting_framework.plugin_api.result import RunResult
from reporting_framework.testing import CANARY, ObserverContract

from {{ cookiecutter.__package }} import plugin


class TestObserver(ObserverContract):
    plugin: ClassVar[Any] = plugin


def test_what_a_run_did_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    result = RunResult(report="visits", run_id="1", status="ok", complete=True, records_read=3, accepted=2, rejected=1)
    plugin.reporting_run_started("visits", "1")
    plugin.reporting_run_finished(result)
    assert caplog.messages == ["visits: run 1 begins", "visits: ok, 2 accepted, 1 rejected, 0 unread"]


def test_no_message_of_an_error_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    plugin.reporting_run_failed("visits", ValueError(CANARY))
    assert caplog.messages == ["visits: failed with ValueError"]
