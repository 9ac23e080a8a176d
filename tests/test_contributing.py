"""What contributors are given agrees with itself: workflows, hooks, the dev container, its scripts, the guide."""

import json
import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(
    path
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    if path.stem != "config"
)
SCRIPTS = [ROOT / ".ci" / "run", *sorted((ROOT / "bin").iterdir())]
TERRAFORM = "1.11.4"

by_name = {"ids": lambda path: path.name}


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps(path: Path) -> list[dict[str, Any]]:
    """All steps of a workflow."""
    return [step for job in parsed(path)["jobs"].values() for step in job["steps"]]


def scripts() -> set[str]:
    """What `hatch run` takes: scripts of the default environment by name, and all of them as ``environment:name``."""
    environments = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]
    named = {
        f"{name}:{script}"
        for name, each in environments.items()
        for script in each.get("scripts", {})
    }
    return named | set(environments["default"]["scripts"])


def run_by(text: str) -> set[str]:
    """The words that follow ``hatch run`` in a text, but for programs of the environment."""
    return set(re.findall(r"hatch run ([\w:-]+)", text)) - {"python", "reporting"}


# -- workflows ---------------------------------------------------------------------------------------------------------


def test_there_are_workflows_for_changes_docs_and_the_slow_suite():
    assert [path.stem for path in WORKFLOWS] == ["ci", "docs", "slow"]
    ci = {step["run"] for step in steps(WORKFLOWS[0]) if "run" in step}
    for script in (
        "lint",
        "types",
        "imports",
        "coverage",
        "terraform-lint",
        "terraform-test",
        "distributions",
    ):
        assert f"hatch run {script}" in ci
    assert "schedule" in parsed(WORKFLOWS[2])[True]  # YAML 1.1 takes `on` for a truth


@pytest.mark.parametrize("path", WORKFLOWS, **by_name)
def test_a_workflow_may_read_and_no_more_ends_some_day_and_runs_once_for_each_branch(
    path,
):
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"].startswith("${{ github.workflow }}")
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 180
    checkouts = [
        step["with"]
        for step in steps(path)
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert checkouts == [{"persist-credentials": False}] * len(workflow["jobs"])


@pytest.mark.parametrize("path", WORKFLOWS, **by_name)
def test_actions_are_pinned_by_commit_each_with_its_version(path):
    used = re.findall(r"uses: (.*)", path.read_text())
    assert len(used) == sum("uses" in step for step in steps(path))
    assert [
        each
        for each in used
        if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)
    ] == []


def test_one_action_is_pinned_to_one_commit_everywhere():
    pins = {
        each
        for path in WORKFLOWS
        for each in re.findall(r"uses: (.*)", path.read_text())
    }
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


def test_the_tests_run_on_the_versions_of_python_that_the_framework_says_it_runs_on():
    project = tomllib.loads((ROOT / "framework" / "pyproject.toml").read_text())[
        "project"
    ]
    said = [
        each.rpartition(" ")[2]
        for each in project["classifiers"]
        if re.search(r":: Python :: 3\.\d+$", each)
    ]
    assert parsed(WORKFLOWS[0])["jobs"]["tests"]["strategy"]["matrix"]["python"] == said
    assert project["requires-python"] == f">={said[0]}"


@pytest.mark.parametrize(
    "path",
    [
        *WORKFLOWS,
        ROOT / ".pre-commit-config.yaml",
        ROOT / ".devcontainer" / "devcontainer.json",
        ROOT / ".ci" / "run",
    ],
    **by_name,
)
def test_only_scripts_that_there_are_are_run(path):
    named = run_by(path.read_text())
    if path.name != "devcontainer.json":  # it makes the environment
        assert named
    assert named <= scripts()


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "README.md", ".github/pull_request_template.md"]
)
def test_the_guide_names_only_scripts_that_there_are(name):
    named = run_by((ROOT / name).read_text())
    assert named
    assert named <= scripts() | {"any"}


# -- hooks and forms ---------------------------------------------------------------------------------------------------


def test_hooks_are_local_and_run_what_hatch_runs():
    (repository,) = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert [hook["id"] for hook in hooks] == ["format", "types", "terraform"]
    assert {hook["language"] for hook in hooks} == {"system"}
    # Not that of the environment in which pre-commit itself may run.
    assert all(hook["entry"].startswith("hatch run default:") for hook in hooks)
    files = re.compile(hooks[2]["files"])
    found = [
        path for path in (ROOT / "terraform").rglob("*") if files.search(path.name)
    ]
    assert {path.name.partition(".")[2] for path in found} >= {
        "tf",
        "tfvars",
        "tftest.hcl",
    }


def test_there_is_a_form_for_a_bug_a_feature_and_a_plugin():
    assert [path.stem for path in FORMS] == ["bug", "feature", "plugin"]


@pytest.mark.parametrize("path", FORMS, **by_name)
def test_a_form_is_one(path):
    form = parsed(path)
    assert {"name", "description", "labels", "body"} == set(form)
    fields = [each for each in form["body"] if each["type"] != "markdown"]
    assert any(each.get("validations", {}).get("required") for each in fields)
    names = [each["id"] for each in fields]
    assert len(set(names)) == len(names)
    for each in form["body"]:
        assert each["type"] in {
            "markdown",
            "textarea",
            "input",
            "dropdown",
            "checkboxes",
        }
        assert ("value" if each["type"] == "markdown" else "label") in each[
            "attributes"
        ]


# -- the dev container and its scripts ---------------------------------------------------------------------------------


def test_the_dev_container_has_pinned_versions_and_they_are_those_of_the_workflows():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    dockerfile = (ROOT / ".devcontainer" / container["build"]["dockerfile"]).read_text()
    assert f"ARG TERRAFORM={TERRAFORM}\n" in dockerfile
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == [
        "hashicorp/terraform:${TERRAFORM}",
        "python:3.12.12-bookworm",
    ]
    assert f"USER {container['remoteUser']}\n" in dockerfile
    requirements = (ROOT / ".devcontainer" / "requirements.txt").read_text()
    assert re.findall(r"^([^#\n].*)", requirements, re.MULTILINE) == re.findall(
        r"^hatch==\d+\.\d+\.\d+$", requirements, re.MULTILINE
    )
    used = [
        step["with"]
        for path in WORKFLOWS
        for step in steps(path)
        if "setup-terraform@" in step.get("uses", "")
    ]
    assert [each["terraform_version"] for each in used] == [TERRAFORM] * 2
    jobs = [job["steps"] for path in WORKFLOWS for job in parsed(path)["jobs"].values()]
    assert all(
        {"run": "pip install -r .devcontainer/requirements.txt"} in job for job in jobs
    )


@pytest.mark.parametrize("path", SCRIPTS, **by_name)
def test_a_script_is_executable_bash_and_stops_at_errors(path):
    assert path.stat().st_mode & stat.S_IXUSR
    assert path.read_text().startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in path.read_text()
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def called(tmp_path: Path):
    """Runs a script of `bin/` where a stand-in notes what the Dev Container CLI and Docker are asked; Docker knows two."""
    note = '#!/bin/sh\n{ printf "%s" "${0##*/}"; printf " [%s]" "$@"; echo; } >> "$CALLS"\n'
    for name, more in (
        ("devcontainer", ""),
        ("docker", '[ "$1" != ps ] || printf "one\\ntwo\\n"\n'),
    ):
        (tmp_path / name).write_text(note + more)
        (tmp_path / name).chmod(0o755)

    def call(
        script: str, *arguments: str, path: str = str(tmp_path)
    ) -> tuple[int, str, list[str]]:
        calls = tmp_path / "calls"
        environment = {
            "PATH": f"{path}:/usr/bin:/bin",
            "CALLS": str(calls),
            "HOME": os.environ.get("HOME", "/"),
        }
        done = subprocess.run(
            [ROOT / "bin" / script, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        return (
            done.returncode,
            done.stderr,
            calls.read_text().splitlines() if calls.exists() else [],
        )

    return call


def test_the_container_is_started_used_and_stopped(called):
    assert called("start-devcontainer.sh", "--remove-existing-container")[0] == 0
    assert (
        called("exec-in-devcontainer.sh", "hatch", "run", "test", "-k", "a b")[0] == 0
    )
    assert called("terminal.sh")[0] == 0
    code, _, calls = called("stop-devcontainer.sh", "--remove")
    assert code == 0
    assert calls == [
        f"devcontainer [up] [--workspace-folder] [{ROOT}] [--remove-existing-container]",
        f"devcontainer [exec] [--workspace-folder] [{ROOT}] [hatch] [run] [test] [-k] [a b]",
        f"devcontainer [exec] [--workspace-folder] [{ROOT}] [bash] [--login]",
        f"docker [ps] [--all] [--quiet] [--filter] [label=devcontainer.local_folder={ROOT}]",
        "docker [stop] [one]",
        "docker [rm] [one]",
        "docker [stop] [two]",
        "docker [rm] [two]",
    ]


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        (
            "exec-in-devcontainer.sh",
            (),
            "usage: .*/exec-in-devcontainer.sh COMMAND [ARGUMENT]...",
        ),
        (
            "stop-devcontainer.sh",
            ("--rm",),
            "usage: .*/stop-devcontainer.sh [--remove]",
        ),
    ],
)
def test_a_script_that_is_used_wrongly_says_how_and_does_nothing(
    called, script, arguments, said
):
    code, stderr, calls = called(script, *arguments)
    assert (code, calls) == (2, [])
    assert re.fullmatch(re.escape(said).replace(r"\.\*", ".*") + "\n", stderr)


def test_without_the_cli_and_without_npm_it_is_said_what_to_install(tmp_path):
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        ["/bin/bash", ROOT / "bin" / "devcontainer.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        "neither devcontainer nor npx is on PATH: install Node.js 20 or later"
    )
