"""uv, and whether it is there."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from uv import find_uv_bin

from reporting_framework import install_command
from reporting_framework.errors import BuildError, SettingsError
from reporting_framework.lambda_build.uv import (
    check_installed,
    installed_interpreter,
    interpreter,
    uv,
)


def test_what_is_missing_is_said_with_what_installs_it():
    check_installed()
    with pytest.raises(SettingsError) as raised:
        check_installed(
            {"os": "os", "not_there": "not-there", "nor_there": "nor-there"}
        )
    assert str(raised.value) == (
        f"reporting build needs not-there, nor-there, which is not installed: {install_command('build')}"
    )


def test_one_thread_at_a_time_looks_for_it(monkeypatch):
    found, looking, most = find_uv_bin(), [0], [0]

    def slow():
        looking[0] += 1
        most[0] = max(most[0], looking[0])
        time.sleep(0.02)
        looking[0] -= 1
        return found

    monkeypatch.setattr("uv.find_uv_bin", slow)
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: uv("--version", doing="asking"), range(4)))
    assert {text[:3] for text in said} == {"uv "}
    assert most == [1]


def test_what_it_prints():
    assert uv("--version", doing="asking").startswith("uv ")


def test_a_failure_says_what_was_being_done_and_what_uv_said():
    with pytest.raises(
        BuildError,
        match="^trying it: uv says: error: unrecognized subcommand 'nonsense'",
    ):
        uv("nonsense", doing="trying it")


def test_the_running_interpreter_is_taken_when_it_is_of_the_version():
    assert (
        interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")
        == sys.executable
    )


def test_a_version_that_there_is_not(monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(
        BuildError,
        match="^there is no Python 3.99 to compile with; installing one: uv says: ",
    ):
        interpreter("3.99")


def test_a_version_of_pyenv_is_found_although_its_shim_fails(tmp_path, monkeypatch):
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    shim = tmp_path / "shims" / f"python{running}"
    python = tmp_path / "versions" / f"{running}.1" / "bin" / f"python{running}"
    for each in (shim, python):
        each.parent.mkdir(parents=True)
    shim.write_text("#!/bin/sh\necho pyenv: command not found >&2\nexit 127\n")
    shim.chmod(0o755)
    python.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setenv("PATH", str(shim.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("UV_PYTHON_SEARCH_PATH", raising=False)
    monkeypatch.chdir(tmp_path)
    assert installed_interpreter(running) == str(python)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    with pytest.raises(BuildError, match=f"^looking for a Python {running}: uv says: "):
        installed_interpreter(running)
