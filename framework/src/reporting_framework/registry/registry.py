"""The registry of what the installed plugins bring, by role and name.

It gives honest answers about what cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pluggy

from reporting_framework._text.messages import cause, did_you_mean, one_line
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api import hookspecs
from reporting_framework.plugin_api.markers import PROJECT, LazyPlugin
from reporting_framework.registry.class_checks import check_class
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

if TYPE_CHECKING:
    import click

    from reporting_framework.config.file import Config

ROLES = (
    "source",
    "validator",
    "transform",
    "sink",
    "engine",
    "query",
    "page",
    "report",
)
"""What a plugin can bring; `role_hook` is the hook of each."""

MAX_HINTS = 4
"""Plugins that were not loaded, named where one is not found."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PluginInfo(NamedTuple):
    """A row of ``reporting plugins``.

    Attributes:
        name: The name to select it by; for a plugin that was not loaded, its entry
            point's.
        role: One of `ROLES`, ``command``, ``observer``, or ``plugin`` where nothing
            more is known.
        distribution: The distribution that brings it.
        version: Version of the distribution.
        status: ``registered``; ``loaded`` once `Registry.check` has imported it;
            ``blocked`` by the allow-list; ``broken``.
        reason: Why it cannot be used, on one line.
        summary: What it is, on one line.
    """

    name: str
    role: str
    distribution: str
    version: str
    status: Literal["registered", "loaded", "blocked", "broken"] = "registered"
    reason: str = ""
    summary: str = ""


class _Registered(NamedTuple):
    """One thing that a plugin brings."""

    role: str
    name: str
    item: Any
    origin: PluginOrigin

    def listed(self) -> PluginInfo:
        try:
            summary = getattr(self.item, "summary", None)
            if summary is None:
                summary = (
                    (getattr(self.item, "__doc__", None) or "")
                    .strip()
                    .partition("\n")[0]
                )
        except Exception as error:  # a property of the plugin's own
            summary = f"(its summary raised {type(error).__name__})"
        return PluginInfo(
            self.name,
            self.role,
            self.origin.distribution,
            self.origin.version,
            summary=one_line(str(summary)),
        )


class Registry:
    """What the installed plugins bring.

    Made afresh by `load_plugins`; there is no global one.

    Attributes:
        uninstalled: Names on the allow-list that no installed plugin has.
    """

    def __init__(self) -> None:
        self.uninstalled: list[str] = []
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._registered: dict[tuple[str, str], list[_Registered]] = {}
        self._others: list[PluginInfo] = []
        self._commands: list[PluginInfo] = []
        self._origins: dict[str, PluginOrigin] = {}

    # -- asking ------------------------------------------------------------------------

    def find(self, role: str, name: str) -> Any:
        """Return the class registered under `name`.

        For a report that is composed in a file, it is the object.

        Raises:
            PluginError: There is none of that name, there are two, or its import fails.
        """
        return _resolved(self._single(role, name))

    def origin(self, role: str, name: str) -> PluginOrigin:
        """Which distribution brings what is registered under `name`.

        Nothing is imported.

        Raises:
            PluginError: There is none of that name, or there are two.
        """
        return self._single(role, name).origin

    def _single(self, role: str, name: str) -> _Registered:
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
        """Names of a role, sorted."""
        return sorted(name for item_role, name in self._registered if item_role == role)

    @property
    def packages(self) -> list[str]:
        """Top-level packages of the loaded plugins: the roots of their loggers."""
        names = [
            getattr(plugin, "__name__", "") for plugin in self._manager.get_plugins()
        ]
        return sorted({name.partition(".")[0] for name in names if name})

    @property
    def listing(self) -> list[PluginInfo]:
        """Everything that is installed, usable or not.

        Commands as far as `commands` was asked for them.
        """
        rows = [*self._others, *self._commands]
        for registered in self._registered.values():
            for item in registered:
                takers = ", ".join(
                    str(other.origin) for other in registered if other is not item
                )
                row = item.listed()
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

        What cannot be imported is ``broken``, the rest ``loaded``.
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

    def lifecycle(self) -> Lifecycle:
        """What calls the observers of one run."""
        return Lifecycle(self._manager)

    def commands(self, taken: Collection[str] = ()) -> list[click.Command]:
        """Commands that plugins add to ``reporting``.

        A command that cannot be had, or whose name is taken, is left out and listed as
        broken.

        Args:
            taken: Names of the commands that are there already.
        """
        names, offered_commands = set(taken), []
        self._commands = []
        import click

        for origin, item, reason in self._offered():
            is_command = isinstance(item, click.Command)
            name = str((is_command and item.name) or origin.plugin)
            if not reason and not is_command:
                reason = (
                    f"reporting_commands returned {one_line(repr(item), 80)}, which is"
                    " not a click command"
                )
            elif not reason and name in names:
                reason = f"there is a command {name} already"
            row = PluginInfo(name, "command", origin.distribution, origin.version)
            self._commands.append(
                row._replace(status="broken", reason=reason) if reason else row
            )
            if not reason:
                names.add(name)
                offered_commands.append(item)
        return offered_commands

    def _offered(self) -> Iterator[tuple[PluginOrigin, Any, str]]:
        """Yield each command that a plugin offers.

        Where it has none to offer, this is None and the reason why.
        """
        for hookimpl in self._manager.hook.reporting_commands.get_hookimpls():
            origin = self._origins.get(
                hookimpl.plugin_name, PluginOrigin(hookimpl.plugin_name, "", "")
            )
            try:
                offered = list(_checked(hookimpl.function(), "reporting_commands"))
            except (Exception, SystemExit) as error:
                yield origin, None, cause(error)
            else:
                yield from ((origin, command, "") for command in offered)

    # -- adding ------------------------------------------------------------------------

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add an observer of the caller's own, such as a progress bar.

        Raises:
            PluginError: It has a hook that there is not, or none at all.
        """
        register_plugin(
            self._manager, plugin, name or f"{type(plugin).__name__}-{id(plugin):x}"
        )

    def add_reports(self, config: Config) -> None:
        """Add the reports that a configuration file composes."""
        if config.composed:
            origin = PluginOrigin("reports", config.name, "")
            for report in config.composed.values():
                self._add(_Registered("report", report.name, report, origin))

    def _load(self, plugin: object, origin: PluginOrigin) -> None:
        """Register a plugin and take what it brings: all of it, or nothing.

        Raises:
            PluginError: What is wrong with it.
        """
        name = f"{origin.distribution}:{origin.plugin}"
        check_version(plugin, origin)  # before its hooks, some of which may be gone
        register_plugin(self._manager, plugin, name)
        try:
            registered = [
                item
                for role in ROLES
                for item in self._plugins_of(plugin, role, origin)
            ]
        except BaseException:
            self._manager.unregister(plugin)
            raise
        self._origins[name] = origin
        for item in registered:
            self._add(item)
        hooks = {caller.name for caller in self._manager.get_hookcallers(plugin) or ()}
        if hooks & set(LIFECYCLE_HOOKS):
            summary = (
                (getattr(plugin, "__doc__", None) or "").strip().partition("\n")[0]
            )
            self._add_info(origin, "observer", summary=one_line(summary))
        elif not registered and "reporting_commands" not in hooks:
            self._add_info(origin, "plugin", summary="brings nothing")

    def _plugins_of(
        self, plugin: object, role: str, origin: PluginOrigin
    ) -> Iterator[_Registered]:
        hook = role_hook(role)
        for hookimpl in getattr(self._manager.hook, hook).get_hookimpls():
            if hookimpl.plugin is plugin:
                try:
                    items = hookimpl.function()
                except (Exception, SystemExit) as error:
                    raise PluginError(f"{hook} raised {cause(error)}") from error
                yield from (
                    _Registered(role, _name_of(item, hook), item, origin)
                    for item in _checked(items, hook)
                )

    def _add(self, registered: _Registered) -> None:
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
        kept = [
            (
                f"{row.name} of {row.distribution} is {row.status}"
                if row.version
                else f"{row.name} is {row.reason}"
            )
            for row in sorted(self._others, key=lambda row: row.status != "broken")
            if row.status != "registered"
        ]
        more = f" and {len(kept) - MAX_HINTS} more" if len(kept) > MAX_HINTS else ""
        hint = (
            f"; not loaded: {', '.join(kept[:MAX_HINTS])}{more} (see: reporting"
            " plugins)"
            if kept
            else ""
        )
        return (
            f"there is no {role}"
            f" {one_line(name, 80)!r}{did_you_mean(name, known)}{hint}{listed}"
        )


def load_plugins(allowed: Sequence[str] | None = None) -> Registry:
    """Load every installed plugin that is allowed.

    One that cannot be loaded is listed with its cause, harming nobody.

    Args:
        allowed: Names of the distributions to load (`discovery.allow_list`), or None
            for all. What is not on the list is not imported; the framework's own
            plugins always are.
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


def role_hook(role: str) -> str:
    """Name of the hook by which plugins bring what they have of a role."""
    return f"reporting_{plural(role)}"


def plural(role: str) -> str:
    """The role's word for several."""
    return "queries" if role == "query" else f"{role}s"


def _checked(items: Any, hook: str) -> Sequence[Any]:
    """What a registration hook returned, if it is a list of things; None is none."""
    if items is None:
        return ()
    if not isinstance(items, Sequence) or isinstance(items, str | Mapping):
        raise PluginError(
            f"{hook} returned {type(items).__name__}, not a list of classes"
        )
    return items


def _name_of(item: Any, hook: str) -> str:
    name = getattr(item, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(
            f"{hook} returned {one_line(repr(item), 80)} whose name is"
            f" {one_line(repr(name), 80)}; a name is made of letters, digits, dots,"
            " hyphens and underscores"
        )
    return name


def _resolved(registered: _Registered) -> Any:
    """The class itself, imported if it is lazy."""
    where = f"the {registered.role} {registered.name} of {registered.origin}"
    loaded = registered.item
    if isinstance(loaded, LazyPlugin):
        try:
            loaded = loaded.load()
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{where} cannot be imported from {registered.item.target}:"
                f" {cause(error)}"
            ) from error
        if getattr(loaded, "name", None) != registered.name:
            raise PluginError(
                f"{where} is registered as {registered.name}, but"
                f" {registered.item.target} has another name"
            )
    if isinstance(loaded, type) or registered.role != "report":
        check_class(loaded, registered.role, where)
    return loaded
