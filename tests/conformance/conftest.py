"""A DynamoDB by moto, and what breaks the requests to it."""

import itertools
from typing import ClassVar

import pytest

from reporting_framework.errors import AccessDenied, TransientError
from reporting_framework.testing import Killed
from tests.plugins.aws import wire
from tests.plugins.aws.conftest import aws_environment, counted, dynamodb, pauses  # noqa: F401 - fixtures


class DynamoFaults:
    """See `Faults`: requests on the wire."""

    FAULTS: ClassVar = {
        "cannot be sent once": (wire.unreachable, 1, TransientError),
        "cannot be sent for good": (wire.unreachable, None, TransientError),
        "loses its answer once": (wire.lost, 1, TransientError),
        "loses its answer for good": (wire.lost, None, TransientError),
        "is throttled once": (
            wire.refused(400, "ProvisionedThroughputExceededException"),
            1,
            TransientError,
        ),
        "is denied for good": (
            wire.refused(400, "AccessDeniedException"),
            None,
            AccessDenied,
        ),
        "is killed before": (wire.killed_before, None, Killed),
        "is killed after": (wire.killed_after, 1, Killed),
    }
    kinds: ClassVar = {name: ends for name, (_, _, ends) in FAULTS.items()}

    def __init__(self, wire):
        self.wire, self.fired = wire, False

    def arm(self, kind, nth):
        fault, times, _ = self.FAULTS[kind]
        self.fired, calls = False, itertools.count(1)

        def due(number, operation):
            call = next(calls)
            if call < nth or (times and call >= nth + times):
                return None
            self.fired = True
            return fault

        self.wire.fault = due

    def disarm(self):
        self.wire.fault = lambda number, operation: None
        return self.fired


@pytest.fixture
def dynamodb_faults(dynamodb):  # noqa: F811 - the fixture
    return DynamoFaults(dynamodb.wire)
