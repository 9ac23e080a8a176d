"""Build context of a container image: a Dockerfile, a lock and wheels.

Docker is not needed to write it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reporting_framework.lambda_build.build import BuildRequest, workspace
from reporting_framework.lambda_build.lock import LOCK, make_lock, pinned_wheels
from reporting_framework.lambda_build.packages import CONFIG
from reporting_framework.lambda_build.selection import select
from reporting_framework.lambda_build.wheels import identity, local_wheels, requirements

if TYPE_CHECKING:
    from reporting_framework.config.file import Config
    from reporting_framework.registry.registry import Registry

ImageKind = Literal["plain", "lambda"]
"""Kind of an image: one that runs ``reporting-run``, or one of a Lambda function."""

DOCKERFILE, REQUIREMENTS, WHEELS = "Dockerfile", "requirements.txt", "wheels"

USER = 10001
"""Id of the user that a plain image runs as; it needs no entry in the image."""

_HANDLER = "reporting_framework.aws_lambda.handler.handler"

_BASES = {
    "plain": ("python:{}-slim", "/app"),
    "lambda": ("public.ecr.aws/lambda/python:{}", "/var/task"),
}
"""Image to begin with, for a Python version, and the folder of the files."""

_INSTALL = "pip install --no-cache-dir --no-deps"


def build_image(
    order: BuildRequest,
    kind: ImageKind,
    registry: Registry,
    config: Config,
    say: Callable[[str], None],
) -> Sequence[Path]:
    """Write the build context of an image into the folder of the request.

    Args:
        order: The request.
        kind: Kind of the image.
        registry: The plugins, and the reports composed in the file.
        config: The configuration file.
        say: Called with a description of each step.

    Returns:
        The files, relative to the folder.

    Raises:
        PluginError: The report, or a plugin that it uses, does not exist.
        SettingsError: The report's table is not a report.
        BuildError: The report cannot be packaged; earlier results are unchanged.
    """
    selection = select(order.report, registry, config, order.target, order.also)
    local = [distribution.name for distribution in selection.local]
    with workspace(order.out) as work:
        say(f"building wheels of {', '.join(local) or 'nothing'}")
        wheels = local_wheels(selection.local, work / "built")
        say(f"resolving for {order.target.arch}, Python {order.target.python}")
        make_lock(
            work / LOCK,
            order.out / LOCK,
            requirements(selection, wheels),
            identity(selection, wheels, order.target),
            local,
            order.target,
            upgrade=order.upgrade,
        )
        (work / REQUIREMENTS).write_text(_requirements(work / LOCK), encoding="utf-8")
        (work / WHEELS).mkdir()
        for wheel in wheels:
            shutil.copyfile(wheel.path, work / WHEELS / wheel.path.name)
        if selection.config is not None:
            shutil.copyfile(selection.config, work / CONFIG)
        (work / DOCKERFILE).write_text(
            dockerfile(
                order.report,
                kind,
                order.target.python,
                has_wheels=bool(wheels),
                has_config=selection.config is not None,
            ),
            encoding="utf-8",
        )
        names = [DOCKERFILE, LOCK, REQUIREMENTS, WHEELS]
        names += [CONFIG] if selection.config is not None else []
        for name in (WHEELS, CONFIG):
            _remove(order.out / name)
        for name in names:
            (work / name).replace(order.out / name)
    files = (path for name in names for path in _files(order.out / name))
    return sorted(path.relative_to(order.out) for path in files)


def dockerfile(
    report: str, kind: ImageKind, python: str, *, has_wheels: bool, has_config: bool
) -> str:
    """Return the Dockerfile as text."""
    base, folder = _BASES[kind]
    lines = [
        f"FROM {base.format(python)}",
        f"WORKDIR {folder}",
        f"COPY {REQUIREMENTS} ./",
        f"RUN {_INSTALL} --only-binary=:all: --require-hashes -r {REQUIREMENTS}",
    ]
    if has_wheels:
        lines += [
            f"COPY {WHEELS} ./{WHEELS}",
            f"RUN {_INSTALL} --no-index {WHEELS}/*.whl",
        ]
    if has_config:
        lines += [f"COPY {CONFIG} ./"]
    if kind == "lambda":
        lines += [f"ENV REPORTING_REPORT={report}", f'CMD ["{_HANDLER}"]']
    else:
        lines += [
            f"USER {USER}",
            'ENTRYPOINT ["reporting-run"]',
            f'CMD ["{report}"]',
        ]
    return "\n".join(lines) + "\n"


def _requirements(lock: Path) -> str:
    """Return the distributions of a lock as requirements with hashes for pip."""
    lines: list[str] = []
    for name, version, hashes in pinned_wheels(lock):
        lines += [f"{name}=={version} \\"]
        lines += [f"    --hash=sha256:{each} \\" for each in hashes[:-1]]
        lines += [f"    --hash=sha256:{hashes[-1]}"]
    return "\n".join(lines) + "\n"


def _files(path: Path) -> Sequence[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _remove(path: Path) -> None:
    """Remove what an earlier build has left."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
