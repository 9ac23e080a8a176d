"""Checks of one report: its settings, its plugins, and how they fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reporting_framework.config.layers import variable
from reporting_framework.errors import ReportingError, SettingsError
from reporting_framework.operations.lint.fit import check_fit
from reporting_framework.operations.lint.parts import (
    Part,
    check_parts,
    checks_in,
    refs_in,
    refs_of,
)
from reporting_framework.operations.lint.problem import Add, add_error
from reporting_framework.operations.lint.programs import check_programs
from reporting_framework.operations.lint.values import (
    check_plain_secrets,
    check_references,
)
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.report import PluginRef
from reporting_framework.registry.reports import compose_report, resolve_report
from reporting_framework.storage.location import parse_location

if TYPE_CHECKING:
    from reporting_framework.config.file import Config
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.registry import Registry

EXAMPLE_STREAM = "x_stream_x"
"""Name that takes the place of ``{stream}`` in checks, and that nobody else gives."""


def check_report(
    add: Add,
    name: str,
    registry: Registry,
    config: Config,
    environment: Mapping[str, str],
) -> Sequence[Part]:
    """Check everything about a report that can be known without opening anything.

    Args:
        add: Adds a problem.
        name: Name of the report.
        registry: The plugins and reports.
        config: The configuration file.
        environment: The environment variables.

    Returns:
        Its plugins.
    """
    table = config.tables.get(name)
    spec, wrong = _spec(add, name, registry, config, environment)
    if table is None:
        _check_own_settings(add, name, registry, config, environment)
    written = refs_in(table or {})
    refs = written
    if spec is not None:
        left = [ref for ref in written if ref[1][0] in wrong]
        refs = [*refs_of(_example(spec, registry)), *left]
    parts = check_parts(add, name, refs, registry, environment)
    if "transforms" in wrong:  # then nobody knows the columns behind them
        parts.append(Part(name, "transform", PluginRef("", {}), ("transforms",)))
    for part in parts:
        if part.usable:
            check_programs(add, part, environment)
    if table is not None:
        _check_secrets(add, name, table, parts)
        if spec is None or "checks" in wrong:
            _check_checks(add, name, table.get("checks"))
    if spec is not None:
        _check_metadata(add, spec)
        check_fit(add, name, spec, parts, registry)
    _check_page(add, name, registry)
    return parts


def _spec(
    add: Add,
    name: str,
    registry: Registry,
    config: Config,
    environment: Mapping[str, str],
) -> tuple[PipelineSpec | None, Set[str]]:
    """Return the pipeline of a report, without the settings that are wrong, and these.

    There is no pipeline if the other settings are not enough for one.
    """
    try:
        return compose_report(name, registry, config, environment=environment), set()
    except SettingsError as error:
        add_error(add, error)
        wrong = {problem.path[0] for problem in error.problems if problem.path}
    except ReportingError as error:
        add_error(add, error)
        return None, set()
    table = config.tables.get(name)
    if table is None or not wrong:
        return None, wrong
    config = config._replace(
        tables={name: {key: table[key] for key in table if key not in wrong}}
    )
    environment = {
        key: value
        for key, value in environment.items()
        if not any(key.startswith(variable(name, (setting,))) for setting in wrong)
    }
    try:
        return compose_report(name, registry, config, environment=environment), wrong
    except ReportingError:
        return None, wrong


def _check_checks(add: Add, name: str, items: Any) -> None:
    """Check the settings of each check of a report of which another part is wrong."""
    from reporting_framework.checks.catalog import (
        check_of,
    )  # other reports do not need it

    for path, ref in checks_in(items):
        try:
            check_of(name, ref, None)
        except SettingsError as error:
            add_error(add, error, path)


def _example(spec: PipelineSpec, registry: Registry) -> PipelineSpec:
    """Return the pipeline of an example stream, if the source may have streams."""
    try:
        source = registry.find("source", spec.source.name)
    except ReportingError:
        return spec
    if spec.stream is None and supports(source, "streams"):
        return spec.of_stream(EXAMPLE_STREAM)
    return spec


def _check_own_settings(
    add: Add,
    name: str,
    registry: Registry,
    config: Config,
    environment: Mapping[str, str],
) -> None:
    """Check the texts among the settings of an installed report."""
    _, given = config.table_of(name)
    with suppress(ReportingError):
        model = resolve_report(name, registry).Settings
        check_plain_secrets(add, name, given, model)
    check_references(add, name, given, environment)


def _check_secrets(
    add: Add, name: str, table: Mapping[str, Any], parts: Sequence[Part]
) -> None:
    """Warn about secrets in the table of a report."""
    for part in parts:
        model = part.plugin.Settings if part.plugin is not None else None
        check_plain_secrets(add, name, part.use.settings, model, part.path)
    heads = {part.path[0] for part in parts}
    rest = {key: value for key, value in table.items() if key not in heads}
    check_plain_secrets(add, name, rest, None)


def _check_page(add: Add, name: str, registry: Registry) -> None:
    """Check that the page that a report names can be used."""
    with suppress(ReportingError):  # a report that cannot be used has its own problem
        page = getattr(resolve_report(name, registry), "page", None)
        if page:
            try:
                registry.find("page", page)
            except ReportingError as error:
                add("error", ("page",), f"report {name}: page: {error}")


def _check_metadata(add: Add, spec: PipelineSpec) -> None:
    if spec.metadata is not None:
        try:
            parse_location(spec.metadata)
        except ReportingError as error:
            add_error(add, error, ("metadata",))
