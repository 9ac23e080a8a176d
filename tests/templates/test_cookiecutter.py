"""cookiecutter alone makes the same packages, and refuses the same names."""

import subprocess
import sys
from pathlib import Path

import pytest

from reporting_framework.errors import SettingsError
from reporting_framework.scaffolding.rendering import LAMBDA, PLUGIN, render

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("template", "made"), [(LAMBDA, "src/visits/report.py"), (PLUGIN, "src/visits/object_source.py")], ids=[LAMBDA, PLUGIN]
)
def test_the_templates_are_reached_by_cookiecutter_alone(template, made, tmp_path):
    program = Path(sys.executable).with_name("cookiecutter")
    done = subprocess.run(
        [program, "--no-input", "--output-dir", tmp_path, ROOT / "templates" / template, "name=visits"],
        env={"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "visits" / made).is_file()


@pytest.mark.parametrize(
    ("template", "answers", "message"),
    [
        (LAMBDA, {"name": "Visits"}, "'Visits' is no name"),
        (LAMBDA, {"name": "v" * 33}, "is no name: 1 to 32"),
        (LAMBDA, {"name": "visits", "schedule": "daily"}, "'daily' is no schedule"),
        (PLUGIN, {"name": "json"}, "'json' is taken"),
        (PLUGIN, {"name": "test"}, "'test' is taken"),
        (PLUGIN, {"name": "reporting-aws"}, "'reporting-aws' is taken"),
        (PLUGIN, {"name": "a_b"}, "'a_b' is no name"),
    ],
)
def test_the_templates_themselves_refuse_what_cannot_be(template, answers, message, tmp_path, capfd):
    with pytest.raises(SettingsError, match="cannot be made: FailedHookException"):
        render(template, answers, tmp_path, None)
    assert message in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
