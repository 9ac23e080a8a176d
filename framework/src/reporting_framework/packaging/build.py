"""One build: from what is installed to three zip files, a lock, a bill of materials and a manifest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reporting_framework.errors import BuildError
from reporting_framework.packaging.archive import sha256, write_zip
from reporting_framework.packaging.compiling import Files, compile_all
from reporting_framework.packaging.fingerprint import fingerprint
from reporting_framework.packaging.graph import Graph
from reporting_framework.packaging.layout import FUNCTION, PLACES, Layout, lay_out
from reporting_framework.packaging.limits import check_size
from reporting_framework.packaging.lock import LOCK, make_lock, read_lock, taken
from reporting_framework.packaging.manifest import MANIFEST, Manifest, Package, Shipped, is_whole, read_manifest
from reporting_framework.packaging.sbom import SBOM, bill_of_materials
from reporting_framework.packaging.selection import Selection, select
from reporting_framework.packaging.target import Target
from reporting_framework.packaging.unpack import Unpacked, unpack
from reporting_framework.packaging.uv import interpreter
from reporting_framework.packaging.wheels import Wheel, identity, local_wheels, requirements

if TYPE_CHECKING:
    from reporting_framework.config import Config
    from reporting_framework.plugins import Registry

CONFIG = "reporting.toml"
"""Where the framework finds the configuration file in the function's folder."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        report: Name of the report.
        target: What to build for.
        out: The folder for the results.
        also: Further distributions to package.
        upgrade: Whether to resolve again as if there were no lock.
    """

    report: str
    target: Target
    out: Path
    also: tuple[str, ...] = ()
    upgrade: bool = False


def build(order: Order, registry: Registry, config: Config, say: Callable[[str], None]) -> tuple[Manifest, bool]:
    """Build, unless what is there was made of the same inputs.

    Args:
        order: What is asked for.
        registry: The plugins, and the reports composed in the file.
        config: The configuration file.
        say: Told what is being done.

    Returns:
        What is there now, and whether anything was built.

    Raises:
        PluginError: There is no such report, or a plugin that it uses.
        SettingsError: The report's table is not a report.
        BuildError: It cannot be packaged; what was there before is as it was.
    """
    selection = select(order.report, registry, config, order.target, order.also)
    before = read_manifest(order.out / MANIFEST)
    if before and not order.upgrade:
        inputs = fingerprint(order.report, selection, order.target, order.out / LOCK, order.out)
        if before.inputs == inputs and is_whole(before, order.out):
            return before, False
    with _workspace(order.out) as work:
        manifest = _build(order, selection, work, say)
        for name in (*manifest.packages, *manifest.files, MANIFEST):
            (work / name).replace(order.out / name)
    return manifest, True


@contextmanager
def _workspace(out: Path) -> Iterator[Path]:
    """A folder to work in, on the file system of the results; it goes, whatever happens."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".build-", dir=out))
    except OSError as error:
        raise BuildError(f"--out {out}: {error.strerror}; give a folder that can be written to") from None
    try:
        yield work.resolve()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build(order: Order, selection: Selection, work: Path, say: Callable[[str], None]) -> Manifest:
    target, local = order.target, [each.name for each in selection.local]
    say(f"building wheels of {', '.join(local) or 'nothing'}")
    wheels = local_wheels(selection.local, work / "wheels")
    say(f"resolving for {target.arch}, Python {target.python}")
    asked, decisive = requirements(selection, wheels), identity(selection, wheels, target)
    make_lock(work / LOCK, order.out / LOCK, asked, decisive, local, target, upgrade=order.upgrade)
    say("fetching and unpacking")
    unpacked = unpack(work / LOCK, wheels, target, work / "unpacked")
    graph = Graph(lambda name: unpacked[name].requires if name in unpacked else None, target.markers)
    layout = lay_out(unpacked, graph, selection.roots, local)
    say("compiling")
    contents = _contents(layout, unpacked, selection.config, work / "compiled", interpreter(target.python))
    check_size({name: sum(path.stat().st_size for path in files.values()) for name, files in contents.items()})
    say("compressing")
    shipped = _shipped(unpacked, wheels, work / LOCK)
    manifest = Manifest(
        order.report,
        target.arch,
        target.python,
        fingerprint(order.report, selection, target, work / LOCK, order.out),
        {name: _package(work / name, files, layout, shipped) for name, files in contents.items()},
        {},
        {name: unpacked[name].version for name in layout.left_out},
    )
    (work / SBOM).write_text(bill_of_materials(manifest, unpacked, graph), encoding="utf-8")
    manifest = replace(manifest, files={name: sha256(work / name) for name in (LOCK, SBOM)})
    (work / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
    return manifest


def _contents(
    layout: Layout, unpacked: Mapping[str, Unpacked], config: Path | None, folder: Path, python: str
) -> dict[str, Files]:
    """The files of each package by their names in it; the layers have them in `python/`."""
    places = [(package, name) for package, names in layout.packages.items() for name in names]
    compiled = compile_all([(unpacked[name], PLACES[package]) for package, name in places], folder, python)
    contents: dict[str, Files] = {package: {} for package in layout.packages}
    for (package, name), files in zip(places, compiled, strict=True):
        within = "" if package == FUNCTION else "python/"
        for path, source in files.items():
            there = contents[package].setdefault(within + path, source)
            if there is not source and there.read_bytes() != source.read_bytes():
                raise BuildError(f"{name} brings {path}, which another distribution in {package} brings otherwise")
    if config:
        contents[FUNCTION][CONFIG] = config
    return contents


def _shipped(unpacked: Mapping[str, Unpacked], wheels: Iterable[Wheel], lock: Path) -> dict[str, Shipped]:
    ours, theirs = {each.name: each.path for each in wheels}, read_lock(lock)
    shipped = {}
    for name, each in unpacked.items():
        if path := ours.get(name):
            shipped[name] = Shipped(name, each.version, path.name, sha256(path))
        else:
            wheel = taken(name, theirs[name], each.tags)
            shipped[name] = Shipped(name, each.version, wheel.file, wheel.sha256)
    return shipped


def _package(path: Path, files: Files, layout: Layout, shipped: Mapping[str, Shipped]) -> Package:
    unzipped = write_zip(path, files)
    distributions = tuple(shipped[name] for name in layout.packages[path.name])
    return Package(sha256(path), path.stat().st_size, unzipped, distributions)
