"""Plugins that are installed and usable, and warnings of those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reporting_framework._text.messages import did_you_mean, redacted
from reporting_framework.cli.standard_streams import escape_control_chars

if TYPE_CHECKING:
    from reporting_framework.registry.plugin_info import PluginInfo
    from reporting_framework.registry.registry import Registry


def registered(registry: Registry, role: str) -> list[PluginInfo]:
    """Return the usable plugins of a role, for a list.

    Warn on stderr about names on the allow-list that are not installed.
    """
    warn_of_uninstalled(registry)
    return [
        row
        for row in registry.listing
        if row.role == role and row.status == "registered"
    ]


def warn_of_uninstalled(registry: Registry) -> None:
    """Print a warning for each name on the allow-list that is not installed."""
    if not registry.uninstalled:
        return
    blocked = {row.distribution for row in registry.listing if row.status == "blocked"}
    for name in registry.uninstalled:
        near = did_you_mean(name, sorted(blocked)) or ";"
        text = (
            f"warning: REPORTING_PLUGINS names {name}, which is not installed{near} the"
            f" list blocks every package that it does not name, {len(blocked)} of the"
            " installed ones (see: reporting plugins)"
        )
        click.echo(escape_control_chars(redacted(text)), err=True)


def none_of(registry: Registry, role: str) -> str:
    """Say that no plugin of a role is usable, and why if plugins are blocked."""
    if any(row.status in ("blocked", "broken") for row in registry.listing):
        return (
            f"no usable plugin provides a {role}; some plugins are blocked or broken"
            " (see: reporting plugins)"
        )
    return f"no installed plugin provides a {role}"
