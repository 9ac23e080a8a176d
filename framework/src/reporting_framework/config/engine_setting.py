"""Setting ``engine``, which every report has: a name, or a table with settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from reporting_framework.config.layers import Assignment, Layer
from reporting_framework.config.toml_report_settings import Part
from reporting_framework.plugin_api.report import PluginRef

if TYPE_CHECKING:
    from pydantic import BaseModel

ENGINE = "engine"


def with_engine(model: type[BaseModel]) -> type[BaseModel]:
    """Return a settings model with the setting, unless it has one of this name."""
    return model if ENGINE in model.model_fields else _extended(model)


@cache
def _extended(model: type[BaseModel]) -> type[BaseModel]:
    field: Any = (Part | None, Field(None, description="Engine that runs the work"))
    return create_model(
        model.__name__, __base__=model, __module__=model.__module__, engine=field
    )


def as_tables(layers: list[Layer], model: type[BaseModel]) -> list[Layer]:
    """Return layers in which the name of an engine is a table without settings.

    Settings that lower layers give to an engine do not apply to one that is only named.
    Settings without a name are those of the engine `local`.
    """
    if model.model_fields[ENGINE].annotation not in (Part, Part | None):
        return layers
    tables: list[Layer] = []
    for layer in layers:
        assignments: list[Assignment] = []
        for assignment in layer.assignments:
            if assignment.path == (ENGINE,) and isinstance(assignment.value, str):
                tables = [
                    lower._replace(assignments=_others(lower.assignments))
                    for lower in tables
                ]
                assignments = _others(assignments)
                assignment = assignment._replace(value={"use": assignment.value})
            assignments.append(assignment)
        tables.append(layer._replace(assignments=assignments))
    if not any(map(_names_engine, chain(*(layer.assignments for layer in tables)))):
        named = Assignment((ENGINE,), {"use": "local"}, "the default")
        tables[0] = tables[0]._replace(assignments=[named, *tables[0].assignments])
    return tables


def _names_engine(assignment: Assignment) -> bool:
    path, value = assignment.path, assignment.value
    return path == (ENGINE, "use") or (
        path == (ENGINE,) and (not isinstance(value, Mapping) or "use" in value)
    )


def _others(assignments: Sequence[Assignment]) -> list[Assignment]:
    return [each for each in assignments if each.path[0] != ENGINE]


def engine_of(settings: BaseModel, model: type[BaseModel]) -> PluginRef | None:
    """Return the engine that is set; `None`: the report chooses it.

    Args:
        settings: Settings of a report.
        model: The report's own settings model.
    """
    part = None if ENGINE in model.model_fields else getattr(settings, ENGINE, None)
    return None if part is None else PluginRef(part.use, dict(part.model_extra or {}))
