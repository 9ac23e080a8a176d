"""``reporting lint``: its formats, its exit codes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from reporting_framework.cli.main import reporting
from tests.framework.distributions import Site

TWO = """\
[settings.toy]
target = "out"
numbrs = 3
[settings.elsewhere]
x = 1
"""


def lint(*arguments: str):
    return CliRunner().invoke(reporting, ["lint", *arguments], prog_name="reporting")


@pytest.fixture
def two(toy: Site) -> Site:
    """A site whose configuration has an error and a warning."""
    (toy.folder / "reporting.toml").write_text(TWO)
    return toy


def test_text_has_one_line_for_each_problem_in_the_order_of_the_file(two):
    done = lint()
    assert done.exit_code == 1
    first, second, summary = done.stdout.splitlines()
    assert first.startswith(
        "reporting.toml:3:1: error: toy: there is no setting numbrs"
    )
    assert second == (
        "reporting.toml:4:11: warning: [settings.elsewhere]: there is no such report;"
        " install it, or remove the table"
    )
    assert summary == "1 error, 1 warning; checked 1 report"


def test_json_has_every_part_of_a_problem(two):
    first, second = json.loads(lint("--format", "json").stdout)
    assert first.pop("message").startswith("toy: there is no setting numbrs")
    assert first == {
        "severity": "error",
        "report": "toy",
        "file": "reporting.toml",
        "line": 3,
        "column": 1,
        "variable": None,
        "path": ["settings", "toy", "numbrs"],
    }
    assert second["severity"] == "warning"


def test_github_has_annotations_with_everything_escaped(two):
    (two.folder / "a,b:c%.toml").write_text(TWO)
    first, second, _ = lint(
        "--format", "github", "--config", "a,b:c%.toml"
    ).stdout.splitlines()
    assert first.startswith(
        "::error file=a%2Cb%3Ac%25.toml,line=3,col=1,title=reporting lint%3A toy::toy:"
    )
    assert second.startswith("::warning file=a%2Cb%3Ac%25.toml,line=4,col=11,title=")


def test_warnings_fail_only_if_strict(two):
    (two.folder / "reporting.toml").write_text("[settings.elsewhere]\n")
    assert lint().exit_code == 0
    assert lint("--strict").exit_code == 1


def test_nothing_wrong(two):
    (two.folder / "reporting.toml").write_text("")
    done = lint()
    assert (done.exit_code, done.stdout) == (0, "no problems; checked 0 reports\n")


def test_only_the_named_reports_are_checked(two):
    done = lint("toy", "--format", "json")
    assert [each["report"] for each in json.loads(done.stdout)] == ["toy"]


def test_a_report_that_does_not_exist_is_an_error_of_usage(two):
    done = lint("toi")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no report 'toi'; did you mean toy?" in done.stderr


def test_a_file_that_does_not_exist_is_an_error_of_usage(two):
    done = lint("--config", "nowhere.toml")
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_control_character_of_the_file_is_not_printed(two):
    (two.folder / "reporting.toml").write_text('[settings."a\\u001b[2Jb"]\n')
    assert "\x1b" not in lint().stdout


def test_no_other_command_imports_the_parser_with_positions(two):
    code = (
        "import sys; from click.testing import CliRunner;"
        "from reporting_framework.cli.main import reporting;"
        "CliRunner().invoke(reporting, ['list']);"
        "print('tree_sitter' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr


WITHOUT_NETWORK = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        os.write(2, b"the network was used")
        os._exit(9)

sys.addaudithook(watch)
from reporting_framework.cli.main import reporting
sys.argv = ["reporting", "lint", "--strict"]
reporting()
"""


def test_buckets_are_checked_without_credentials_and_without_network(tmp_path):
    (tmp_path / "reporting.toml").write_text("""\
[reports.orders]
source    = { use = "object-store-json", uri = "s3://shop/orders/" }
validator = { use = "pydantic", model = "tests.framework.operations.lint.sample:Order" }
sinks     = [{ use = "parquet-checkpoint", uri = "gs://tables/x.parquet", timestamp = "placed_at" }]
metadata  = "az://metadata/x"
""")
    root = str(Path(__file__).parents[3])
    names = ("AWS_", "GOOGLE_", "AZURE_", "REPORTING_", "STORAGE_")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(names)
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": root, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = (done.returncode, done.stdout, done.stderr)
    assert printed == (0, "no problems; checked 1 report\n", "")
