"""What authors of plugins rely on by name: the suites, their fixtures, the fixtures of the pytest plugin."""

import inspect
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from reporting_framework import testing
from reporting_framework.testing import pytest_plugin

PUBLIC = re.findall(
    r"\w+",
    """
CANARY CallFaults EngineContract Faults Killed ObserverContract PluginContract SinkContract SourceContract
TransformContract ValidatorContract
    """,
)
FIXTURES = {
    "PluginContract": {"settings", "faults", "make", "told"},
    "SourceContract": {"records", "add", "trigger", "opened"},
    "ValidatorContract": {"good", "bad"},
    "TransformContract": {"frame", "expected"},
    "SinkContract": {"rows", "visible", "expected", "files", "clear", "spoil", "place", "quarantine", "history"},
    "EngineContract": {"settings"},
    "ObserverContract": {"observer", "told"},
}
ATTRIBUTES = {
    "PluginContract": {"plugin", "bounded"},
    "SourceContract": {"crowd"},
    "ValidatorContract": set(),
    "TransformContract": set(),
    "SinkContract": {"atomic", "idempotent", "crowd", "kept_runs"},
    "EngineContract": {"look_ahead"},
    "ObserverContract": {"plugin"},
}
WITHIN = {"told", "opened", "place", "quarantine", "history"}
"""Fixtures of the suites' own."""

SHARED = {
    "reporting_awkward_records",
    "reporting_bucket",
    "reporting_event",
    "reporting_s3",
    "reporting_s3_faults",
    "reporting_s3_proxy",
    "reporting_s3_server",
    "reporting_store_faults",
}
CONTRACTS = [name for name in PUBLIC if name.endswith("Contract")]


def is_fixture(value):
    return type(value).__name__ == "FixtureFunctionDefinition"


def own(contract):
    """What a contract has beside what every plugin's has."""
    above = testing.PluginContract if contract is not testing.PluginContract else object
    return {
        name: value
        for each in reversed(contract.__mro__)
        if not (issubclass(above, each) or each is object)
        for name, value in {**getattr(each, "__annotations__", {}), **vars(each)}.items()
        if not name.startswith("_")
    }


def test_the_public_names_are_these():
    assert sorted(testing.__all__) == sorted(PUBLIC)
    assert all(getattr(testing, name).__class__ for name in PUBLIC)


def test_what_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'reporting_framework\.testing' has no attribute 'nothing'"):
        _ = testing.nothing


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_fixtures_and_attributes_of_a_suite_are_these_and_its_manual_has_them(name):
    contract = getattr(testing, name)
    members = own(contract)
    fixtures = {each for each, value in members.items() if is_fixture(value)}
    attributes = {each for each in members if each not in fixtures and not each.startswith("test_")}
    assert fixtures == FIXTURES[name]
    assert attributes == ATTRIBUTES[name]
    manual = inspect.getdoc(contract)
    for each in (fixtures | attributes) - WITHIN - {"settings", "make"}:
        assert re.search(rf"^ +{each}: ", manual, re.MULTILINE), f"{each} is in the docstring of {name}"


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_test_of_a_suite_says_what_it_looks_at(name):
    tests = [value for each, value in own(getattr(testing, name)).items() if each.startswith("test_")]
    assert tests
    assert all(inspect.getdoc(each) for each in tests)


def test_the_fixtures_of_the_pytest_plugin_are_these_and_its_manual_has_them():
    found = {name for name, value in vars(pytest_plugin).items() if is_fixture(value)}
    assert found == SHARED
    for name in found - {"reporting_s3_server", "reporting_s3_proxy"}:
        assert f"`{name}`" in pytest_plugin.__doc__


def test_pytest_finds_the_plugin():
    [point] = [each for each in entry_points(group="pytest11") if each.name == "reporting"]
    assert point.value == "reporting_framework.testing.pytest_plugin"


def test_the_pytest_plugin_imports_nothing_heavy():
    heavy = ("polars", "pydantic", "moto", "boto3", "hypothesis", "obstore", "reporting_framework.interfaces")
    code = f"import sys, reporting_framework.testing.pytest_plugin; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
