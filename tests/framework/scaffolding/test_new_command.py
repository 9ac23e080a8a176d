"""``reporting new``: what it makes, what it asks, what it refuses before anything is written."""

import compileall
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import reporting_framework
from reporting_framework import install_command
from reporting_framework.cli.main import reporting
from reporting_framework.cli.new import ROLES, SINKS, SOURCES, VALIDATORS
from reporting_framework.errors import SettingsError
from reporting_framework.scaffolding.origins import TEMPLATES
from reporting_framework.scaffolding.rendering import check_installed

MODULES = "git::https://example.org/reports.git//terraform/modules/{module}?ref=v1"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(reporting, ["new", *arguments], prog_name="reporting")


def test_a_report_with_all_that_can_be_said(tmp_path):
    done = invoke(
        "lambda", "monthly-visits", "--source", "own", "--validator", "own", "--sink", "dynamodb-counters",
        "--schedule", "cron(0 6 * * ? *)", "--terraform", "--modules", MODULES, "--framework", "reporting-framework>=0.1.4,<0.2",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert (
        done.stdout.splitlines()[0]
        == f"{tmp_path}/monthly-visits was created. In it, run:"
    )
    folder = tmp_path / "monthly-visits"
    assert (
        '"reporting-framework>=0.1.4,<0.2",' in (folder / "pyproject.toml").read_text()
    )
    assert '"cron(0 6 * * ? *)"' in (folder / "terraform" / "variables.tf").read_text()
    assert (
        MODULES.replace("{module}", "storage")
        in (folder / "terraform" / "main.tf").read_text()
    )
    assert (folder / "src" / "monthly_visits" / "source.py").exists()


@pytest.mark.parametrize(
    "role",
    sorted(set(ROLES) - {"observer", "push-source", "transform"}),
)
def test_a_skipped_test_of_a_new_plugin_is_a_failure(tmp_path, role):
    """Messages and transforms have no I/O of their own to break, an observer no suite of faults."""
    invoke("plugin", "ours", "--role", role, "--out", str(tmp_path), "--no-input")
    suites = [
        text
        for path in tmp_path.rglob("test_*.py")
        if "Contract):" in (text := path.read_text())
    ]
    assert suites
    assert all("    strict = True\n" in text for text in suites)


def test_without_a_terminal_nothing_is_asked(tmp_path):
    done = invoke("lambda", "visits", "--no-terraform", "--out", str(tmp_path / "new"))
    assert done.exit_code == 0, done.stderr
    files = {
        path.relative_to(tmp_path / "new" / "visits").as_posix()
        for path in (tmp_path / "new").rglob("*.py")
    }
    assert files >= {"src/visits/report.py", "tests/test_report.py"}
    assert not (tmp_path / "new" / "visits" / "terraform").exists()


def test_a_plugin(tmp_path):
    done = invoke("plugin", "our-sink", "--role", "sink", "--out", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "our-sink" / "src" / "our_sink" / "sink.py").exists()


GIT = {"vcs": "git", "commit_id": "c"}


@pytest.mark.parametrize(
    ("recorded", "given", "hint"),
    [
        (None, [], True),
        ({"url": "https://example.org/r.git", "vcs_info": GIT}, [], True),
        ({"url": "file:///gone.whl", "archive_info": {}}, [], True),
        ({"url": "ROOT", "dir_info": {}}, [], False),
        (None, ["--framework", ">=0.1"], False),
    ],
    ids=["index or wheels", "repository", "wheel that is gone", "clone", "given"],
)
def test_a_package_that_takes_the_framework_from_an_index_says_so(
    tmp_path, monkeypatch, recorded, given, hint
):
    info = tmp_path / "site" / "reporting_framework-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: reporting-framework\nVersion: 0.1.0\n")
    if recorded:
        root = Path(__file__).parents[3].as_uri()
        text = json.dumps(recorded).replace("ROOT", f"{root}/framework")
        (info / "direct_url.json").write_text(text)
    monkeypatch.syspath_prepend(str(info.parent))
    done = invoke("plugin", "our-sink", "--out", str(tmp_path), *given)
    assert done.exit_code == 0, done.stderr
    said = "our-sink takes reporting-framework>=0.1,<0.2 from the package index; "
    assert (said in done.stderr, "--framework FOLDER" in done.stderr) == (hint, hint)


@pytest.mark.parametrize("kind", ["lambda", "plugin"])
def test_what_an_installer_compiled_is_not_copied(kind, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(
        Path(reporting_framework.__file__).parent, site / "reporting_framework"
    )
    compileall.compile_dir(
        site / "reporting_framework" / "scaffolding", quiet=2
    )  # as pip does with what it installs
    assert [
        *(site / "reporting_framework" / "scaffolding" / "templates").rglob("*.pyc")
    ]
    code = "from reporting_framework.cli.main import reporting; reporting()"
    options = ["--role", "source"] if kind == "plugin" else ["--no-terraform"]
    command = [
        sys.executable,
        "-c",
        code,
        "new",
        kind,
        "fresh",
        *options,
        "--no-input",
        "--out",
        str(tmp_path),
    ]
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert [
        path for path in (tmp_path / "fresh").rglob("*") if "pyc" in path.name
    ] == []


@pytest.mark.parametrize("sub", ["lambda", "plugin"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Visits", "write visits"),
        ("lambda", "is a word of the Python language"),
        ("json", "is a module of Python's standard library"),
        ("reporting-aws", "is a name of this project's own"),
        ("polars", "is the name of a distribution that a new package requires"),
        ("yaml", "there is a package yaml already"),
        ("taken", "exists already; choose another name, or another folder with --out"),
    ],
)
def test_names_are_refused_before_anything_is_written(tmp_path, sub, name, message):
    (tmp_path / "taken").mkdir()
    done = invoke(sub, name, "--out", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_name_of_a_report_that_is_composed_in_a_file_is_refused(tmp_path):
    config = tmp_path / "reporting.toml"
    config.write_text(
        '[reports.orders]\nsource = { use = "object-store-json", uri = "in" }\n'
        'validator = { use = "pydantic", model = "m:M" }\nsinks = [{ use = "parquet-checkpoint", uri = "o.parquet" }]\n'
    )
    done = invoke(
        "lambda",
        "orders",
        "--no-terraform",
        "--config",
        str(config),
        "--out",
        str(tmp_path),
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is a report orders already" in done.stderr
    assert not (tmp_path / "orders").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--schedule", "daily"], "'daily' is not a schedule"),
        (
            ["--source", "sqs", "--schedule", "rate(1 hour)"],
            "sqs starts the report itself; leave the option out",
        ),
        (
            ["--no-terraform", "--modules", MODULES],
            "--modules: only for packages with Terraform",
        ),
        (
            ["--terraform", "--modules", "../modules"],
            "--modules: the place of the Terraform modules is not known",
        ),
        (
            ["--terraform", "--modules", '"{module}'],
            '--modules: ", \\, $ and line breaks cannot be written',
        ),
        (
            ["--no-terraform", "--framework", "nowhere"],
            "--framework: 'nowhere' is neither an existing path",
        ),
        (["--source", "ftp"], "'ftp' is not one of"),
    ],
)
def test_other_refusals(tmp_path, arguments, message):
    done = invoke("lambda", "visits", *arguments, "--out", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_that_is_said(tmp_path):
    place = tmp_path / "long"
    done = invoke("plugin", "our-sink", "--out", str(place / ("x" * 300)))
    assert done.exit_code == 2
    assert "cannot be written: File name too long\n" in done.stderr


def test_without_the_extra_it_says_what_to_install():
    with pytest.raises(
        SettingsError,
        match=rf"reporting new needs absent, .* {re.escape(install_command('new'))}",
    ):
        check_installed("absent")


@pytest.mark.parametrize(
    ("sub", "without"),
    [
        ("lambda", ["--no-input", "--config", "--help"]),
        ("plugin", ["--no-input", "--help"]),
    ],
)
def test_help_tells_the_default_of_every_option(sub, without):
    options = re.split(
        r"\n  (?=--)", invoke(sub, "--help").stdout.partition("Options:")[2]
    )[1:]
    assert [
        each.split()[0]
        for each in options
        if "[default: " not in " ".join(each.split())
    ] == without


def test_choices_are_those_of_the_templates():
    report = json.loads(
        (TEMPLATES / "reporting-lambda" / "cookiecutter.json").read_text()
    )
    plugin = json.loads((TEMPLATES / "plugin" / "cookiecutter.json").read_text())
    found = [report["source"], report["validator"], report["sink"], plugin["role"]]
    assert [tuple(each) for each in found] == [SOURCES, VALIDATORS, SINKS, ROLES]


def test_on_a_terminal_what_is_missing_is_asked_for(tmp_path):
    code = "from reporting_framework.cli.main import reporting; reporting()"
    command = [
        sys.executable,
        "-c",
        code,
        "new",
        "lambda",
        "visits",
        "--validator",
        "own",
        "--out",
        str(tmp_path),
    ]
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(ours, b"own\n\ncron(0 6 * * ? *)\nn\n")
        said, asked = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0, asked
    assert "was created" in said
    for question in (
        "source (object-store-json",
        "sink (parquet-checkpoint",
        "schedule [rate(1 hour)]",
        "terraform [",
    ):
        assert question in asked
    assert "validator (" not in asked
    modules = {path.stem for path in (tmp_path / "visits" / "src" / "visits").iterdir()}
    assert modules >= {"source", "validator"}
    assert not (tmp_path / "visits" / "terraform").exists()


def test_the_templates_at_the_top_are_those_of_the_package():
    assert (Path(__file__).parents[3] / "templates").resolve() == TEMPLATES.resolve()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--modules", "a{{ 7*7 }}/{module}"),
        ("--modules", "{% if %}{module}"),
        ("--modules", "a\r{module}"),
        ("--out", "e{{ 7*7 }}"),
    ],
)
def test_what_would_be_taken_for_a_template_is_refused(
    tmp_path, monkeypatch, option, value
):
    monkeypatch.chdir(tmp_path)
    done = invoke(
        "lambda",
        "visits",
        "--terraform",
        *([] if option == "--modules" else ["--modules", MODULES]),
        option,
        value,
    )
    assert done.exit_code == 2
    assert "a control character; remove it" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_lies_in_the_folder_for_temporary_files_is_run(tmp_path):
    (tmp_path / "keyword.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('was-run').touch()\n"
    )
    command = [
        sys.executable,
        "-c",
        "from reporting_framework.cli.main import reporting; reporting()",
    ]
    done = subprocess.run(
        [
            *command,
            "new",
            "lambda",
            "visits",
            "--no-terraform",
            "--out",
            str(tmp_path / "new"),
        ],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keyword.py", "new"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["visits"]
