"""What authors of plugins rely on by name: the suites, their fixtures, the fixtures of the pytest plugin."""

import inspect
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from reporting_framework import testing
from reporting_framework.testing import pytest_plugin

WITHIN = {"output", "opened", "place", "replaced", "runs", "table", "versioned"}
"""Fixtures of the suites' own."""

CONTRACTS = [name for name in testing.__all__ if name.endswith("Contract")]


def is_fixture(value):
    return type(value).__name__ == "FixtureFunctionDefinition"


def own(contract):
    """What a contract has beside what every plugin's has."""
    above = testing.PluginContract if contract is not testing.PluginContract else object
    return {
        name: value
        for each in reversed(contract.__mro__)
        if not (issubclass(above, each) or each is object)
        for name, value in {
            **getattr(each, "__annotations__", {}),
            **vars(each),
        }.items()
        if not name.startswith("_")
    }


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_there(name):
    assert getattr(testing, name)


def test_what_is_not_public_is_an_attribute_error():
    with pytest.raises(
        AttributeError,
        match=r"module 'reporting_framework\.testing' has no attribute 'nothing'",
    ):
        _ = testing.nothing


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_manual_of_a_suite_has_its_fixtures_and_attributes(name):
    contract = getattr(testing, name)
    members = {each for each in own(contract) if not each.startswith("test_")}
    manual = inspect.getdoc(contract)
    for each in members - WITHIN - {"settings", "make"}:
        assert re.search(rf"^ +{each}: ", manual, re.MULTILINE), (
            f"{each} is in the docstring of {name}"
        )


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_test_of_a_suite_says_what_it_looks_at(name):
    tests = [
        value
        for each, value in own(getattr(testing, name)).items()
        if each.startswith("test_")
    ]
    assert tests
    assert all(inspect.getdoc(each) for each in tests)


def test_the_manual_of_the_pytest_plugin_has_its_fixtures():
    found = {name for name, value in vars(pytest_plugin).items() if is_fixture(value)}
    assert found
    for name in found - {"reporting_s3_server", "reporting_s3_proxy"}:
        assert f"`{name}`" in pytest_plugin.__doc__


def test_pytest_finds_the_plugin():
    [point] = [
        each for each in entry_points(group="pytest11") if each.name == "reporting"
    ]
    assert point.value == "reporting_framework.testing.pytest_plugin"


def test_the_pytest_plugin_imports_nothing_heavy():
    heavy = (
        "polars",
        "pydantic",
        "moto",
        "boto3",
        "hypothesis",
        "obstore",
        "reporting_framework.plugin_api.source",
    )
    code = f"import sys, reporting_framework.testing.pytest_plugin; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
