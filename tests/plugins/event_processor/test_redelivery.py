"""However records come again, each event is counted once and archived, and each that can never succeed is set aside."""

import os

import pytest

from reporting_framework.registry.registry import load_plugins
from tests.plugins.event_processor.simulator import expected, simulated

SEEDS = 500
BLOCK = 50
"""Seeds of one test: enough that the number of deaths in a block is not left to chance."""
SAMPLE = 4
"""Seeds that are played with the other tests; all of them are by `hatch run slow`."""


@pytest.fixture
def alone(monkeypatch):
    """No AWS of anybody's."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("first", "number"),
    [
        (0, SAMPLE),
        *(
            pytest.param(first, BLOCK, marks=pytest.mark.slow)
            for first in range(0, SEEDS, BLOCK)
        ),
    ],
)
def test_the_end_is_that_of_a_stream_delivered_once(first, number):
    registry, deaths, again = load_plugins(), 0, 0
    for seed in range(first, first + number):
        simulation, ended = simulated(seed, registry)
        what = f"seed {seed}"
        assert ended.counters == expected(simulation.events), what
        assert ended.archived == {each["event_id"] for each in simulation.events}, what
        assert ended.dead == simulation.poison, what
        deaths += ended.deaths
        again += ended.invocations
    assert deaths > number, "the function dies often enough for this to mean something"
    assert again > 3 * number
