"""Commands that plugins add to ``reporting``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import cause, one_line
from reporting_framework.registry.discovery import PluginOrigin
from reporting_framework.registry.plugin_info import PluginInfo
from reporting_framework.registry.registered import checked_list

if TYPE_CHECKING:
    import click
    import pluggy


def plugin_commands(
    manager: pluggy.PluginManager,
    origins: Mapping[str, PluginOrigin],
    taken: Collection[str],
) -> tuple[list[click.Command], list[PluginInfo]]:
    """Return the usable commands of plugins, and a row for each command.

    Args:
        manager: The loaded plugins.
        origins: Origins of the plugins, by their names in the manager.
        taken: Names of the existing commands.
    """
    import click

    names, usable, rows = set(taken), list[click.Command](), list[PluginInfo]()
    for origin, item, reason in _offered(manager, origins):
        is_command = isinstance(item, click.Command)
        name = str((is_command and item.name) or origin.plugin)
        if not reason and not is_command:
            reason = (
                f"reporting_commands returned {one_line(repr(item), 80)}, which is not"
                " a click command"
            )
        elif not reason and name in names:
            reason = f"there is a command {name} already"
        row = PluginInfo(name, "command", origin.distribution, origin.version)
        rows.append(row._replace(status="broken", reason=reason) if reason else row)
        if not reason:
            names.add(name)
            usable.append(item)
    return usable, rows


def _offered(
    manager: pluggy.PluginManager, origins: Mapping[str, PluginOrigin]
) -> Iterator[tuple[PluginOrigin, Any, str]]:
    """Yield each command of a plugin; if its hook fails, `None` and the reason."""
    for hookimpl in manager.hook.reporting_commands.get_hookimpls():
        origin = origins.get(
            hookimpl.plugin_name, PluginOrigin(hookimpl.plugin_name, "", "")
        )
        try:
            offered = list(checked_list(hookimpl.function(), "reporting_commands"))
        except (Exception, SystemExit) as error:
            yield origin, None, cause(error)
        else:
            yield from ((origin, command, "") for command in offered)
