"""Distributions that are really on disk: a module, and the metadata that an installer would have written."""

import importlib
import itertools
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

TOYS = Path(__file__).with_name("toys")
_numbers = itertools.count(1)


@dataclass
class Site:
    """A folder like site-packages.

    Attributes:
        folder: The folder; it is on `sys.path`.
    """

    folder: Path

    def add(
        self,
        distribution: str,
        source: str | None = None,
        *,
        version: str = "1.0",
        point: str = "",
        module: str = "",
    ) -> str:
        """Install a distribution with one entry point, and give its module's name.

        Args:
            distribution: Its name.
            source: The module; None: the module is not there, or elsewhere on the path.
            version: Its version.
            point: Name of the entry point; that of the distribution unless given.
            module: The module's name; a fresh one unless given.
        """
        module = module or f"fake_plugin_{next(_numbers)}"
        if source is not None:
            text = (
                "from reporting_framework import LazyPlugin, hookimpl\n\n"
                + textwrap.dedent(source)
            )
            (self.folder / f"{module}.py").write_text(text)
        self.metadata(
            distribution,
            f"[reporting_framework]\n{point or distribution} = {module}\n",
            version=version,
        )
        return module

    def metadata(
        self,
        distribution: str,
        entry_points: str,
        *,
        version: str = "1.0",
        metadata: str | None = None,
    ) -> None:
        """Write a distribution's metadata."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        if metadata is None:
            metadata = (
                f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
            )
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(entry_points)
        importlib.invalidate_caches()


def environment(site: Path, **more: str) -> dict[str, str]:
    """An environment for a process of its own that sees `site` and the toys, and nothing of REPORTING_*.

    What is compiled is kept, as it is for users.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REPORTING_", "TOY_", "COV_"))
    }
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept |= {
        "PYTHONPATH": os.pathsep.join([str(site), str(TOYS)]),
    }
    return kept | {"COLUMNS": "100", "NO_COLOR": "1"} | more


def program(
    name: str, *arguments: str, site: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run ``reporting`` or ``reporting-run`` in a process of its own, in the folder `site`."""
    function = name.replace("-", "_")
    code = f"import sys; sys.argv[0] = {name!r}; from reporting_framework.cli.main import {function}; {function}()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=site,
        env=environment(site, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
