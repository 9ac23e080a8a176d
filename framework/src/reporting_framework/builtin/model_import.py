"""Import of the class that a setting names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from reporting_framework._text.messages import cause, did_you_mean
from reporting_framework.builtin.model_fields import is_model
from reporting_framework.errors import SettingsError


def import_model(path: str) -> Any:
    """Return the model at ``package.module:Model``.

    Raises:
        SettingsError: It is not there, or is not a model.
    """
    return import_class(
        path,
        plugin="validator pydantic",
        setting="model",
        accepts=lambda value: is_model(value) and value is not BaseModel,
        kind="a pydantic model or a TypedDict",
    )


def import_class(
    path: str,
    *,
    plugin: str,
    setting: str,
    accepts: Callable[[Any], bool],
    kind: str,
) -> Any:
    """Return the class at ``package.module:Class``.

    Args:
        path: Value of the setting.
        plugin: Role and name of the plugin, for messages.
        setting: Name of the setting, for messages, which also names such classes.
        accepts: Function that returns whether an object is such a class.
        kind: What such a class is, for messages.

    Raises:
        SettingsError: It is not there, or is not such a class.
    """
    at = (setting,)
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise SettingsError(
            f"{plugin}: setting {setting} is {path!r}; write it as"
            f" package.module:{setting.capitalize()}",
            path=at,
        )
    subject = f"{plugin}: {setting} {path}"
    try:
        imported = importlib.import_module(module)
        found = getattr(imported, attribute, None)
    except Exception as error:  # the user's module may raise anything
        advice = _advice(error, module)
        raise SettingsError(f"{subject}: {cause(error)}{advice}", path=at) from error
    if found is None:
        names = [name for name, value in vars(imported).items() if accepts(value)]
        raise SettingsError(
            f"{subject}: module {module} has no {attribute}"
            f"{did_you_mean(attribute, names)}; {setting}s in it:"
            f" {', '.join(names) or 'none'}",
            path=at,
        )
    if not accepts(found):
        raise SettingsError(f"{subject} is not {kind}", path=at)
    return found


def _advice(error: Exception, module: str) -> str:
    """Return how to make a module importable, if it is not there at all."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    if error.name != module.partition(".")[0]:
        return ""
    return (
        "; install its package in this environment, or put its folder into PYTHONPATH"
    )
