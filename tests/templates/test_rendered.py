"""What is made of each answer set, as far as looking at it tells; `test_made` runs it."""

import ast
import itertools
import json
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import reporting_framework
from reporting_framework.cli.new import ROLES
from tests.templates.answering import ANSWER_SETS, AnswerSet

STABLE = {"reporting_framework", *(f"reporting_framework.{name}" for name in ("plugin_api.result", "plugin_api.settings", "storage", "testing"))}
LEFT_OVER = ("{{", "{%", "cookiecutter")
MODULES = {role.replace("-", "_") for role in ROLES}


def text_of(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", params=ANSWER_SETS, ids=lambda each: each.id)
def made(request, tmp_path_factory) -> tuple[AnswerSet, dict[str, str]]:
    """An answer set and the files made of it, by name."""
    return request.param, text_of(request.param.made(tmp_path_factory.mktemp("made")))


def test_what_a_class_overrides_is_in_its_base(made):
    """A method of another name than the base's would never be called."""
    for name, text in made[1].items():
        for node in ast.walk(ast.parse(text if name.endswith(".py") else "")):
            if isinstance(node, ast.ClassDef):
                bases = [getattr(reporting_framework, base.id, None) for base in node.bases if isinstance(base, ast.Name)]
                own = [each for each in node.body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")]
                for base in filter(None, bases):
                    assert {each.name for each in own if not hasattr(base, each.name)} == set(), f"{name}: {node.name}"
                    for each in own:
                        assert "override" in map(ast.unparse, each.decorator_list), f"{name}: {each.name}"


def test_all_of_python_compiles_and_nothing_of_the_template_is_left(made):
    answers, files = made
    for name, text in files.items():
        assert [each for each in LEFT_OVER if each in text or each in name] == [], name
        assert text.endswith("\n") or not text, name
        assert not text.endswith("\n\n"), name
        if name.endswith(".py"):
            compile(text, name, "exec")
        elif name.endswith(".json"):
            json.loads(text)


def test_names_fit_together(made):
    answers, files = made
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["name"] == answers.name
    assert project["project"]["entry-points"]["reporting_framework"] == {answers.name: f"{answers.package}.plugin"}
    assert f"src/{answers.package}/plugin.py" in files
    assert project["tool"]["hatch"]["envs"]["default"]["scripts"].keys() >= {"test", "example", "check"}
    assert "sources" not in project["tool"].get("uv", {})


def imported(text: str) -> set[str]:
    """Modules of the framework that a module imports from."""
    nodes = list(ast.walk(ast.parse(text)))
    names = [each.module or "" for each in nodes if isinstance(each, ast.ImportFrom)]
    names += [alias.name for each in nodes if isinstance(each, ast.Import) for alias in each.names]
    return {name for name in names if name.startswith("reporting_")}


def test_only_what_is_stable_is_imported(made):
    answers, files = made
    for name, text in files.items():
        if name.endswith(".py"):
            assert imported(text) <= STABLE, name


def test_what_uses_storage_is_tried_with_faults(made):
    answers, files = made
    for name, text in files.items():
        if name.startswith("src/") and "reporting_framework.storage" in text:
            assert "def faults(self, reporting_store_faults: Faults)" in files[f"tests/test_{Path(name).stem}.py"]


def test_a_class_with_a_base_of_its_kind_has_less_than_25_lines(made):
    answers, files = made
    for role in ("object", "table", "record", "push"):
        for name in (name for name in files if f"/{role}_" in name and name.startswith("src/")):
            plugin = ast.parse(files[name]).body[-1]
            assert isinstance(plugin, ast.ClassDef)
            assert plugin.end_lineno - plugin.lineno + 1 < 25, name


def test_the_readme_shows_settings_that_the_plugin_takes(made, tmp_path, monkeypatch):
    answers, files = made
    role = answers.answers.get("role", "observer").rpartition("-")[2]
    if role != "observer":
        [line] = [line for line in files["README.md"].splitlines() if line.startswith(f"    {role}")]
        [use] = [tomllib.loads(line)[f"{role}s"][0] if f"{role}s" in line else tomllib.loads(line)[role]]
        assert use.pop("use") == answers.name
        source = {}
        text = files[f"src/{answers.package}/{answers.answers['role'].replace('-', '_')}.py"]
        if role != "validator":
            exec(text, source)
            plugin = next(value for value in source.values() if getattr(value, "name", "") == answers.name)
            plugin.Settings.model_validate(use)


def test_the_lock_is_kept_and_packages_are_not(made, tmp_path):
    answers, files = made
    if answers.template == "reporting-lambda":
        (tmp_path / "dist").mkdir()
        for name in ("pylock.toml", "function.zip", "manifest.json"):
            (tmp_path / "dist" / name).touch()
        (tmp_path / ".gitignore").write_text(files[".gitignore"])
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        found = subprocess.run(
            ["git", "ls-files", "--others", "--exclude-standard", "dist"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        assert found.stdout.split() == ["dist/pylock.toml"]


def test_columns_that_the_report_names_are_told_in_the_readme(made):
    answers, files = made
    if answers.template == "reporting-lambda":
        [row] = [line for line in files["README.md"].splitlines() if line.startswith(f"| `src/{answers.package}/report.py`")]
        named = {field for field in ("record_id", "subject", "timestamp") if f'"{field}"' in files[f"src/{answers.package}/report.py"]}
        assert {field for field in ("record_id", "subject", "timestamp") if f"`{field}`" in row} == named


def test_only_what_was_asked_for_is_there(made):
    answers, files = made
    modules = {Path(name).stem for name in files if name.startswith("src/")}
    if answers.template == "plugin":
        assert modules & MODULES == {answers.answers["role"].replace("-", "_")}
        return
    own = {role for role in ("source", "validator", "sink") if answers.answers[role] == "own"}
    assert modules & MODULES == own
    assert {Path(name).stem for name in files if name.startswith("tests/")} == {
        "test_report",
        "test_validator",
        *(f"test_{role}" for role in own),
    }
    assert any(name.startswith("terraform/") for name in files) == answers.answers["terraform"]
    jobs = yaml.safe_load(files[".github/workflows/ci.yml"])["jobs"].keys()
    assert jobs == ({"test", "terraform"} if answers.answers["terraform"] else {"test"})
    pushed = answers.answers["source"] in ("kinesis", "sqs")
    assert ("example/event.json" in files) == pushed
    assert any(name.startswith("example/records/") for name in files) != pushed
    if answers.answers["terraform"] and not pushed:
        schedule = answers.answers["schedule"]
        default = "null" if schedule == "none" else f'"{schedule}"'
        assert f"default     = {default}\n" in files["terraform/variables.tf"].partition('"schedule"')[2]


def test_only_what_is_needed_is_required(made):
    answers, files = made
    required = {each.partition(">")[0] for each in tomllib.loads(files["pyproject.toml"])["project"]["dependencies"]}
    plugins = {name for name in required if name.startswith("reporting-")} - {"reporting-framework"}
    chosen = set(answers.answers.values()) if answers.template == "reporting-lambda" else set()
    needed = {
        "reporting-aws": bool(chosen & {"kinesis", "sqs", "dynamodb-counters"}),
        "reporting-object-store": bool(chosen & {"object-store-json", "parquet-checkpoint", "ndjson-archive"}),
    }
    assert plugins == {name for name, there in needed.items() if there}


def test_every_choice_is_in_some_answer_set():
    sets = [each.answers for each in ANSWER_SETS if each.template == "reporting-lambda"]
    template = json.loads((Path(__file__).parents[2] / "templates/reporting-lambda/cookiecutter.json").read_text())
    for variable in ("source", "validator", "sink"):
        assert {each[variable] for each in sets} == set(template[variable])
    assert {(each["terraform"], each["schedule"] == "none") for each in sets} == set(
        itertools.product((True, False), repeat=2)
    )
    assert {each.answers["role"] for each in ANSWER_SETS if each.template == "plugin"} == set(ROLES)
    plugin = json.loads((Path(__file__).parents[2] / "templates/plugin/cookiecutter.json").read_text())
    assert plugin["role"] == list(ROLES)


def test_rendering_is_deterministic(tmp_path):
    for answers in (ANSWER_SETS[0], ANSWER_SETS[-1]):
        first, second = (text_of(answers.made(tmp_path / folder)) for folder in ("one", "two"))
        assert first == second
