"""Selection of the installed distributions that a report needs.

It holds the roots, the distributions that come from this machine, and the pinned ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.graph import Graph
from reporting_framework.lambda_build.provenance import (
    Provenance,
    installed,
    provenance,
)
from reporting_framework.lambda_build.references import referenced_distributions
from reporting_framework.lambda_build.target import Target
from reporting_framework.registry.discovery import FRAMEWORK, normalised
from reporting_framework.registry.reports import compose_report

if TYPE_CHECKING:
    from reporting_framework.config.file import Config
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.registry import Registry

EXTRA = "aws"
"""The framework's extra that a package for Lambda includes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Distributions to package.

    Attributes:
        roots: Distributions to start with, each with its extras.
        local: Distributions in the closure that come from this machine, by name; wheels
            are made of them.
        pinned: The other plugins and roots, which are taken from the index in their
            installed version.
        config: The configuration file, if it has a table for the report.
    """

    roots: Mapping[str, tuple[str, ...]]
    local: tuple[Provenance, ...]
    pinned: tuple[Provenance, ...]
    config: Path | None


def select(
    report: str,
    registry: Registry,
    config: Config,
    target: Target,
    also: Collection[str] = (),
) -> Selection:
    """Select the installed distributions that a report needs.

    Args:
        report: Name of the report.
        registry: The plugins, and the reports composed in the file.
        config: The configuration file.
        target: Target of the packages.
        also: Further distributions to start with.

    Raises:
        PluginError: The report, or a plugin that it uses, does not exist.
        SettingsError: The report's table is not a report.
        BuildError: A needed distribution is not installed, or no wheel of it can be
            made again.
    """
    names = {normalised(name) for name in also} | set(
        _report_distributions(report, registry, config)
    )
    roots = {
        name: (EXTRA,) if name == FRAMEWORK and target.service == "lambda" else ()
        for name in sorted(names | {FRAMEWORK})
    }
    for name in roots:
        if installed(name) is None:
            raise BuildError(
                f"distribution {name}: not installed; packages are made of installed"
                " distributions: install it"
            )
    graph = Graph(_requires, target.markers)
    installed_packages = [
        provenance(provenance_of)
        for name in sorted(graph.closure(roots))
        if (provenance_of := installed(name))
    ]
    return Selection(
        roots,
        tuple(package for package in installed_packages if package.kind != "index"),
        tuple(
            package
            for package in installed_packages
            if package.kind == "index" and (package.plugin or package.name in roots)
        ),
        config.path if report in config.tables or report in config.settings else None,
    )


def _requires(name: str) -> list[str] | None:
    distribution = installed(name)
    return distribution.requires if distribution else None


def _report_distributions(
    report: str, registry: Registry, config: Config
) -> Iterator[str]:
    """Yield the distributions that provide a report.

    For a report composed in a file, these are the distributions of its plugins and of
    the modules that its settings name.
    """
    origin = registry.origin("report", report)
    if report not in config.tables:
        yield normalised(origin.distribution)
        return
    composition = compose_report(report, registry, config, environment={})
    for role, use in _uses(composition):
        yield normalised(registry.origin(role, use.name).distribution)
        yield from referenced_distributions(use.settings)


def _uses(composition: PipelineSpec) -> Iterator[tuple[str, Any]]:
    yield "source", composition.source
    yield "validator", composition.validator
    yield from (("transform", use) for use in composition.transforms)
    yield from (("sink", use) for use in composition.sinks)
    yield "engine", composition.engine
