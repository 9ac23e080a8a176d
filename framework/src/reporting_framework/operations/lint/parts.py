"""Plugins of a report: whether they exist, and whether they accept their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import ReportingError, SettingsError
from reporting_framework.execution.plugin_building import settings_of
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.operations.lint.problem import Add, Path, add_error
from reporting_framework.operations.lint.values import check_references, texts
from reporting_framework.plugin_api.report import CheckRef, PluginRef

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.registry import Registry

_ROLES = {"source": "source", "validator": "validator", "engine": "engine"}
_LISTS = {"transforms": "transform", "sinks": "sink"}


class Part(NamedTuple):
    """Plugin of a report that is not built, since building may open connections.

    Attributes:
        report: Name of the report.
        role: Role of the plugin.
        use: Its name and settings as given.
        path: Path of the plugin in the table of the report.
        plugin: Class of the plugin; None if it cannot be used.
        settings: Validated settings; None if they are invalid.
    """

    report: str
    role: str
    use: PluginRef
    path: Path
    plugin: Any = None
    settings: Any = None

    @property
    def owner(self) -> Owner:
        """Names of the part in messages."""
        return Owner(self.report, self.role, self.use.name)

    @property
    def usable(self) -> bool:
        """True if there is such a plugin, and it accepts its settings."""
        return self.plugin is not None and self.settings is not None

    def declared(self) -> Any:
        """Return the plugin with its settings, without calling its constructor.

        Only attributes of the class, and properties of the settings, can be read.
        """
        plugin = self.plugin.__new__(self.plugin)
        plugin.settings = self.settings
        return plugin

    def add_error(self, add: Add, error: ReportingError) -> None:
        """Add the problems of an error that the part raised.

        An error without a path concerns the setting whose value it shows.
        """
        if isinstance(error, SettingsError) and any(
            problem.path for problem in error.problems
        ):
            add_error(add, error, self.path)
            return
        message = str(error).removesuffix("; see the log for where")
        shown = next(
            (
                path
                for path, text in texts(self.use.settings)
                if text and text in message
            ),
            (),
        )
        add("error", (*self.path, *shown), message)


def refs_of(spec: PipelineSpec) -> list[tuple[str, Path, PluginRef]]:
    """Return role, path and reference of each plugin of a specification."""
    return [
        ("source", ("source",), spec.source),
        ("validator", ("validator",), spec.validator),
        *(
            ("transform", ("transforms", str(number)), use)
            for number, use in enumerate(spec.transforms)
        ),
        *(
            ("sink", ("sinks", str(number)), use)
            for number, use in enumerate(spec.sinks)
        ),
        ("engine", ("engine",), spec.engine),
    ]


def refs_in(table: Mapping[str, Any]) -> list[tuple[str, Path, PluginRef]]:
    """Return the plugins that a table names, even if it is no valid report."""
    found: list[tuple[str, Path, Any]] = [
        (role, (key,), table.get(key)) for key, role in _ROLES.items()
    ]
    for key, role in _LISTS.items():
        items = table.get(key)
        if isinstance(items, list):
            found += [
                (role, (key, str(number)), item) for number, item in enumerate(items)
            ]
    return [
        (role, path, PluginRef(item["use"], _without("use", item)))
        for role, path, item in found
        if isinstance(item, Mapping) and isinstance(item.get("use"), str)
    ]


def checks_in(items: Any) -> list[tuple[Path, CheckRef]]:
    """Return the checks that a list names, even if some of its items are wrong."""
    return [
        (("checks", str(number)), CheckRef(item["check"], _without("check", item)))
        for number, item in enumerate(items if isinstance(items, list) else ())
        if isinstance(item, Mapping) and isinstance(item.get("check"), str)
    ]


def _without(key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != key}


def check_parts(
    add: Add,
    report: str,
    refs: Sequence[tuple[str, Path, PluginRef]],
    registry: Registry,
    environment: Mapping[str, str],
) -> list[Part]:
    """Check that each plugin can be used with its settings.

    Args:
        add: Adds a problem.
        report: Name of the report.
        refs: Role, path and reference of each plugin.
        registry: The plugins.
        environment: The environment variables.
    """
    return [
        _checked(add, Part(report, role, use, path), registry, environment)
        for role, path, use in refs
    ]


def _settings(add: Add, part: Part, plugin: Any) -> Any:
    """Return the settings of a part, without those that are wrong.

    Returns `None` if the other settings are not enough.
    """

    def validated(use: PluginRef) -> Any:
        return call(part.owner, settings_of, part.report, part.role, use, plugin)

    try:
        return validated(part.use)
    except ReportingError as error:
        part.add_error(add, error)
        problems = error.problems if isinstance(error, SettingsError) else ()
    wrong = {problem.path[0] for problem in problems if problem.path}
    given = part.use.settings
    rest = {name: value for name, value in given.items() if name not in wrong}
    if len(rest) == len(given):
        return None
    try:
        return validated(part.use._replace(settings=rest))
    except ReportingError:
        return None


def _checked(
    add: Add, part: Part, registry: Registry, environment: Mapping[str, str]
) -> Part:
    check_references(add, part.report, part.use.settings, environment, part.path)
    try:
        plugin = registry.find(part.role, part.use.name)
    except ReportingError as error:
        add_error(add, error, (*part.path, "use"))
        return part
    settings = _settings(add, part, plugin)
    if settings is None:
        return part._replace(plugin=plugin)
    try:
        call(part.owner, plugin.aws_permissions, settings)  # reads all locations
    except ReportingError as error:
        part.add_error(add, error)
        return part._replace(plugin=plugin)
    return part._replace(plugin=plugin, settings=settings)
