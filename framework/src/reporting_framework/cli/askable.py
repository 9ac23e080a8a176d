"""Lists of the queries and pages that a report's table supports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import click

from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.failures import escape_control_chars, write
from reporting_framework.cli.installed import none_of, registered
from reporting_framework.errors import PluginError, ReportingError

if TYPE_CHECKING:
    from reporting_framework.registry.plugin_info import PluginInfo
    from reporting_framework.registry.registry import Registry


def print_askable(
    context: click.Context,
    role: str,
    heads: Sequence[str],
    cells: Callable[[PluginInfo], Sequence[str]],
) -> None:
    """Print the queries or pages, each with the reason if the table lacks columns.

    Args:
        context: Context of the command; the command's name is the report's name.
        role: ``query`` or ``page``.
        heads: Column heads.
        cells: Creates the cells of a row.
    """
    from reporting_framework.cli.tables import listing

    state = state_of(context)
    if not (plugins := registered(state.registry, role)):
        write(none_of(state.registry, role))
        return
    try:
        columns = _columns(str(context.info_name), state)
    except PluginError as error:
        write(escape_control_chars(str(error)))
        return
    obstacles = [_obstacle(row, columns, state.registry) for row in plugins]
    rows = [list(cells(row)) for row in plugins]
    if any(obstacles):
        heads = [*heads, "not for this table"]
        rows = [[*row, why] for row, why in zip(rows, obstacles, strict=True)]
    write(listing(heads, rows))


def _columns(report: str, state: CliContext) -> Collection[str] | None:
    """Return the columns of a report's table.

    `None` if the columns are not known, for example because a setting is missing.

    Raises:
        PluginError: The report has no table, or a plugin cannot be used.
    """
    from reporting_framework.query.run_query import planned_columns

    try:
        composition = state.pipeline_spec(report, {}, ())
        return planned_columns(report, composition, state.registry)
    except PluginError:
        raise
    except ReportingError:
        return None


def _obstacle(
    row: PluginInfo, columns: Collection[str] | None, registry: Registry
) -> str:
    """Return why a query or page does not fit these columns; empty if it does."""
    if columns is None:
        return ""
    try:
        needed = registry.find(row.role, row.name).required_columns
    except PluginError as error:
        return f"({error})"
    missing = sorted(needed - set(columns))
    return f"needs {', '.join(missing)}" if missing else ""
