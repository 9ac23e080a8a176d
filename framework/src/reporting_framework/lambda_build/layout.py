"""Layout of the packages: the package of each distribution, by its dependents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.selection import EXTRA
from reporting_framework.lambda_build.unpack import Unpacked
from reporting_framework.registry.discovery import FRAMEWORK

FUNCTION, POWERTOOLS, DATA = "function.zip", "powertools-layer.zip", "data-layer.zip"

PLACES = {FUNCTION: "/var/task", POWERTOOLS: "/opt/python", DATA: "/opt/python"}
"""Folder that Lambda unpacks each package to; all are on the path."""

COMMAND_LINE = "cli"
"""The framework's extra that lists the dependencies that only the command line imports.
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Assignment of distributions to packages.

    Attributes:
        packages: Distributions of each package, by name.
        left_out: Distributions that only the command line needs.
    """

    packages: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]


def lay_out(
    unpacked: Mapping[str, Unpacked],
    graph: Graph,
    roots: Mapping[str, Collection[str]],
    local: Collection[str],
) -> Layout:
    """Assign each distribution to one package.

    - Function: distributions that declare a plugin, and distributions of this machine
      that are the same on all machines.
    - Powertools layer: the framework's extra ``aws``, with its dependencies.
    - Data layer: the rest.
    - None: distributions that only the framework's command line needs.

    Args:
        unpacked: All distributions.
        graph: Dependencies of the distributions.
        roots: Distributions to start with, with their extras.
        local: Distributions of this machine.
    """
    needed = graph.closure(
        roots, without={FRAMEWORK: graph.listed(FRAMEWORK, COMMAND_LINE)}
    ) & set(unpacked)
    function = {
        name
        for name in needed
        if unpacked[name].plugin or (name in local and unpacked[name].pure)
    }
    asked = graph.direct(FRAMEWORK, (EXTRA,))
    tools = (
        graph.closure({name: asked[name] for name in graph.listed(FRAMEWORK, EXTRA)})
        & needed - function
    )
    packages = {FUNCTION: function, POWERTOOLS: tools, DATA: needed - function - tools}
    return Layout(
        {package: tuple(sorted(names)) for package, names in packages.items()},
        tuple(sorted(set(unpacked) - needed)),
    )
