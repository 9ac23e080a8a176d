"""Each answer set, for real: formatted, linted, typed, built to a wheel, its own tests run on that, and its example."""

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support.terraform import Terraform
from tests.templates.answering import ANSWER_SETS, AnswerSet

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent


def run(*command: str, folder: Path, **environment: str) -> str:
    """What a command prints on stdout; it must do what it is for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REPORTING_", "AWS_", "COV_"))}
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{shlex.join(command)}: {(done.stdout + done.stderr)[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def types_cache(tmp_path_factory) -> Path:
    """What mypy knows of the framework and of libraries: finding it out takes longer than all else."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("answers", ANSWER_SETS, ids=lambda each: each.id)
def test_a_package_is_right_in_every_way(answers: AnswerSet, tmp_path: Path, types_cache: Path):
    folder = answers.made(tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    run("ruff", "format", "--check", "--no-cache", folder=folder)
    run("ruff", "check", "--no-cache", folder=folder)
    run("mypy", "--strict", "--cache-dir", str(types_cache), folder=folder)

    uv, python = find_uv_bin(), ["--python", sys.executable]
    run(uv, "build", "--quiet", "--wheel", *python, "--out-dir", str(tmp_path / "wheels"), folder=folder)
    [wheel] = (tmp_path / "wheels").glob("*.whl")
    site = tmp_path / "site"
    run(uv, "pip", "install", "--quiet", "--no-deps", *python, "--target", str(site), str(wheel), folder=folder)

    run("reporting", "lint", "--strict", folder=folder, PYTHONPATH=str(site))
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=folder, PYTHONPATH=str(site))
    assert " passed" in done
    assert " failed" not in done
    example = shlex.split(project["tool"]["hatch"]["envs"]["default"]["scripts"]["example"].removesuffix(" {args}"))
    said = run(*example, folder=folder, PYTHONPATH=str(site))
    expected = f"{answers.name}: ok" if answers.template == "reporting-lambda" else answers.name
    assert expected in said


def test_a_type_checker_reports_a_misspelt_method(tmp_path: Path, types_cache: Path):
    answers = next(each for each in ANSWER_SETS if each.id == "plugin-source")
    folder = answers.made(tmp_path)
    source = folder / "src" / answers.package / "source.py"
    source.write_text(source.read_text().replace("def plan_stats", "def planned_stats"))
    with pytest.raises(AssertionError, match='Method "planned_stats" is marked as an override'):
        run("mypy", "--cache-dir", str(types_cache), folder=folder)


@pytest.mark.usefixtures("terraform_there")
@pytest.mark.parametrize(
    "answers", [each for each in ANSWER_SETS if each.answers.get("terraform")], ids=lambda each: each.id
)
def test_its_terraform_is_valid(answers: AnswerSet, tmp_path: Path):
    terraform = Terraform(answers.made(tmp_path) / "terraform")
    terraform("fmt", "-check", "-diff")
    terraform.init()
    assert "The configuration is valid." in terraform("validate", "-no-color")
    shutil.rmtree(terraform.folder)
