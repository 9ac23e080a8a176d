"""Names that a new package cannot have, and what is said of each."""

import re
import tomllib
from pathlib import Path

import pytest

from reporting_framework.errors import SettingsError
from reporting_framework.registry.plugin_info import PluginInfo
from reporting_framework.registry.registry import load_plugins
from reporting_framework.scaffolding.names import (
    FIRST_PARTY,
    LONGEST,
    PLUGINS,
    REQUIRED,
    check_folder,
    check_free,
    check_name,
    package_of,
)

ROOT = Path(__file__).parents[3]

REFUSED = {
    "": "is not a name to use: lower-case letters",
    "visits!": "is not a name to use: lower-case letters",
    "-visits": "a letter first; write visits",
    "visits-": "a letter first; write visits",
    "a-": "is not a name to use: lower-case letters, digits and single hyphens between them, a letter first; write a",
    "../visits": "is not a name to use: lower-case letters",
    "my visits": "is not a name to use: lower-case letters",
    "visits\n": "is not a name to use: lower-case letters",
    "besök": "is not a name to use: lower-case letters",
    "Visits": "is not a name to use: lower-case letters, digits and single hyphens between them, a letter first; write visits",
    "monthly_visits": "a letter first; write monthly-visits",
    "monthly.visits": "a letter first; write monthly-visits",
    "monthly--visits": "a letter first; write monthly-visits",
    "2visits": "is not a name to use: lower-case letters, digits and single hyphens between them, a letter first",
    "v"
    * (LONGEST + 1): f"is too long: {LONGEST + 1} characters, {LONGEST} are allowed",
    "lambda": "is a word of the Python language",
    "match": "is a word of the Python language",
    "json": "is a module of Python's standard library",
    "test": "is a module of Python's standard library",
    "concurrent": "is a module of Python's standard library",
    "reporting": "is a name of this project's own",
    "reporting-framework": "is a name of this project's own",
    "reporting-aws": "is a name of this project's own",
    "event-processor": "is a name of this project's own",
    "parquet-checkpoint": "is a name of this project's own",
    "pydantic": "is a name of this project's own",
    "hatch": "is the name of a distribution that a new package requires",
    "polars": "is the name of a distribution that a new package requires",
    "tests": "is the name of a file or folder in every package",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(SettingsError, match=re.escape(REFUSED[name])) as error:
        check_name(name)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["v", "visits", "monthly-visits", "a1-b2-c3", "v" * LONGEST]
)
def test_taken_as_it_is(name):
    check_name(name)
    assert package_of(name).isidentifier()


def test_all_distributions_of_this_project_are_known():
    projects = [
        ROOT / "framework" / "pyproject.toml",
        *ROOT.glob("plugins/*/pyproject.toml"),
    ]
    assert {
        tomllib.loads(each.read_text())["project"]["name"] for each in projects
    } == FIRST_PARTY


def test_all_plugins_of_this_project_are_known():
    registry = load_plugins()
    registry.commands()
    ours = [row for row in registry.listing if row.distribution in FIRST_PARTY]
    assert {
        row.name for row in ours if row.role not in ("query", "page")
    } == PLUGINS  # nobody installs those


def test_all_that_a_new_package_requires_is_known():
    projects = [
        ROOT / "framework",
        *ROOT.glob("plugins/*"),
        *ROOT.glob("templates/*/{{cookiecutter.name}}"),
    ]
    texts = [(each / "pyproject.toml").read_text() for each in projects]
    found = {
        name
        for text in texts
        for name in re.findall(
            r'"([a-z][a-z0-9-]*)(?:\[[a-z0-9,]+\])?(?:[<>=]|\{\{)', text
        )
    }
    assert found - FIRST_PARTY == REQUIRED - {"hatch"}


REPORT = PluginInfo("visits", "report", "our-visits", "1.2")


def test_a_name_that_a_report_or_a_plugin_of_that_role_has_is_refused():
    with pytest.raises(
        SettingsError,
        match=r"there is a report visits already, of our-visits 1\.2; choose another name",
    ):
        check_free("visits", ["report"], [REPORT])
    check_free("visits", ["sink"], [REPORT])
    with pytest.raises(
        SettingsError,
        match="there is an engine threads already, of ours 1; choose another name",
    ):
        check_free(
            "threads", ["engine"], [PluginInfo("threads", "engine", "ours", "1")]
        )


def test_the_name_of_a_plugin_that_could_not_be_loaded_is_refused():
    broken = PluginInfo(
        "visits", "plugin", "our-visits", "1.2", "broken", "ImportError"
    )
    with pytest.raises(SettingsError, match="there is a plugin visits already"):
        check_free("visits", ["sink"], [broken])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "reporting-event-processor",
            r"the distribution reporting-event-processor \S+ is installed already",
        ),
        ("yaml", "there is a package yaml already, of another distribution"),
    ],
)
def test_what_is_installed_is_refused(name, message):
    with pytest.raises(SettingsError, match=message):
        check_free(name, [], [])


def test_a_folder_that_is_there_is_refused(tmp_path):
    (tmp_path / "visits").mkdir()
    (tmp_path / "gone").symlink_to("nowhere")
    for name in ("visits", "gone"):
        with pytest.raises(
            SettingsError,
            match=f"{name} exists already; choose another name, or another folder",
        ):
            check_folder(tmp_path / name)
    check_folder(tmp_path / "new")


def test_a_file_in_the_place_of_the_folder_around_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="file is not a folder"):
        check_folder(tmp_path / "file" / "visits")
