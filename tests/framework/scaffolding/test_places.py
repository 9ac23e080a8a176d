"""Where new packages find the framework."""

import importlib.metadata
import json
from pathlib import Path

import pytest

import reporting_framework
from reporting_framework.errors import SettingsError
from reporting_framework.scaffolding.origins import TEMPLATES
from reporting_framework.scaffolding.places import (
    VARIABLES,
    framework_variables,
    versions,
)

ROOT = Path(__file__).parents[3]
ALL = tuple(VARIABLES)


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ("0.1.0", ">=0.1,<0.2"),
        ("0.12.3", ">=0.12,<0.13"),
        ("1.4.2", ">=1.4,<2"),
        ("2.0.0", ">=2.0,<3"),
    ],
)
def test_versions_that_fit_together(installed, expected):
    assert versions(installed) == expected


class Installed:
    """A distribution that was installed from somewhere."""

    def __init__(self, url):
        self.url = url

    def read_text(self, name):
        assert name == "direct_url.json"
        return self.url and json.dumps(
            {"url": self.url, "dir_info": {"editable": True}}
        )


@pytest.mark.parametrize(
    "url", [None, "https://host/reporting-framework.whl", "file:///no/such/folder"]
)
def test_the_installed_version_unless_something_is_given(url, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed(url))
    nothing = {"framework_path": "", "object_store_path": "", "aws_path": ""}
    assert (
        framework_variables(None, "0.1.0", ALL) == {"framework": ">=0.1,<0.2"} | nothing
    )


def test_the_folder_that_the_framework_was_installed_from(monkeypatch):
    monkeypatch.setattr(
        importlib.metadata,
        "distribution",
        lambda name: Installed((ROOT / "framework").as_uri()),
    )
    assert framework_variables(None, "0.1.0", ALL) == framework_variables(
        str(ROOT), "0.1.0", ALL
    )


@pytest.mark.parametrize("template", ["reporting-lambda", "plugin"])
def test_cookiecutter_alone_takes_this_version(template):
    variables = json.loads((TEMPLATES / template / "cookiecutter.json").read_text())
    assert variables["framework"] == versions(reporting_framework.__version__)


def test_a_folder_of_wheels(tmp_path):
    made(
        tmp_path,
        "reporting_framework-0.1.0-py3-none-any.whl",
        "reporting_aws-0.1.0-py3-none-any.whl",
    )
    found = framework_variables(str(tmp_path), "0.1.0", ("framework_path", "aws_path"))
    assert (
        found["framework_path"]
        == f"{tmp_path}/reporting_framework-0.1.0-py3-none-any.whl"
    )
    assert found["aws_path"] == f"{tmp_path}/reporting_aws-0.1.0-py3-none-any.whl"


def test_what_is_needed_and_not_there_is_refused(tmp_path):
    made(tmp_path, "reporting_framework-0.1.0-py3-none-any.whl")
    with pytest.raises(
        SettingsError,
        match="reporting-object-store is missing there; give a folder of wheels",
    ):
        framework_variables(str(tmp_path), "0.1.0", ALL)


def test_one_wheel_and_those_beside_it(tmp_path):
    names = [f"reporting_framework-0.1.{n}-py3-none-any.whl" for n in (0, 1)]
    made(tmp_path, *names, "reporting_object_store-0.1.0-py3-none-any.whl")
    found = framework_variables(
        str(tmp_path / names[0]), "0.1.0", ("framework_path", "object_store_path")
    )
    assert found["framework_path"] == f"{tmp_path}/{names[0]}"
    assert (
        found["object_store_path"]
        == f"{tmp_path}/reporting_object_store-0.1.0-py3-none-any.whl"
    )


def test_two_versions_in_a_folder_are_refused(tmp_path):
    made(tmp_path, *(f"reporting_framework-0.1.{n}-py3-none-any.whl" for n in (0, 1)))
    with pytest.raises(
        SettingsError,
        match=r"0\.1\.0-py3-none-any\.whl and .*0\.1\.1.* are both in .*; remove one of them",
    ):
        framework_variables(str(tmp_path), "0.1.0", ALL)


@pytest.mark.parametrize("folder", [".", "framework"])
def test_the_sources_of_this_project(folder):
    found = framework_variables(str(ROOT / folder), "0.1.0", ALL)
    assert found["framework_path"] == f"{ROOT}/framework"
    assert found["aws_path"] == f"{ROOT}/plugins/aws"


def test_a_folder_without_the_framework_is_refused(tmp_path):
    (tmp_path / "pyproject.toml").write_text("damaged [")
    with pytest.raises(
        SettingsError,
        match="reporting-framework is missing there; give a folder of wheels",
    ):
        framework_variables(str(tmp_path), "0.1.0", ALL)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("reporting-framework>=0.3,<0.4", ">=0.3,<0.4"),
        ("==0.1.*", "==0.1.*"),
        ("reporting-framework ~= 0.1.4", "~=0.1.4"),
    ],
)
def test_a_requirement(given, expected):
    assert framework_variables(given, "0.1.0", ("framework_path",)) == {
        "framework": expected,
        "framework_path": "",
    }


@pytest.mark.parametrize(
    "given",
    ["polars>=2", "no/such/folder", 'reporting-framework>=0.1"', "reporting-framework"],
)
def test_anything_else_is_refused(given):
    with pytest.raises(
        SettingsError,
        match=r"is neither an existing path nor a requirement such as reporting-framework>=0\.1",
    ):
        framework_variables(given, "0.1.0", ALL)
