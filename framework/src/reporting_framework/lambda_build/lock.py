"""The lock, a `pylock.toml` (PEP 751).

It holds everything that comes from an index, with exact versions and hashes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from packaging.pylock import PackageWheel, Pylock, PylockValidationError
from packaging.utils import parse_wheel_filename

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.uv import uv

LOCK = "pylock.toml"
_HEADER = (
    "# Made by `reporting build`. It is kept while the requirements are those with the"
    " SHA-256 "
)


def make_lock(
    path: Path,
    previous: Path,
    requirements: Sequence[str],
    identity: Sequence[str],
    local: Iterable[str],
    target: Target,
    *,
    upgrade: bool,
) -> None:
    """Write the lock: the previous one if it still fits, else one that is resolved.

    The previous one fits when it is for the same requirements.

    A lock that is not kept as a whole still decides versions, as far as the new
    requirements allow them.

    Args:
        path: The file to write; it is named `LOCK`.
        previous: The last one, which need not be there.
        requirements: What to resolve.
        identity: What of it decides the resolution.
        local: Distributions to leave out, since they come from this machine.
        target: What to resolve for.
        upgrade: Whether to resolve as if there were no previous one.

    Raises:
        BuildError: There is no solution, or uv cannot reach the index.
    """
    first = f"{_HEADER}{hashlib.sha256(chr(10).join(identity).encode()).hexdigest()}\n"
    if not upgrade and previous.is_file():
        shutil.copyfile(previous, path)
        if path.read_text(encoding="utf-8", errors="replace").startswith(first):
            return
    listed = path.with_name("requirements.in")
    listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    uv(
        *(
            "pip",
            "compile",
            "--quiet",
            listed,
            "--output-file",
            path,
            "--no-header",
            "--no-annotate",
            "--only-binary",
            ":all:",
        ),
        *(
            "--python",
            sys.executable,
            "--python-platform",
            target.platform,
            "--python-version",
            target.python,
        ),
        *(f"--no-emit-package={name}" for name in local),
        doing=f"resolving for {target.platform}, Python {target.python}, wheels only",
    )
    path.write_text(first + path.read_text(encoding="utf-8"), encoding="utf-8")


def read_lock(path: Path) -> dict[str, Sequence[PackageWheel]]:
    """Return the wheels of a lock by normalised name.

    They are those that the target can use, of which an installer takes one.

    Raises:
        BuildError: It is damaged, or holds something other than wheels with a SHA-256.
    """
    try:
        lock = Pylock.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, PylockValidationError) as error:
        raise BuildError(
            f"{path.name}: damaged ({type(error).__name__}: {error}); build with"
            " --upgrade"
        ) from None
    wheels_by_name: dict[str, Sequence[PackageWheel]] = {
        package.name: package.wheels or () for package in lock.packages
    }
    if bad := [
        name
        for name, wheels in wheels_by_name.items()
        if not wheels or not all("sha256" in w.hashes for w in wheels)
    ]:
        raise BuildError(
            f"{path.name}: {', '.join(bad)} without a wheel and its SHA-256; build with"
            " --upgrade"
        )
    return wheels_by_name


def matching_wheel(
    name: str, wheels: Sequence[PackageWheel], tags: Collection[str]
) -> PackageWheel:
    """Which of several wheels was unpacked, as the tags in it tell.

    Args:
        name: The distribution.
        wheels: Those that the lock allows.
        tags: What the unpacked wheel says that it runs on, such as
            ``cp312-cp312-manylinux_2_28_x86_64``.

    Raises:
        BuildError: None of them.
    """
    if len(wheels) == 1:
        return wheels[0]
    scored = []
    for wheel in wheels:
        _, _, build, wheel_tags = parse_wheel_filename(wheel.filename)
        if score := len({str(tag) for tag in wheel_tags} & set(tags)):
            scored.append((score, build, wheel))
    if not scored:
        raise BuildError(
            f"{name} was unpacked from a wheel for {', '.join(sorted(tags))}, which is"
            " not in the lock"
        )
    return max(scored, key=lambda one: one[:2])[2]
