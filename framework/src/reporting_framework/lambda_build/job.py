"""Archive and script of a job that runs a report on Spark: EMR Serverless or Glue.

The archive is a Python environment, which the services unpack on each machine of the
cluster. See ``docs/decisions/0045-spark-jobs.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.archive import sha256, write_tar
from reporting_framework.lambda_build.build import BuildRequest, workspace
from reporting_framework.lambda_build.file_filter import packaged_files
from reporting_framework.lambda_build.fingerprint import fingerprint
from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.job_script import SCRIPT, job_script
from reporting_framework.lambda_build.lock import LOCK, make_lock
from reporting_framework.lambda_build.manifest import (
    MANIFEST,
    Manifest,
    Package,
    is_whole,
    read_manifest,
)
from reporting_framework.lambda_build.packages import shipped_of
from reporting_framework.lambda_build.python_home import python_home
from reporting_framework.lambda_build.sbom import SBOM, bill_of_materials
from reporting_framework.lambda_build.selection import Selection, select
from reporting_framework.lambda_build.target import Target
from reporting_framework.lambda_build.unpack import Unpacked, unpack
from reporting_framework.lambda_build.uv import interpreter
from reporting_framework.lambda_build.wheels import identity, local_wheels, requirements
from reporting_framework.registry.discovery import normalised

if TYPE_CHECKING:
    from reporting_framework.config.file import Config
    from reporting_framework.registry.registry import Registry

ENVIRONMENT = "environment.tar.gz"

ENGINE = "spark"
"""Engine of a job, unless the report or the options choose another one."""

OF_THE_CLUSTER = ("py4j", "pyspark")
"""Distributions that the cluster has; another version would not match its Java."""


def build_job(
    order: BuildRequest, registry: Registry, config: Config, say: Callable[[str], None]
) -> tuple[Manifest, bool]:
    """Build the archive and the script, unless existing ones had the same inputs.

    Args:
        order: The request.
        registry: The plugins, and the reports composed in the file.
        config: The configuration file.
        say: Called with a description of each step.

    Returns:
        The current manifest, and whether anything was built.

    Raises:
        PluginError: The report, a plugin that it uses, or the engine `spark` does not
            exist.
        SettingsError: The report's table is not a report.
        BuildError: The report cannot be packaged; earlier results are unchanged.
    """
    engine = normalised(registry.origin("engine", ENGINE).distribution)
    also = (*order.also, engine)
    selection = select(order.report, registry, config, order.target, also)
    before = read_manifest(order.out / MANIFEST)
    if before and not order.upgrade:
        lock = order.out / LOCK
        inputs = fingerprint(order.report, selection, order.target, lock, order.out)
        if before.inputs == inputs and is_whole(before, order.out):
            return before, False
    with workspace(order.out) as work:
        manifest = _build(order, selection, work, say)
        for name in (*manifest.packages, *manifest.files, MANIFEST):
            (work / name).replace(order.out / name)
    return manifest, True


def _build(
    order: BuildRequest, selection: Selection, work: Path, say: Callable[[str], None]
) -> Manifest:
    target, local = order.target, [each.name for each in selection.local]
    say(f"building wheels of {', '.join(local) or 'nothing'}")
    wheels = local_wheels(selection.local, work / "wheels")
    say(f"resolving for {target.arch}, Python {target.python}")
    make_lock(
        work / LOCK,
        order.out / LOCK,
        requirements(selection, wheels),
        identity(selection, wheels, target),
        (*local, *OF_THE_CLUSTER),
        target,
        upgrade=order.upgrade,
    )
    say("fetching and unpacking")
    python = interpreter(target.python)
    unpacked = unpack(work / LOCK, wheels, target, work / "unpacked", python)
    base, links = _python(target, work / "python")
    say("compressing")
    size = write_tar(
        work / ENVIRONMENT, {**base, **_site_packages(unpacked, target.python)}, links
    )
    shipped = shipped_of(unpacked, wheels, work / LOCK)
    script = job_script(order.report, target.service, ENGINE, selection.config)
    (work / SCRIPT).write_text(script, encoding="utf-8")
    package = Package(
        sha256(work / ENVIRONMENT),
        (work / ENVIRONMENT).stat().st_size,
        size,
        tuple(shipped[name] for name in sorted(shipped)),
    )
    manifest = Manifest(
        order.report,
        target.arch,
        target.python,
        fingerprint(order.report, selection, target, work / LOCK, order.out),
        {ENVIRONMENT: package},
        {},
        {},
        target.service,
    )
    graph = Graph(
        lambda name: unpacked[name].requires if name in unpacked else None,
        target.markers,
    )
    bill = bill_of_materials(manifest, unpacked, graph)
    (work / SBOM).write_text(bill, encoding="utf-8")
    written = {name: sha256(work / name) for name in (LOCK, SBOM, SCRIPT)}
    manifest = replace(manifest, files=written)
    (work / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
    return manifest


def _site_packages(unpacked: Mapping[str, Unpacked], python: str) -> dict[str, Path]:
    """Return the files of all distributions by their names in the archive.

    Raises:
        BuildError: Two distributions have different files of the same name.
    """
    folder = f"lib/python{python}/site-packages"
    files: dict[str, Path] = {}
    for name, distribution in sorted(unpacked.items()):
        for path in packaged_files(distribution.files, unused=()):
            source = distribution.folder / path
            existing = files.setdefault(f"{folder}/{path}", source)
            if existing is not source and existing.read_bytes() != source.read_bytes():
                raise BuildError(
                    f"{name}: its file {path} differs from another distribution's;"
                    " leave one of them out"
                )
    return files


def _python(target: Target, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the files and the links of an environment without packages.

    For EMR Serverless, it is an interpreter of its own. For Glue, it is a virtual
    environment of the service's Python, with what `venv-pack` packs of one, except
    scripts for a shell.
    """
    name = f"python{target.python}"
    links = {"bin/python": name, "bin/python3": name}
    if target.service != "glue":
        return python_home(target, folder), links
    program = PurePosixPath("/usr/bin") / name
    folder.mkdir()
    settings = folder / "pyvenv.cfg"
    settings.write_text(
        f"home = {program.parent}\ninclude-system-site-packages = false\n"
        f"version = {target.python}\nexecutable = {program}\n",
        encoding="utf-8",
    )
    return {settings.name: settings}, {
        **links,
        f"bin/{name}": str(program),
        "lib64": "lib",
    }
