"""The lock, a `pylock.toml` (PEP 751): everything that comes from an index, with exact versions and hashes."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import parse_wheel_filename

from reporting_framework.discovery import normalised
from reporting_framework.errors import BuildError
from reporting_framework.packaging.target import Target
from reporting_framework.packaging.uv import uv

LOCK = "pylock.toml"
_HEADER = "# Made by `reporting build`. It is kept while the requirements are those with the SHA-256 "


@dataclass(frozen=True, slots=True)
class Locked:
    """A wheel of an index.

    Attributes:
        file: Its file name.
        sha256: Its hash.
    """

    file: str
    sha256: str


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
    """Write the lock: the previous one when it is for the same requirements, else one that is resolved.

    A lock that is not kept as a whole still decides versions, as far as the new requirements allow them.

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
        *("--python", sys.executable, "--python-platform", target.platform, "--python-version", target.python),
        *(f"--no-emit-package={name}" for name in local),
        doing=f"resolving for {target.platform}, Python {target.python}, wheels only",
    )
    path.write_text(first + path.read_text(encoding="utf-8"), encoding="utf-8")


def read_lock(path: Path) -> dict[str, list[Locked]]:
    """What a lock holds: by normalised name, the wheels that the target can use, of which an installer takes one.

    Raises:
        BuildError: It is damaged, or holds something other than wheels with hashes.
    """
    try:
        packages = tomllib.loads(path.read_text(encoding="utf-8")).get("packages", ())
        return {normalised(each["name"]): [_locked(wheel) for wheel in each["wheels"]] for each in packages}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildError(
            f"{path.name} is not a lock of wheels with hashes ({type(error).__name__}: {error}); build with --upgrade"
        ) from None


def _locked(wheel: dict[str, Any]) -> Locked:
    place = wheel.get("name") or unquote(urlsplit(wheel.get("url") or wheel["path"]).path).rpartition("/")[2]
    return Locked(place, wheel["hashes"]["sha256"])


def taken(name: str, wheels: Sequence[Locked], tags: Collection[str]) -> Locked:
    """Which of several wheels was unpacked, as the tags in it tell.

    Args:
        name: The distribution.
        wheels: Those that the lock allows.
        tags: What the unpacked wheel says that it runs on, such as ``cp312-cp312-manylinux_2_28_x86_64``.

    Raises:
        BuildError: None of them.
    """
    if len(wheels) == 1:
        return wheels[0]
    scored = []
    for each in wheels:
        _, _, build, theirs = parse_wheel_filename(each.file)
        scored.append((len({str(tag) for tag in theirs} & set(tags)), build, each))
    score, _, best = max(scored, key=lambda one: one[:2], default=(0, (), Locked("", "")))
    if not score:
        raise BuildError(f"{name} was unpacked from a wheel for {', '.join(sorted(tags))}, which is not in the lock")
    return best
