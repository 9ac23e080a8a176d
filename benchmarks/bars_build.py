"""The bars of packages for Lambda.

They are sizes, the same bytes twice, and how long a build takes that has nothing to do.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench import REPORT, Bench
from benchmarks.measure import BenchmarkError, Usage, measure, middle
from benchmarks.rows import Group, Row, seconds

MEGABYTE = 1e6


def build(bench: Bench, out: Path, arch: str, python: str = "3.12") -> Usage:
    """Build the report's packages.

    Raises:
        BenchmarkError: There is no such program, or it failed.
    """
    program = Path(bench.program[0]).with_name("reporting")
    if not program.exists():
        raise BenchmarkError(
            f"no program {program}: packages are built by `reporting`, beside"
            " `reporting-run`"
        )
    return measure(
        [
            str(program),
            "build",
            REPORT,
            "--arch",
            arch,
            "--python",
            python,
            "--out",
            str(out),
            "--format",
            "json",
        ]
    )


def _size(arch: str, bound: float, manifest: Mapping[str, Any], usage: Usage) -> Row:
    sizes = ", ".join(
        f"{name} {package['unzipped'] / MEGABYTE:.1f}"
        for name, package in manifest["packages"].items()
    )
    return Row(
        f"build-size-{arch}",
        f"packages for {arch}, unzipped",
        bound,
        manifest["unzipped"] / MEGABYTE,
        f"{sizes}; built in {seconds(usage.wall)}",
        unit="MB",
    )


def x86_64(bench: Bench) -> Sequence[Row]:
    """Sizes, a second build elsewhere, and a third one with nothing to do."""
    one, two = bench.fresh("build-one"), bench.fresh("build-two")
    first = build(bench, one, "x86_64")
    build(bench, two, "x86_64")
    names = sorted({path.name for folder in (one, two) for path in folder.iterdir()})
    differing = [name for name in names if not _same(one / name, two / name)]
    wall = middle([build(bench, one, "x86_64") for _ in range(3)], "wall")
    manifest = first.answer
    function = manifest["packages"]["function.zip"]["zipped"] / MEGABYTE
    return [
        _size("x86_64", 240, manifest, first),
        Row(
            "build-function",
            "function.zip, zipped",
            1.0,
            function,
            f"{function * 1000:.0f} kB",
            unit="MB",
        ),
        Row(
            "build-identical",
            "two builds in different folders: files that differ",
            0,
            len(differing),
            f"{', '.join(differing) or 'none'} of {len(names)}",
            unit="files",
        ),
        Row(
            "build-unchanged",
            "a build with nothing changed: time",
            2.0,
            wall,
            seconds(wall),
            unit="s",
        ),
    ]


def _same(one: Path, two: Path) -> bool:
    return one.is_file() and two.is_file() and one.read_bytes() == two.read_bytes()


def arm64(bench: Bench) -> Sequence[Row]:
    """Sizes for the other architecture."""
    usage = build(bench, bench.fresh("build-arm64"), "arm64")
    return [_size("arm64", 228, usage.answer, usage)]


GROUPS = (
    Group(
        ("build-size-x86_64", "build-function", "build-identical", "build-unchanged"),
        x86_64,
    ),
    Group(("build-size-arm64",), arm64),
)
