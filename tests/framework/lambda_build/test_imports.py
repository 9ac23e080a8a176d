"""What is imported when: nothing by ``--help``, and nothing of the command line's in Lambda."""

import subprocess
import sys
import tomllib
from pathlib import Path

import reporting_framework

WITHOUT_THE_COMMAND_LINE = """
import importlib, pkgutil, sys

LEFT_OUT = tuple(f"reporting_framework.{name}" for name in ("cli", "lambda_build", "query.sql", "scaffolding", "testing"))

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("click", "rich", "duckdb", "fsspec", "pytest", "hypothesis", "moto", *LEFT_OUT):
            raise ModuleNotFoundError(f"{name} is left out", name=name)

sys.meta_path.insert(0, Absent())
import reporting_framework
for module in pkgutil.walk_packages(reporting_framework.__path__, "reporting_framework.", onerror=lambda name: None):
    if not module.name.startswith(LEFT_OUT):
        importlib.import_module(module.name)
from reporting_framework.registry.registry import load_plugins
print({row.status for row in load_plugins(()).listing if row.role in ("validator", "engine")})
"""


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_extras_cli_sql_and_testing_list_is_imported_by_the_command_line_and_the_suites_alone():
    assert run(WITHOUT_THE_COMMAND_LINE).strip() == "{'registered'}"


def test_the_extra_cli_lists_dependencies_as_they_are_listed_without_it():
    project = Path(reporting_framework.__file__).parents[2] / "pyproject.toml"
    document = tomllib.loads(project.read_text())["project"]
    assert set(document["optional-dependencies"]["cli"]) <= set(
        document["dependencies"]
    )


def test_help_imports_nothing_that_a_build_needs():
    code = (
        "import sys\nfrom reporting_framework.cli.main import reporting\n"
        "try:\n    reporting.main(['build', '--help'])\nfinally:\n"
        "    print([name for name in ('packaging', 'cyclonedx', 'uv', 'pydantic', 'rich') if name in sys.modules])"
    )
    assert run(code).splitlines()[-1] == "[]"
