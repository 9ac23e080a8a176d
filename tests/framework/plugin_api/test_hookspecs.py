"""The hooks: each is the author's manual, and each is really used."""

import ast
import inspect
from pathlib import Path

import pytest

import reporting_framework
from reporting_framework.plugin_api import hookspecs
from reporting_framework.registry.discovery import hook_names
from reporting_framework.registry.observers import LIFECYCLE_HOOKS, Lifecycle
from reporting_framework.registry.plugin_info import ROLES, role_hook

HOOKS = {name: getattr(hookspecs, name) for name in hook_names()}
SOURCES = Path(reporting_framework.__file__).parent


def test_every_function_of_the_module_is_a_hook():
    functions = {
        name for name, each in inspect.getmembers(hookspecs, inspect.isfunction)
    }
    assert functions == set(HOOKS)
    assert all(hasattr(each, "reporting_framework_spec") for each in HOOKS.values())


def test_the_hooks_are_those_of_the_roles_the_commands_and_the_lifecycle():
    assert set(HOOKS) == set(map(role_hook, ROLES)) | {
        "reporting_commands",
        *LIFECYCLE_HOOKS,
    }


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called_with_what_and_shows_an_example(name):
    text = inspect.getdoc(HOOKS[name]) or ""
    summary, _, rest = text.partition("\n")
    assert summary.endswith((".", "`."))
    parameters = list(inspect.signature(HOOKS[name]).parameters)
    if parameters:
        arguments = rest.partition("Args:")[2].partition("Example::")[0]
        assert [word for word in parameters if f"\n    {word}: " not in arguments] == []
    example = inspect.cleandoc(rest.partition("Example::")[2])
    function = ast.parse(example).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert function.name == name
    assert {each.arg for each in function.args.args} <= set(parameters)


@pytest.mark.parametrize("name", LIFECYCLE_HOOKS)
def test_a_lifecycle_hook_is_called_with_its_arguments_by_the_method_of_its_name(name):
    method = getattr(Lifecycle, name.removeprefix("reporting_"))
    parameters = inspect.signature(method).parameters.values()
    context = {"notes", "dry_run"}  # what the method makes the hook's context of
    arguments = set(inspect.signature(HOOKS[name]).parameters)
    assert {each.name for each in parameters} - {"self"} - context == (
        arguments - {"context"}
    )
    assert ("context" in arguments) == ("notes" in inspect.signature(method).parameters)
    assert all(
        each.kind is each.KEYWORD_ONLY for each in parameters if each.name != "self"
    )
    run = "".join(path.read_text() for path in (SOURCES / "execution").glob("*.py"))
    called = f"lifecycle.{name.removeprefix('reporting_')}("
    also = f"lifecycle.{name.removeprefix('reporting_')},"
    assert called in run or also in run, "a run never calls it"
