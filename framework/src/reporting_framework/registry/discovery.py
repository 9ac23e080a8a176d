"""Discovery of the installed plugins, and checks before they are loaded."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework._text.messages import cause, did_you_mean, one_line
from reporting_framework.errors import PluginError
from reporting_framework.plugin_api import hookspecs
from reporting_framework.plugin_api.markers import API_VERSION, PROJECT

if TYPE_CHECKING:
    import pluggy

_FIELD = re.compile(r"^(Name|Version): *(\S+)", re.MULTILINE)

FRAMEWORK = "reporting-framework"
"""The framework's own distribution."""

_OWN = "reporting_framework.builtin.plugin"
"""The framework's own plugin: always allowed."""


class PluginOrigin(NamedTuple):
    """Origin of a plugin.

    Attributes:
        plugin: Name of its entry point.
        distribution: Name of the installed distribution.
        version: Version of the distribution.
    """

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()


def normalised(distribution: str) -> str:
    """Return a distribution's name in the normalised form of PEP 503."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def allow_list(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the distributions that ``REPORTING_PLUGINS`` allows.

    Returns `None` if the variable is not set, so that all are allowed. An empty value
    allows only the framework's own plugins.
    """
    text = environment.get("REPORTING_PLUGINS")
    return (
        None
        if text is None
        else tuple(name.strip() for name in text.split(",") if name.strip())
    )


def is_own(point: importlib.metadata.EntryPoint) -> bool:
    """Return whether an entry point is in the framework's own code.

    The name of its distribution does not matter.
    """
    return point.value == _OWN


def installed() -> list[tuple[importlib.metadata.EntryPoint, PluginOrigin]]:
    """Return every entry point of the group with its origin, in a fixed order.

    Nothing is imported.
    """
    points: dict[
        tuple[str, str, str], tuple[importlib.metadata.EntryPoint, PluginOrigin]
    ] = {}
    for point in _entry_points():
        origin = _origin(point)
        points.setdefault(
            (normalised(origin.distribution), point.name, point.value), (point, origin)
        )
    return [pair for _, pair in sorted(points.items())]


def false_names(
    entry_points: Iterable[tuple[importlib.metadata.EntryPoint, PluginOrigin]],
) -> dict[str, str]:
    """Return the normalised names that several distributions claim, with the reasons.

    The metadata of one distribution may be found twice (a source tree and its
    installation), with the same entry points. If the entry points differ, it is another
    distribution. Only the framework's own code may have the framework's name.
    """
    wrong: dict[str, str] = {}
    claims: dict[str, dict[str, set[tuple[str, str]]]] = {}
    for point, origin in entry_points:
        if is_own(point):
            continue
        name, folder = (
            normalised(origin.distribution),
            str(getattr(point.dist, "_path", "")),
        )
        stem = os.path.basename(folder).removesuffix(".dist-info")
        claims.setdefault(name, {}).setdefault(folder, set()).add(
            (point.name, point.value)
        )
        if name == FRAMEWORK:
            wrong[name] = f"{folder} claims the name of the framework"
        elif folder.endswith(".dist-info") and name not in (
            "unknown",
            normalised(stem.partition("-")[0]),
        ):
            wrong[name] = f"{folder} claims the name {name}"
    for name, folders in claims.items():
        if len({frozenset(points) for points in folders.values()}) > 1:
            wrong[name] = (
                f"several distributions have the name {name}:"
                f" {', '.join(sorted(folders))}"
            )
    return wrong


def _entry_points() -> Iterator[importlib.metadata.EntryPoint]:
    """Yield the entry points of the group, of every distribution on the path.

    All distributions with the same name are included. Damaged metadata of one
    distribution, of any kind, must not hide the others.
    """
    for distribution in importlib.metadata.distributions():
        with suppress(Exception):
            yield from (
                point for point in distribution.entry_points if point.group == PROJECT
            )


def _origin(point: importlib.metadata.EntryPoint) -> PluginOrigin:
    try:
        text = (point.dist and point.dist.read_text("METADATA")) or ""
        # Parsing all of it, the description too, would cost a millisecond for each
        # plugin at every start.
        metadata = dict(_FIELD.findall(text.partition("\n\n")[0]))
        return PluginOrigin(
            point.name, metadata.get("Name", "unknown"), metadata.get("Version", "")
        )
    except Exception:  # damaged metadata must not keep the other plugins from loading
        return PluginOrigin(point.name, "unknown", "")


def check_version(plugin: object, origin: PluginOrigin) -> None:
    """Refuse a plugin that was written for another version of the plugin API.

    A plugin without a version is for version 1.

    Raises:
        PluginError: It is for another version, or its version is invalid.
    """
    stated = getattr(plugin, "REPORTING_API", 1)
    shown = one_line(repr(stated), 80)
    if type(stated) is not int:  # True is no version
        raise PluginError(
            f"its REPORTING_API is {shown}, not an int, and {FRAMEWORK} has plugin API"
            f" version {API_VERSION}; upgrade {origin.distribution}"
        )
    if stated != API_VERSION:
        older = FRAMEWORK if stated > API_VERSION else origin.distribution
        raise PluginError(
            f"it is for plugin API version {shown}, and {FRAMEWORK} has version"
            f" {API_VERSION}; upgrade {older}"
        )


def register_plugin(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    """Register a plugin and check its hooks.

    If this fails, the plugin is removed from the manager.

    Raises:
        PluginError: The plugin or one of its hooks is invalid.
    """
    try:
        manager.register(plugin, name)
    except Exception as error:
        raise PluginError(cause(error)) from error
    if wrong := _problem(manager, plugin):
        manager.unregister(plugin)
        raise PluginError(wrong)


def _problem(manager: pluggy.PluginManager, plugin: object) -> str | None:
    """Return a problem that pluggy accepts, or `None`.

    Problems are misspelt hooks, wrappers, and a plugin without any hook.
    """
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        hookimpls = [
            hookimpl for hookimpl in caller.get_hookimpls() if hookimpl.plugin is plugin
        ]
        if not caller.has_spec() and not all(
            hookimpl.optionalhook for hookimpl in hookimpls
        ):
            return (
                "there is no hook"
                f" {caller.name}{did_you_mean(caller.name, hook_names())}"
            )
        if any(hookimpl.wrapper or hookimpl.hookwrapper for hookimpl in hookimpls):
            return (
                f"{caller.name} may not be a wrapper: implement it as a plain function"
            )
    if not callers:
        return "it implements no hook: mark its functions with @hookimpl"
    return None


def hook_names() -> list[str]:
    """Return the names of all hooks."""
    return [name for name in vars(hookspecs) if name.startswith("reporting_")]
