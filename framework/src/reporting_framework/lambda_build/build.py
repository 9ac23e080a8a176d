"""One build, from the installed distributions to the finished files.

The files are three zip files, a lock, a bill of materials and a manifest.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.archive import sha256
from reporting_framework.lambda_build.fingerprint import fingerprint
from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.layout import lay_out
from reporting_framework.lambda_build.limits import check_size
from reporting_framework.lambda_build.lock import LOCK, make_lock
from reporting_framework.lambda_build.manifest import (
    MANIFEST,
    Manifest,
    is_whole,
    read_manifest,
)
from reporting_framework.lambda_build.packages import (
    contents_of,
    shipped_of,
    write_package,
)
from reporting_framework.lambda_build.sbom import SBOM, bill_of_materials
from reporting_framework.lambda_build.selection import Selection, select
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.unpack import unpack
from reporting_framework.lambda_build.uv import interpreter
from reporting_framework.lambda_build.wheels import identity, local_wheels, requirements

if TYPE_CHECKING:
    from reporting_framework.config.file import Config
    from reporting_framework.registry.registry import Registry


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Request for a build.

    Attributes:
        report: Name of the report.
        target: Target of the packages.
        out: The folder for the results.
        also: Further distributions to package.
        upgrade: Whether to ignore an existing lock.
    """

    report: str
    target: Target
    out: Path
    also: tuple[str, ...] = ()
    upgrade: bool = False


def build(
    order: BuildRequest, registry: Registry, config: Config, say: Callable[[str], None]
) -> tuple[Manifest, bool]:
    """Build the packages, unless existing ones were made of the same inputs.

    Args:
        order: The request.
        registry: The plugins, and the reports composed in the file.
        config: The configuration file.
        say: Called with a description of each step.

    Returns:
        The current manifest, and whether anything was built.

    Raises:
        PluginError: The report, or a plugin that it uses, does not exist.
        SettingsError: The report's table is not a report.
        BuildError: The report cannot be packaged; earlier results are unchanged.
    """
    selection = select(order.report, registry, config, order.target, order.also)
    before = read_manifest(order.out / MANIFEST)
    if before and not order.upgrade:
        inputs = fingerprint(
            order.report, selection, order.target, order.out / LOCK, order.out
        )
        if before.inputs == inputs and is_whole(before, order.out):
            return before, False
    with workspace(order.out) as work:
        manifest = _build(order, selection, work, say)
        for name in (*manifest.packages, *manifest.files, MANIFEST):
            (work / name).replace(order.out / name)
    return manifest, True


@contextmanager
def workspace(out: Path) -> Iterator[Path]:
    """Make a folder to work in, on the file system of the results; remove it after.

    Raises:
        BuildError: The folder for the results cannot be written to.
    """
    is_new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".build-", dir=out))
    except OSError as error:
        raise BuildError(
            f"--out {out}: {error.strerror}; give a folder that can be written to"
        ) from None
    try:
        yield work.resolve()
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # it holds results
                out.rmdir()


def _build(
    order: BuildRequest, selection: Selection, work: Path, say: Callable[[str], None]
) -> Manifest:
    target, local = (
        order.target,
        [distribution.name for distribution in selection.local],
    )
    python = interpreter(target.python)
    say(f"building wheels of {', '.join(local) or 'nothing'}")
    wheels = local_wheels(selection.local, work / "wheels")
    say(f"resolving for {target.arch}, Python {target.python}")
    asked, decisive = (
        requirements(selection, wheels),
        identity(selection, wheels, target),
    )
    make_lock(
        work / LOCK,
        order.out / LOCK,
        asked,
        decisive,
        local,
        target,
        upgrade=order.upgrade,
    )
    say("fetching and unpacking")
    unpacked = unpack(work / LOCK, wheels, target, work / "unpacked", python)
    graph = Graph(
        lambda name: unpacked[name].requires if name in unpacked else None,
        target.markers,
    )
    layout = lay_out(unpacked, graph, selection.roots, local)
    say("compiling")
    contents = contents_of(
        layout, unpacked, selection.config, work / "compiled", python
    )
    check_size(
        {
            name: sum(path.stat().st_size for path in files.values())
            for name, files in contents.items()
        }
    )
    say("compressing")
    shipped = shipped_of(unpacked, wheels, work / LOCK)
    manifest = Manifest(
        order.report,
        target.arch,
        target.python,
        fingerprint(order.report, selection, target, work / LOCK, order.out),
        {
            name: write_package(work / name, files, layout, shipped)
            for name, files in contents.items()
        },
        {},
        {name: unpacked[name].version for name in layout.left_out},
    )
    (work / SBOM).write_text(
        bill_of_materials(manifest, unpacked, graph), encoding="utf-8"
    )
    manifest = replace(
        manifest, files={name: sha256(work / name) for name in (LOCK, SBOM)}
    )
    (work / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
    return manifest
