"""Classes that plugins register through hooks, each under a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import cause, one_line
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.markers import LazyPlugin
from reporting_framework.registry.class_checks import check_class
from reporting_framework.registry.plugin_info import (
    ROLES,
    PluginInfo,
    role_hook,
    summary_of,
)

if TYPE_CHECKING:
    import pluggy

    from reporting_framework.plugin_api.metadata import FirstReads
    from reporting_framework.registry.discovery import PluginOrigin

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Registered(NamedTuple):
    """Class, or lazy stand-in, that a plugin has registered."""

    role: str
    name: str
    item: Any
    origin: PluginOrigin

    def info(self) -> PluginInfo:
        """Return its row of ``reporting plugins``."""
        return PluginInfo(
            self.name,
            self.role,
            self.origin.distribution,
            self.origin.version,
            summary=summary_of(self.item),
        )

    def early(self) -> Callable[[Mapping[str, Any]], FirstReads] | None:
        """Return the function of `LazyPlugin.early`, `None` if there is none."""
        if not isinstance(self.item, LazyPlugin) or not self.item.early:
            return None
        early: Callable[[Mapping[str, Any]], FirstReads] = self.item.load_early()
        return early

    def resolve(self) -> Any:
        """Return the class itself, imported if it is lazy.

        Raises:
            PluginError: It cannot be imported, or is not of its role.
        """
        where = f"the {self.role} {self.name} of {self.origin}"
        loaded = self.item
        if isinstance(loaded, LazyPlugin):
            try:
                loaded = loaded.load()
            except (Exception, SystemExit) as error:
                raise PluginError(
                    f"{where} cannot be imported from {self.item.target}:"
                    f" {cause(error)}"
                ) from error
            if getattr(loaded, "name", None) != self.name:
                raise PluginError(
                    f"{where} is registered as {self.name}, but"
                    f" {self.item.target} has another name"
                )
        if isinstance(loaded, type) or self.role != "report":
            check_class(loaded, self.role, where)
        return loaded


def registered_by(
    manager: pluggy.PluginManager, plugin: object, origin: PluginOrigin
) -> list[Registered]:
    """Call the registration hooks of one plugin.

    Raises:
        PluginError: A hook raised, or returned anything other than a list of named
            classes.
    """
    registered = []
    for role in ROLES:
        hook = role_hook(role)
        for hookimpl in getattr(manager.hook, hook).get_hookimpls():
            if hookimpl.plugin is plugin:
                try:
                    items = hookimpl.function()
                except (Exception, SystemExit) as error:
                    raise PluginError(f"{hook} raised {cause(error)}") from error
                registered += [
                    Registered(role, _name_of(item, hook), item, origin)
                    for item in checked_list(items, hook)
                ]
    return registered


def checked_list(items: Any, hook: str) -> Sequence[Any]:
    """Return the items that a registration hook returned; `None` is an empty list."""
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
