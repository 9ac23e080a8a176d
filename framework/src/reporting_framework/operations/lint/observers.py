"""Checks of the tables of observers, ``[observers.NAME]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from reporting_framework._text.messages import did_you_mean
from reporting_framework.config.error_messages import to_settings_error
from reporting_framework.operations.lint.problem import Problem, Severity, add_error
from reporting_framework.operations.lint.values import (
    check_plain_secrets,
    check_references,
)

if TYPE_CHECKING:
    from reporting_framework.operations.lint.document import Document
    from reporting_framework.registry.registry import Registry


def observer_problems(
    document: Document, registry: Registry, environment: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield the problems of the observers' tables.

    A plugin names the model of its table by ``REPORTING_SETTINGS``, as in
    ``"package.settings:NotifySettings"``. The tables of others are not checked.

    Args:
        document: The configuration file.
        registry: The plugins.
        environment: The environment variables.
    """
    models = registry.observer_settings
    for name, table in document.config.observers.items():
        if name in models:
            model = _model(models[name])
            yield from _of_table(document, name, table, model, environment)
            continue
        near = did_you_mean(name, list(models))
        yield document.problem(
            "error",
            "",
            ("observers", name),
            f"[observers.{name}]: there is no such observer"
            f"{near or '; install it, or remove the table'}",
        )


def _model(reference: str | None) -> type[BaseModel] | None:
    if reference is None:
        return None
    module, _, name = reference.partition(":")
    model: type[BaseModel] = getattr(import_module(module), name)
    return model


def _of_table(
    document: Document,
    name: str,
    table: Mapping[str, Any],
    model: type[BaseModel] | None,
    environment: Mapping[str, str],
) -> Iterator[Problem]:
    found: list[Problem] = []
    subject = f"observer {name}"

    def add(severity: Severity, setting: Sequence[str], message: str) -> None:
        path = ("observers", name, *setting)
        found.append(document.problem(severity, "", path, message))

    if model is not None:
        try:
            model.model_validate(dict(table))
        except ValidationError as error:
            add_error(add, to_settings_error(subject, model, error))
    check_plain_secrets(add, subject, table, model)
    check_references(add, subject, table, environment)
    yield from found
