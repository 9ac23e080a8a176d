"""Tests that a suite does not try: each skipped test names its promise, and a strict suite fails."""

import pytest

from reporting_framework.testing import SinkContract

pytest_plugins = ["pytester"]

SUITE = """
import pytest
from reporting_framework.testing import PluginContract
from reporting_framework.testing.contracts.base import not_promised

class TestMine(PluginContract):
    strict = {strict}

    def test_it_has_a_name_a_settings_model_and_a_constructor(self): pass
    def test_settings_refuse_what_they_do_not_know(self): pass
    def test_permissions_are_as_few_as_can_be(self): pass

    def test_a_fault_is_reported(self):
        self._faults(None)

    def test_a_ledger_is_whole(self):
        not_promised("it keeps no ledger")

    def test_of_its_author(self):
        pytest.skip("no database here")

def test_of_something_else():
    pytest.skip("as it is")
"""
GIVE = (
    "not tried: a fault is reported: nothing breaks its I/O: give the fixture `faults`"
)


@pytest.mark.parametrize(
    ("strict", "outcomes"),
    [
        (False, {"passed": 3, "skipped": 3, "unpromised": 1}),
        (True, {"passed": 3, "skipped": 1, "unpromised": 1, "failed": 2}),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_skip_fails_a_strict_suite_and_a_promise_that_is_not_made_does_not(
    pytester, strict, outcomes, workers
):
    pytester.makepyfile(test_mine=SUITE.format(strict=strict))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rsf", *workers)
    assert result.parseoutcomes() == outcomes
    text = str(result.stdout)
    assert GIVE in text
    assert "not tried: of its author: no database here" in text
    ledger = "not promised: a ledger is whole: it keeps no ledger"
    assert f"UNPROMISED test_mine.py::TestMine: {ledger}" in text
    assert ": as it is" in text


FILES = """
import pytest
from reporting_framework import Sink, TableSink
from reporting_framework.testing import SinkContract

class TestMine(SinkContract):
    strict = True
    plugin = {plugin}
    {says}

    @pytest.fixture
    def place(self):
        return None
"""


@pytest.mark.parametrize(
    ("plugin", "says", "outcome"),
    [
        ("Sink", "", "failed"),
        ("Sink", "has_files = False", "unpromised"),
        ("TableSink", "", "unpromised"),
    ],
)
def test_a_strict_sink_without_files_gives_none(pytester, plugin, says, outcome):
    """The bytes of a database depend on the order of writes, so it has none to give."""
    assert SinkContract.has_files
    pytester.makepyfile(test_mine=FILES.format(plugin=plugin, says=says))
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-rsf", "-k", "test_prepare_writes_nothing"
    )
    assert result.parseoutcomes()[outcome] == 1
    assert ("give the fixture `files`" in str(result.stdout)) == (outcome == "failed")
