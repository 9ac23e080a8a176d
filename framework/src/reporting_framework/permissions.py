"""What a report must be allowed to do in AWS: all that its plugins declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reporting_framework.interfaces import Permission, Permitted

if TYPE_CHECKING:
    from reporting_framework.interfaces import Composition
    from reporting_framework.plugins import Registry


def permissions_of(composition: Composition, registry: Registry) -> list[Permission]:
    """The permissions that the plugins of a composition declare, each once, in the order of data.

    Raises:
        PluginError: A plugin is unknown, broken or blocked.
    """
    uses = [
        ("source", composition.source),
        ("validator", composition.validator),
        *(("transform", use) for use in composition.transforms),
        *(("sink", use) for use in composition.sinks),
        ("engine", composition.engine),
    ]
    found: list[Permission] = []
    for role, use in uses:
        plugin = registry.find(role, use.name)
        if isinstance(plugin, Permitted):
            settings: Any = plugin.Settings.model_validate(dict(use.settings))  # type: ignore[attr-defined]
            declared = plugin.permissions(settings)
            found += [each for each in declared if each not in found]
    return found
