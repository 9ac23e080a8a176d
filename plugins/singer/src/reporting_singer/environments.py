"""Environments of taps: made once per requirements, in a cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reporting_framework._text.messages import one_line, redacted
from reporting_framework.errors import SettingsError, StorageUnavailable

BUILD_TIMEOUT = 900
"""Maximum number of seconds of an installation."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_log = logging.getLogger(__name__)


def cache_folder(setting: str | None) -> Path:
    """Return the folder of the environments."""
    if setting is not None:
        return Path(setting).expanduser().absolute()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser().absolute() / "reporting-singer"


def tap_program(
    pip_url: str, executable: str | None, python: str | None, folder: Path
) -> str:
    """Return the path of a tap's program; install it if that was not done before.

    An installation that was killed is begun again. Several processes wait for one.

    Args:
        pip_url: Requirements.
        executable: Name of the program, `None` if it follows from the package.
        python: Interpreter, `None` for the present one.
        folder: Folder of the environments.

    Raises:
        SettingsError: No such package can be installed, or it has no such program.
        StorageUnavailable: The folder cannot be written to, or the installation took
            too long.
    """
    requirements = shlex.split(pip_url)
    interpreter = python or sys.executable
    wanted = json.dumps([requirements, interpreter, sys.version_info[:2]])
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:16]
    label = match[0] if (match := _NAME.match(requirements[0])) else "tap"
    environment = folder / f"{label}-{digest}"
    complete = environment / "complete"
    if not complete.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder / f"{environment.name}.lock"):
                if not complete.exists():
                    _build(environment, requirements, interpreter)
                    complete.touch()
        except OSError as error:
            raise StorageUnavailable(
                f"source singer: environments: {folder} cannot be used"
                f" ({error.strerror}); choose another folder"
            ) from error
    return _program(environment, label, executable)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(environment: Path, requirements: Sequence[str], interpreter: str) -> None:
    shutil.rmtree(environment, ignore_errors=True)  # of a process that was killed
    _log.info("installing %s", ", ".join(map(redacted, requirements)))
    target = str(environment / "bin" / "python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        _call([uv, "venv", "--quiet", "--python", interpreter, str(environment)])
        _call([uv, "pip", "install", "--quiet", "--python", target, *requirements])
    else:
        _call([interpreter, "-m", "venv", str(environment)])
        install = [target, "-m", "pip", "install", "--quiet", "--no-input"]
        _call([*install, "--disable-pip-version-check", *requirements])


def _call(command: Sequence[str]) -> None:
    """Run a step of an installation.

    Raises:
        SettingsError: It fails.
        StorageUnavailable: It takes too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - uv or pip with requirements
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=BUILD_TIMEOUT,
            check=False,
            env=clean_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise StorageUnavailable(
            f"source singer: pip_url: not installed within {BUILD_TIMEOUT} seconds;"
            " run again"
        ) from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = one_line(redacted(" ".join(lines[-3:])), 300)
        raise SettingsError(
            f"source singer: pip_url: it cannot be installed ({reason}); correct the"
            " requirements",
            path=("pip_url",),
        )


def _program(environment: Path, label: str, executable: str | None) -> str:
    programs = environment / "bin"
    if executable is not None:
        if (programs / executable).exists():
            return str(programs / executable)
        raise SettingsError(
            f"source singer: executable: pip_url installs no program {executable};"
            f" there are {', '.join(_taps(programs)) or 'none that begin with tap-'}",
            path=("executable",),
        )
    if (programs / label).exists():
        return str(programs / label)
    taps = _taps(programs)
    if len(taps) == 1:
        return str(programs / taps[0])
    raise SettingsError(
        "source singer: executable: which program of pip_url is the tap is not clear;"
        f" give one of {', '.join(taps) or 'its programs'}",
        path=("executable",),
    )


def _taps(programs: Path) -> list[str]:
    return sorted(path.name for path in programs.glob("tap-*"))


def clean_environment() -> dict[str, str]:
    """Return the variables of this process without those of its own interpreter."""
    own = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if name not in own}
