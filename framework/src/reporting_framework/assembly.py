"""From a composition (names and settings) to a pipeline (objects), with everything checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reporting_framework.errors import PluginError, SettingsError
from reporting_framework.records import ORIGIN_COLUMN

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.interfaces import Composition, Engine, Sink, Source, Transform, Use, Validator
    from reporting_framework.plugins import Registry


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A report ready to run.

    Attributes:
        report: Its name.
        schema: Schema of the frames that reach the sinks.
    """

    report: str
    source: Source
    validator: Validator
    transforms: Sequence[Transform]
    sinks: Sequence[Sink]
    engine: Engine
    schema: pl.Schema


def assemble(report: str, composition: Composition, registry: Registry) -> Pipeline:
    """Make the plugins of a composition and check that they fit together.

    Raises:
        PluginError: A plugin is unknown, broken or blocked, or two do not fit together.
        SettingsError: The settings of a plugin are not what it takes.
    """

    def make(role: str, use: Use) -> Any:
        plugin = registry.find(role, use.name)
        try:
            settings = plugin.Settings.model_validate(dict(use.settings))
        except ValidationError as error:
            raise SettingsError(f"report {report}: {role} {use.name}: {_reasons(error, plugin.Settings)}") from error
        return plugin(settings)

    if not composition.sinks:
        raise SettingsError(f"report {report}: it has no sink; give at least one")
    source, validator = make("source", composition.source), make("validator", composition.validator)
    if source.yields != validator.takes:
        raise PluginError(
            f"report {report}: source {source.name} yields {source.yields}, validator {validator.name} takes "
            f"{validator.takes}; choose two that fit"
        )
    transforms = [make("transform", use) for use in composition.transforms]
    return Pipeline(
        report=report,
        source=source,
        validator=validator,
        transforms=transforms,
        sinks=[make("sink", use) for use in composition.sinks],
        engine=make("engine", composition.engine),
        schema=_schema(report, validator, transforms),
    )


def _schema(report: str, validator: Validator, transforms: Sequence[Transform]) -> pl.Schema:
    """What the transforms make of the validator's schema, found by applying them to a frame of no rows."""
    schema = reduce(lambda frame, step: step.apply(frame), transforms, validator.schema.to_frame()).schema
    if schema.names()[-1:] != [ORIGIN_COLUMN]:
        raise PluginError(f"report {report}: the last column after all transforms must be {ORIGIN_COLUMN}")
    return schema


def _reasons(error: ValidationError, model: Any) -> str:
    """A pydantic error as one line: which settings, what is wrong, what there is."""
    parts = [
        f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    return f"{'; '.join(parts)} (settings: {', '.join(model.model_fields)})"
