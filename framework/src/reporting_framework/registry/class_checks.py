"""Checks of a plugin's class against the base class of its role."""

from __future__ import annotations

from abc import ABCMeta
from importlib import import_module

from reporting_framework.errors import PluginError

NEAR = 0.8
"""Least similarity (0 to 1) at which a name may be a misspelling of another."""


def check_class(cls: object, role: str, where: str) -> None:
    """Check that a class has the base class and the methods that its role needs.

    Args:
        cls: Object that the plugin registered.
        role: Role of the class.
        where: The plugin, for messages.

    Raises:
        PluginError: It is not a subclass of the base class, a public method has a name
            similar to a method that the class lacks, or a required method is missing.
    """
    module = import_module(f"reporting_framework.plugin_api.{role}")
    base: ABCMeta = getattr(module, role.title())
    if not (isinstance(cls, ABCMeta) and issubclass(cls, base)):
        raise PluginError(
            f"{where} is not a subclass of reporting_framework.{base.__name__}; make it"
            " one"
        )
    own = {
        name
        for parent in cls.__mro__
        if not parent.__module__.startswith("reporting_framework.plugin_api.")
        for name, value in vars(parent).items()
        if (callable(value) or isinstance(value, classmethod))
        and not name.startswith("_")
    }
    _check_names(own, base, where)
    if lacking := sorted(cls.__abstractmethods__):
        raise PluginError(
            f"{where} lacks {' and '.join(lacking)}, which every {role} must have; see"
            f" reporting_framework.{base.__name__}"
        )


def _check_names(own: set[str], base: ABCMeta, where: str) -> None:
    """Check that no method has a name similar to a method that the class lacks."""
    unknown = sorted(own - set(dir(base)))
    if not unknown:
        return
    from difflib import get_close_matches

    lacking = [
        name
        for name in dir(base)
        if name not in own
        and (
            name in base.__abstractmethods__ or hasattr(getattr(base, name), "optional")
        )
    ]
    for name in unknown:
        if near := get_close_matches(name, lacking, 1, NEAR):
            raise PluginError(
                f"{where} has a method {name}, which nobody calls; did you mean"
                f" {near[0]}? A method of another purpose needs another name"
            )
