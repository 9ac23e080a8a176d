"""Write mode of each sink of a report, and reserved names of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import DELETED_AT, VERSION, WriteMode

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.transform import Transform


RESERVED = "_reporting_"
"""Prefix of the names of columns that sinks use while they work."""


def check_names(report: str, schema: pl.Schema, modes: Sequence[WriteMode]) -> None:
    """Refuse columns of a report with names that the framework reserves.

    Raises:
        SettingsError: There is such a column.
    """
    own = {VERSION, DELETED_AT} if set(modes) != {"append"} else set()
    for name in schema.names():
        if name in own or name.startswith(RESERVED):
            raise SettingsError(
                f"report {report}: column {name} has a name of the framework's own;"
                " give it another one"
            )


def write_modes_of(
    report: str,
    composition: PipelineSpec,
    source: Source,
    transforms: Sequence[Transform],
    sinks: Sequence[Sink],
) -> list[WriteMode]:
    """Return the write mode of each sink.

    It is the sink's setting ``mode`` if set, otherwise the report's.

    Raises:
        SettingsError: A sink does not support its mode, a mode does not fit the
            settings of the source or a transform, the source's versions have no order,
            or one sink replaces its table and another does not.
    """
    modes: list[WriteMode] = []
    for number, sink in enumerate(sinks):
        mode = mode_of(sink, composition)
        if mode not in sink.write_modes:
            raise SettingsError(
                f"report {report}: sink {sink.name} cannot {mode}; write_mode may be"
                f" {', '.join(sorted(sink.write_modes))}",
                path=_path_of_mode(number, sink),
            )
        if mode not in source.write_modes:
            raise SettingsError(
                f"report {report}: write_mode is {mode}, and source {source.name} needs"
                f" {' or '.join(sorted(source.write_modes))} under its settings; set"
                " write_mode, or change the settings of the source"
            )
        for transform_number, transform in enumerate(transforms):
            if mode not in transform.write_modes:
                raise SettingsError(
                    f"report {report}: write_mode is {mode}, and transform"
                    f" {transform.name} needs"
                    f" {' or '.join(sorted(transform.write_modes))} under its"
                    " settings, as rows that it drops would stay in the table in an"
                    " older version; set write_mode, or change its settings",
                    path=("transforms", str(transform_number)),
                )
        modes.append(mode)
    if "upsert" in modes and not source.versions_ordered:
        raise SettingsError(
            f"report {report}: write_mode is upsert, and the versions of source"
            f" {source.name} do not say which one is newer (its class does not set"
            " versions_ordered); use append or replace",
            path=_path_of_mode(modes.index("upsert"), sinks[modes.index("upsert")]),
        )
    if "replace" in modes and set(modes) != {"replace"}:
        raise SettingsError(
            f"report {report}: write_mode is replace for some sinks only; a run that"
            " reads everything fits no other mode, so make two reports",
            path=_path_of_mode(modes.index("replace"), sinks[modes.index("replace")]),
        )
    return modes


def _path_of_mode(number: int, sink: Sink) -> tuple[str, ...]:
    """Return the path of the setting that decides the write mode of a sink."""
    own = getattr(getattr(sink, "settings", None), "mode", None)
    return ("sinks", str(number), "mode") if own else ("write_mode",)


def mode_of(sink: Sink, composition: PipelineSpec) -> WriteMode:
    """Return the write mode of a sink: its own setting, or the report's."""
    return planned_mode(getattr(sink, "settings", None), composition)


def planned_mode(settings: Any, composition: PipelineSpec) -> WriteMode:
    """Return the write mode of a sink with these settings."""
    own: WriteMode | None = getattr(settings, "mode", None)
    if own is None or own not in get_args(WriteMode):
        return composition.write_mode
    return own
