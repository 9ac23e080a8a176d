"""Registry of the installed plugins, by role and name.

Plugins that cannot be used are listed with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from reporting_framework._text.messages import cause, did_you_mean, one_line
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api import hookspecs
from reporting_framework.plugin_api.markers import PROJECT
from reporting_framework.registry.discovery import (
    PluginOrigin,
    check_version,
    false_names,
    installed,
    is_own,
    normalised,
    register_plugin,
)
from reporting_framework.registry.observers import LIFECYCLE_HOOKS, Lifecycle
from reporting_framework.registry.plugin_info import ROLES, PluginInfo, doc_line
from reporting_framework.registry.registered import Registered, registered_by

if TYPE_CHECKING:
    import click

    from reporting_framework.config.file import Config
    from reporting_framework.plugin_api.metadata import FirstReads
    from reporting_framework.plugin_api.observer import PageMaker

_PAGES = {
    "table-overview": "reporting-pages",
    "monthly-visits": "reporting-event-log-checkpoint[pages]",
}
"""Packages that bring the pages which the manual names."""

MAX_HINTS = 4
"""Maximum number of plugins that were not loaded in the message about a missing one."""


class Registry:
    """Registry of the installed plugins.

    `load_plugins` returns a new registry; there is no global one.

    Attributes:
        uninstalled: Names on the allow-list that no installed plugin has.
    """

    def __init__(self) -> None:
        self.uninstalled: list[str] = []
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._registered: dict[tuple[str, str], list[Registered]] = {}
        self._others: list[PluginInfo] = []
        self._commands: list[PluginInfo] = []
        self._origins: dict[str, PluginOrigin] = {}
        self._observers: tuple[Mapping[str, Mapping[str, Any]], str] = ({}, "")

    # -- asking ------------------------------------------------------------------------

    def find(self, role: str, name: str) -> Any:
        """Return the class registered under `name`.

        For a report that is composed in a file, this is the report object.

        Raises:
            PluginError: No plugin or several plugins have this name, or the import
                fails.
        """
        return self._single(role, name).resolve()

    def origin(self, role: str, name: str) -> PluginOrigin:
        """Return the origin of the plugin that is registered under `name`.

        Nothing is imported.

        Raises:
            PluginError: No plugin or several plugins have this name.
        """
        return self._single(role, name).origin

    def first_reads(
        self, role: str, name: str, settings: Mapping[str, Any]
    ) -> FirstReads:
        """Return what a plugin with these settings reads first, as far as it says so.

        Its class is not imported.

        Raises:
            PluginError: No plugin or several plugins have this name.
            ValueError: The settings are invalid.
        """
        from reporting_framework.plugin_api.metadata import (
            FirstReads,
        )  # only runs need it

        early = self._single(role, name).early()
        return FirstReads() if early is None else early(settings)

    def _single(self, role: str, name: str) -> Registered:
        registered = self._registered.get((role, name), [])
        if not registered:
            raise PluginError(self._unknown(role, name))
        if len(registered) > 1:
            raise PluginError(
                f"two plugins bring the {role} {name}:"
                f" {' and '.join(str(item.origin) for item in registered)}; uninstall"
                " one or leave it out of REPORTING_PLUGINS"
            )
        return registered[0]

    def names(self, role: str) -> list[str]:
        """Return the names of a role's plugins, sorted."""
        return sorted(name for item_role, name in self._registered if item_role == role)

    @property
    def packages(self) -> list[str]:
        """Return the loaded plugins' top-level packages: roots of their loggers."""
        names = [
            getattr(plugin, "__name__", "") for plugin in self._manager.get_plugins()
        ]
        return sorted({name.partition(".")[0] for name in names if name})

    @property
    def observer_settings(self) -> Mapping[str, str | None]:
        """Names of loaded plugins, with the model of their table in the file.

        A model is a reference such as ``package.module:Class``, which the plugin's
        module declares as ``REPORTING_SETTINGS``; `None`: it declares none.
        """
        return {
            name.rpartition(":")[2]: getattr(plugin, "REPORTING_SETTINGS", None)
            for name, plugin in self._manager.list_name_plugin()
        }

    @property
    def variables(self) -> frozenset[str]:
        """Environment variables that plugins read, as their modules declare them."""
        declared = (
            getattr(plugin, "REPORTING_VARIABLES", ())
            for plugin in self._manager.get_plugins()
        )
        return frozenset(
            name
            for names in declared
            if isinstance(names, list | tuple | set | frozenset)
            for name in names
        )

    @property
    def listing(self) -> list[PluginInfo]:
        """All installed plugins, usable or not.

        Commands are included only after a call of `commands`.
        """
        rows = [*self._others, *self._commands]
        for registered in self._registered.values():
            for item in registered:
                takers = ", ".join(
                    str(other.origin) for other in registered if other is not item
                )
                row = item.info()
                rows.append(
                    row._replace(status="broken", reason=f"{takers} has the same name")
                    if takers
                    else row
                )
        order = {
            role: number
            for number, role in enumerate(
                ("report", *ROLES, "command", "observer", "plugin")
            )
        }
        return sorted(
            rows, key=lambda row: (order[row.role], row.name, row.distribution)
        )

    def check(self) -> list[PluginInfo]:
        """Import everything and return the listing.

        A plugin that cannot be imported is ``broken``, all others are ``loaded``.
        """
        return [
            self._imported(row) if row.status == "registered" else row
            for row in self.listing
        ]

    def _imported(self, row: PluginInfo) -> PluginInfo:
        if row.role in ROLES:
            try:
                self.find(row.role, row.name)
            except PluginError as error:
                return row._replace(status="broken", reason=one_line(str(error)))
        return row._replace(status="loaded")

    def lifecycle(self, page: PageMaker | None = None) -> Lifecycle:
        """Return the caller of the observers of one run.

        Args:
            page: Function that makes a page of the report.
        """
        return Lifecycle(self._manager, *self._observers, page)

    def commands(self, taken: Collection[str] = ()) -> list[click.Command]:
        """Return the commands that plugins add to ``reporting``.

        A command that cannot be loaded, or whose name is taken, is left out and listed
        as broken.

        Args:
            taken: Names of the existing commands.
        """
        from reporting_framework.registry.commands import (
            plugin_commands,
        )  # imported late: only the command `reporting` needs it

        usable, self._commands = plugin_commands(self._manager, self._origins, taken)
        return usable

    # -- adding ------------------------------------------------------------------------

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add an observer of the caller's own, such as a progress bar.

        Raises:
            PluginError: It has an unknown hook, or no hook.
        """
        register_plugin(
            self._manager, plugin, name or f"{type(plugin).__name__}-{id(plugin):x}"
        )

    def add_reports(self, config: Config) -> None:
        """Add the reports of a configuration file, and its settings of observers."""
        self._observers = (config.observers, config.name)
        if config.composed:
            origin = PluginOrigin("reports", config.name, "")
            for report in config.composed.values():
                self._add(Registered("report", report.name, report, origin))

    def _load(self, plugin: object, origin: PluginOrigin) -> None:
        """Register a plugin with all its classes, or nothing of it.

        Raises:
            PluginError: The plugin is invalid.
        """
        name = f"{origin.distribution}:{origin.plugin}"
        check_version(plugin, origin)  # before its hooks, some of which may be gone
        register_plugin(self._manager, plugin, name)
        try:
            registered = registered_by(self._manager, plugin, origin)
        except BaseException:
            self._manager.unregister(plugin)
            raise
        self._origins[name] = origin
        for item in registered:
            self._add(item)
        hooks = {caller.name for caller in self._manager.get_hookcallers(plugin) or ()}
        if hooks & set(LIFECYCLE_HOOKS):
            self._add_info(origin, "observer", summary=one_line(doc_line(plugin)))
        elif not registered and "reporting_commands" not in hooks:
            self._add_info(origin, "plugin", summary="brings nothing")

    def _add(self, registered: Registered) -> None:
        self._registered.setdefault((registered.role, registered.name), []).append(
            registered
        )

    def _add_info(
        self, origin: PluginOrigin, role: str = "plugin", **more: Any
    ) -> None:
        self._others.append(
            PluginInfo(origin.plugin, role, origin.distribution, origin.version, **more)
        )

    def _unknown(self, role: str, name: str) -> str:
        known = self.names(role)
        listed = f"; known: {', '.join(known)}" if known else ""

        def least_likely(row: PluginInfo) -> tuple[bool, bool]:
            return row.status != "broken", row.name != name

        kept = [
            (
                f"{row.name} of {row.distribution} is {row.status}"
                if row.version
                else f"{row.name} is {row.reason}"
            )
            for row in sorted(self._others, key=least_likely)
            if row.status != "registered"
        ]
        more = f" and {len(kept) - MAX_HINTS} more" if len(kept) > MAX_HINTS else ""
        hint = (
            f"; not loaded: {', '.join(kept[:MAX_HINTS])}{more} (see: reporting"
            " plugins)"
            if kept
            else ""
        )
        brought = _PAGES.get(name) if role == "page" else None
        source = f"; the package {brought} brings it" if brought else ""
        return (
            f"there is no {role}"
            f" {one_line(name, 80)!r}{did_you_mean(name, known)}{source}{hint}{listed}"
        )


def load_plugins(allowed: Sequence[str] | None = None) -> Registry:
    """Load every installed plugin that is allowed.

    A plugin that cannot be loaded is listed with the cause; it does not affect others.

    Args:
        allowed: Names of the distributions to load (`discovery.allow_list`), or `None`
            for all. Other distributions are not imported; the framework's own plugins
            always are.
    """
    registry = Registry()
    permitted = (
        None if allowed is None else {normalised(name): name for name in allowed}
    )
    missing = dict(permitted or {})
    points = installed()
    wrong = false_names(points)
    for point, origin in points:
        distribution, own = normalised(origin.distribution), is_own(point)
        missing.pop(distribution, None)
        if permitted is not None and distribution not in permitted and not own:
            registry._add_info(
                origin, status="blocked", reason="not in REPORTING_PLUGINS"
            )
            continue
        if not own and distribution in wrong:
            registry._add_info(
                origin,
                status="broken",
                reason=f"{wrong[distribution]}; uninstall what is not it",
            )
            continue
        try:
            registry._load(point.load(), origin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin does to end the process
            reason = str(error) if isinstance(error, PluginError) else cause(error)
            registry._add_info(origin, status="broken", reason=reason)
    for name in missing.values():
        reason = "in REPORTING_PLUGINS, but no such plugin is installed"
        registry._add_info(PluginOrigin(name, name, ""), status="broken", reason=reason)
        registry.uninstalled.append(name)
    return registry
