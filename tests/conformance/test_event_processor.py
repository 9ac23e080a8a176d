"""reporting-event-processor keeps the promises of its role."""

import json

import pytest

from reporting_event_processor.validator import ExperimentEventValidator
from reporting_framework.testing import CANARY, ValidatorContract
from tests.conformance.unknown_fields import UNKNOWN_FIELDS

EVENT = {
    "event_id": "e-1",
    "event_type": "click",
    "user_id": CANARY,
    "timestamp": "2024-01-06T19:01:51Z",
}


def payload(**changes):
    return json.dumps({**EVENT, **changes}).encode()


class TestExperimentEvent(ValidatorContract):
    plugin = ExperimentEventValidator

    @pytest.fixture(params=UNKNOWN_FIELDS)
    def settings(self, request):
        return {"extra": request.param}

    @pytest.fixture
    def good(self):
        return [
            payload(),
            payload(
                experiment_id=CANARY,
                properties={CANARY: [1, None]},
                metadata={"a": {"b": CANARY}},
            ),
        ]

    @pytest.fixture
    def bad(self):
        return [
            (payload(user_id=""), "string_too_short", "user_id"),
            (payload(event_id=7), "string_type", "event_id"),
            (payload(timestamp=CANARY), "string_pattern_mismatch", "timestamp"),
            (payload(properties=CANARY), "dict_type", "properties"),
            (json.dumps({"user_id": CANARY}).encode(), "missing", "event_id"),
        ]
