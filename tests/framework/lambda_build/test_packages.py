"""From distributions to zip files."""

import sys
from pathlib import PurePosixPath

import pytest

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.layout import DATA, FUNCTION, Layout
from reporting_framework.lambda_build.packages import contents_of
from reporting_framework.lambda_build.unpack import Unpacked


def distribution(folder, name, **files) -> Unpacked:
    for path, text in files.items():
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_text(text)
    return Unpacked(name, "1", folder / name, tuple(map(PurePosixPath, files)))


def contents(tmp_path, names, config=None, **unpacked):
    layout = Layout({FUNCTION: ("report",), DATA: names}, ())
    return contents_of(layout, unpacked, config, tmp_path / "compiled", sys.executable)


def test_layers_have_a_folder_of_their_own_and_the_function_has_not(tmp_path):
    report = distribution(tmp_path, "report", **{"report/__init__.py": ""})
    models = distribution(
        tmp_path, "models", **{"models/x.json": "{}", "models/tests/y.json": "{}"}
    )
    config = tmp_path / "any-name.toml"
    found = contents(tmp_path, ("models",), config, report=report, models=models)
    assert {name: sorted(files) for name, files in found.items()} == {
        FUNCTION: ["report/__init__.pyc", "reporting.toml"],
        DATA: ["python/models/x.json"],
    }
    assert found[FUNCTION]["reporting.toml"] == config


def test_two_may_bring_the_same_file_but_not_different_ones(tmp_path):
    report = distribution(tmp_path, "report")
    one, two = (
        distribution(tmp_path, name, **{"shared/a.json": "{}"})
        for name in ("one", "two")
    )
    assert list(
        contents(tmp_path, ("one", "two"), report=report, one=one, two=two)[DATA]
    ) == ["python/shared/a.json"]
    other = distribution(tmp_path, "other", **{"shared/a.json": "[]"})
    message = "^other: its file shared/a.json differs from another distribution's in data-layer.zip; leave"
    with pytest.raises(BuildError, match=message):
        contents(tmp_path, ("one", "other"), report=report, one=one, other=other)
