"""The promises of every source, with messages of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from reporting_framework import Trigger
from reporting_framework.testing import CANARY, SourceContract

from {{ cookiecutter.__package }}.push_source import QueueMessages

BODIES = [json.dumps({"note": f"{CANARY} {number}"}) for number in range(5)]


class TestQueueMessages(SourceContract):
    plugin = QueueMessages

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {}

    @pytest.fixture
    def trigger(self, reporting_event: Callable[[str], Any]) -> Trigger:
        [message] = reporting_event("sqs-other")["Records"]
        records = [{**message, "messageId": str(number), "body": body} for number, body in enumerate(BODIES)]
        return Trigger("sqs", {"Records": records}, names_work=True)

    @pytest.fixture
    def records(self) -> Mapping[str, bytes]:
        return {f"visit-events:{number}": body.encode() for number, body in enumerate(BODIES)}


def test_messages_that_failed_are_named_in_the_response() -> None:
    assert QueueMessages().response(["visit-events:1"]) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
