"""Packages that some tests need beside the project, never in its own environment: installed once, kept in a cache."""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


class InstallError(RuntimeError):
    """What a test needs could not be installed."""


def cache_folder() -> Path:
    """Where it is kept: a folder of its own in the user's cache, as the XDG specification has it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "reporting-framework-tests"


@cache
def packages(*requirements: str, python: str = sys.executable) -> Path:
    """A folder that holds these packages and what they need, for `python`, and nothing else.

    Raises:
        InstallError: they cannot be had; the message ends with the installer's own words.
    """

    def install(folder: Path) -> None:
        _install(requirements, python, "--target", str(folder / "packages"))

    return (
        _made(f"packages {python_version(python)}", requirements, install) / "packages"
    )


@cache
def environment(*requirements: str, python: str = sys.executable) -> Path:
    """The interpreter of a virtual environment of `python` that holds these packages.

    Raises:
        InstallError: it cannot be made; the message ends with the installer's own words.
    """

    def install(folder: Path) -> None:
        _run([python, "-m", "venv", str(folder / "venv")], requirements)
        _install(requirements, str(folder / "venv" / "bin" / "python"))

    return (
        _made(f"environment {python_version(python)}", requirements, install)
        / "venv"
        / "bin"
        / "python"
    )


@cache
def python_version(python: str) -> str:
    """The version of an interpreter, such as `3.12.1`; empty if it does not run."""
    if python == sys.executable:
        return platform.python_version()
    try:
        asked = subprocess.run(
            [python, "-I", "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def find_python(version: str) -> str:
    """An interpreter of this version (`3.12`): this one, one on `PATH` or of pyenv; this one where there is none."""
    name = f"python{version}"
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    managed = sorted(root.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    found = [
        sys.executable,
        *filter(None, [shutil.which(name)]),
        *map(str, managed),
    ]  # pyenv's shim may answer or not
    return next(
        (each for each in found if python_version(each).startswith(f"{version}.")),
        sys.executable,
    )


def _made(
    kind: str, requirements: tuple[str, ...], make: Callable[[Path], None]
) -> Path:
    name = hashlib.sha256(
        "\n".join([kind, platform.platform(), *requirements]).encode()
    ).hexdigest()[:16]
    folder = cache_folder() / name
    with _locked(folder.with_suffix(".lock")):
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.write_text("\n".join([kind, *requirements]))
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One at a time, also among processes; the lock goes with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(requirements: tuple[str, ...], python: str, *options: str) -> None:
    uv = shutil.which("uv")
    command = (
        [uv, "pip", "install", "--python", python]
        if uv
        else [python, "-m", "pip", "install"]
    )
    _run([*command, "--quiet", *options, *requirements], requirements)


def _run(command: list[str], requirements: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        wanted = " ".join(requirements)
        raise InstallError(
            f"cannot install {wanted}: {' '.join(command)} said:\n{done.stderr.strip()[-2000:]}"
        )
