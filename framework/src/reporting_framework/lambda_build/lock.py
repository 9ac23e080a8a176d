"""Lock file of a build, a `pylock.toml` (PEP 751).

It holds all distributions that come from an index, with exact versions and hashes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from packaging.pylock import PackageWheel, Pylock, PylockValidationError
from packaging.utils import parse_wheel_filename

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.uv import uv

LOCK = "pylock.toml"
_HEADER = (
    "# Made by `reporting build`. The lock is reused while its requirements have the"
    " SHA-256 "
)
"""First line of a lock, completed by a hash: the lock is reused while it matches."""


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
    """Write the lock: the previous one if it still fits, else a newly resolved one.

    The previous lock fits if it was made for the same requirements. Otherwise it still
    decides versions if the new requirements allow them.

    Args:
        path: The file to write, named `LOCK`.
        previous: The previous lock, which may be missing.
        requirements: Requirements to resolve.
        identity: The part of the inputs that decides the resolution.
        local: Distributions to leave out, because they come from this machine.
        target: Target to resolve for.
        upgrade: Whether to ignore the previous lock.

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


def pinned_wheels(path: Path) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield each distribution of a lock: its name, version and the wheels' SHA-256.

    Raises:
        BuildError: See `read_lock`.
    """
    versions: dict[str, str] = {
        package.name: str(package.version) for package in _read(path).packages
    }
    for name, wheels in read_lock(path).items():
        yield name, versions[name], sorted(wheel.hashes["sha256"] for wheel in wheels)


def read_lock(path: Path) -> dict[str, Sequence[PackageWheel]]:
    """Return the wheels of a lock by normalised name.

    Each distribution has the wheels that fit the target; an installer takes one.

    Raises:
        BuildError: The lock is damaged, or holds a distribution without a wheel and its
            SHA-256.
    """
    wheels_by_name: dict[str, Sequence[PackageWheel]] = {
        package.name: package.wheels or () for package in _read(path).packages
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


def _read(path: Path) -> Pylock:
    try:
        return Pylock.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, PylockValidationError) as error:
        raise BuildError(
            f"{path.name}: damaged ({type(error).__name__}: {error}); build with"
            " --upgrade"
        ) from None


def matching_wheel(
    name: str, wheels: Sequence[PackageWheel], tags: Collection[str]
) -> PackageWheel:
    """Return the wheel that was unpacked, found by the tags in its metadata.

    Args:
        name: The distribution.
        wheels: Wheels in the lock.
        tags: Tags of the unpacked wheel, such as
            ``cp312-cp312-manylinux_2_28_x86_64``.

    Raises:
        BuildError: No wheel in the lock has such a tag.
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
            " not in the lock; build with --upgrade"
        )
    return max(scored, key=lambda one: one[:2])[2]
