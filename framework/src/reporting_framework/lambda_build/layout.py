"""Which distribution goes into which package: worked out from what needs what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.selection import EXTRA
from reporting_framework.lambda_build.unpack import Unpacked
from reporting_framework.registry.discovery import FRAMEWORK

FUNCTION, POWERTOOLS, DATA = "function.zip", "powertools-layer.zip", "data-layer.zip"

PLACES = {FUNCTION: "/var/task", POWERTOOLS: "/opt/python", DATA: "/opt/python"}
"""Where Lambda unpacks what is on the path."""

COMMAND_LINE = "cli"
"""The framework's extra that lists, of its dependencies, those that only the command
line imports.
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes.

    Attributes:
        packages: The distributions of each package, by name.
        left_out: Distributions that nothing but the command line needs.
    """

    packages: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]


def lay_out(
    unpacked: Mapping[str, Unpacked],
    graph: Graph,
    roots: Mapping[str, Collection[str]],
    local: Collection[str],
) -> Layout:
    """Say where everything goes; each distribution to one place.

    - the function: what declares a plugin, and what comes from this machine and is the
      same on all machines;
    - the Powertools layer: what the framework's extra ``aws`` lists, and what that
      needs;
    - the data layer: the rest;
    - nowhere: what is needed by nothing but the framework's command line.

    Args:
        unpacked: All distributions.
        graph: What needs what.
        roots: Where the needs begin, with extras.
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
