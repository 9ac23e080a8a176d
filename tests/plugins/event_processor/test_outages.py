"""DynamoDB throttles, S3 refuses, SQS refuses: the right record is named, nothing is lost, nothing counts twice."""

import json

import pytest

from reporting_framework.registry.registry import load_plugins
from tests.plugins.aws.wire import refused, unreachable
from tests.plugins.event_processor.simulator import Simulation, expected

AWAY = {
    "throttled": ("dynamodb", refused(400, "ThrottlingException")),
    "s3": ("s3", unreachable),
    "sqs": ("sqs", refused(500, "InternalError")),
}
GOOD, BAD = "good", "bad"


class Scripted(Simulation):
    """One shard of records in a given order; what is away is away for the first delivery."""

    def __init__(self, order, away):
        self.order, self.away = order, dict(AWAY[name] for name in away)
        super().__init__(7, load_plugins())
        self.calls.scheduled = self.scheduled

    def _shards(self, number):
        records, events = [], iter(self.events)
        self.taken = []
        for kind in self.order:
            if kind == GOOD:
                self.taken.append(next(events))
                self._put(records, 0, json.dumps(self.taken[-1]).encode())
            else:
                self.poison.add(self._put(records, 0, b"{"))
        return [records]

    def scheduled(self, troubled):
        self.calls.fault = lambda service: self.away.get(service) if troubled else None


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("away", "order", "named"),
    [
        (["throttled"], [BAD, BAD, GOOD, BAD, GOOD], 2),
        (["s3"], [BAD, GOOD, BAD, GOOD], 1),
        (["sqs"], [GOOD, GOOD, BAD, GOOD, BAD], 2),
        (["sqs"], [GOOD, GOOD], None),
        (["throttled", "s3"], [BAD, GOOD, GOOD], 1),
        (["throttled", "sqs"], [BAD, GOOD, GOOD], 0),
        (["s3", "sqs"], [GOOD, BAD], 0),
        (["throttled", "s3", "sqs"], [GOOD, BAD, GOOD], 0),
        (["throttled", "s3", "sqs"], [BAD, BAD], 0),
    ],
)
def test_the_first_record_that_must_come_again_is_named(away, order, named):
    simulation = Scripted(order, away)
    [records] = simulation.shards
    with simulation._aws() as (deliver, store):
        simulation.deliver = deliver
        failed = simulation._invoked(records, troubled=True)
        assert failed == (
            "" if named is None else records[named]["kinesis"]["sequenceNumber"]
        )
        simulation._until_done(records[named or 0 :], 5)
        ended = simulation._ended(store)
    assert ended.counters == expected(simulation.taken)
    assert ended.archived == {each["event_id"] for each in simulation.taken}
    assert ended.dead == simulation.poison
