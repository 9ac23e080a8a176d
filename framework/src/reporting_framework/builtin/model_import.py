"""Import of the model that a setting names."""

from __future__ import annotations

import importlib
from typing import Any

from pydantic import BaseModel

from reporting_framework._text.messages import cause, did_you_mean
from reporting_framework.builtin.model_fields import is_model
from reporting_framework.errors import SettingsError

PATH = ("model",)
"""Path of the setting that names the model."""


def import_model(path: str) -> Any:
    """Return the model at ``package.module:Model``.

    Raises:
        SettingsError: It is not there, or is not a model.
    """
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise SettingsError(
            f"validator pydantic: setting model is {path!r}; write it as"
            " package.module:Model",
            path=PATH,
        )
    subject = f"validator pydantic: model {path}"
    try:
        imported = importlib.import_module(module)
        model = getattr(imported, attribute, None)
    except Exception as error:  # the user's module may raise anything
        advice = _advice(error, module)
        raise SettingsError(f"{subject}: {cause(error)}{advice}", path=PATH) from error
    if model is None:
        models = [
            name
            for name, value in vars(imported).items()
            if is_model(value) and value is not BaseModel
        ]
        raise SettingsError(
            f"{subject}: module {module} has no {attribute}"
            f"{did_you_mean(attribute, models)}; models in it:"
            f" {', '.join(models) or 'none'}",
            path=PATH,
        )
    if not is_model(model):
        raise SettingsError(
            f"{subject} is neither a pydantic model nor a TypedDict", path=PATH
        )
    return model


def _advice(error: Exception, module: str) -> str:
    """Return how to make a module importable, if it is not there at all."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    if error.name != module.partition(".")[0]:
        return ""
    return (
        "; install its package in this environment, or put its folder into PYTHONPATH"
    )
