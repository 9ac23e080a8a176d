"""Description of a report's table, made without opening it.

It holds the columns, and the folder of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from reporting_framework.execution.output_schema import schema_of
from reporting_framework.execution.pipeline import metadata_of
from reporting_framework.execution.plugin_building import (
    plugin_of,
    settings_of,
    source_of,
)
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.execution.stream_selection import (
    refuse_streams,
    select_known_stream,
)
from reporting_framework.execution.validator_binding import bind_validator
from reporting_framework.execution.write_modes import planned_mode
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.plugin_api.validator import ColumnFacts

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.plugin_api.validator import Validator
    from reporting_framework.registry.registry import Registry

_SOURCE_KEY = ColumnFacts(
    "Identity of the record in the source, such as its object key", nullable=False
)


class Column(NamedTuple):
    """A column.

    Attributes:
        name: Its name.
        dtype: Its polars type.
        facts: The validator's facts about it.
    """

    name: str
    dtype: pl.DataType
    facts: ColumnFacts


_VERSIONS = (
    Column(VERSION, pl.String(), ColumnFacts("Version of the row at its source")),
    Column(
        DELETED_AT,
        pl.Datetime("us", "UTC"),
        ColumnFacts("When the row was deleted at its source"),
    ),
)


class Table(NamedTuple):
    """A report's table.

    Attributes:
        report: Name of the report.
        columns: Its columns in order.
        sinks: Names of the report's sinks.
        folder: URI of the folder that holds its parquet files, or None if no sink
            writes such files. The columns are those of this sink, or of the first one.
    """

    report: str
    columns: tuple[Column, ...]
    sinks: tuple[str, ...]
    folder: str | None


def described(report: str, composition: PipelineSpec, registry: Registry) -> Table:
    """Describe the table of a report under these settings.

    Neither source nor sinks are opened, but a source is asked for its streams if none
    is selected. If the validator takes its columns from the source, they are those of
    the last run; the source is asked for them only before the first run. The
    validator's facts about a column apply only if no transform gives
    the column another type.

    Raises:
        PluginError: A plugin is unknown, broken or blocked.
        SettingsError: A plugin does not accept its settings.
        StepFailed: A plugin raised an error of its own.
    """

    def built(role: str, use: PluginRef) -> tuple[Any, Any]:
        plugin = registry.find(role, use.name)
        return plugin, settings_of(report, role, use, plugin)

    built("source", composition.source)
    refuse_streams(report, composition, registry)
    validator = plugin_of(report, "validator", composition.validator, registry)
    transforms = [
        plugin_of(report, "transform", use, registry) for use in composition.transforms
    ]
    _bind(report, composition, registry, validator)
    schema = schema_of(report, validator, transforms)
    facts = {**_facts(validator, schema), SOURCE_KEY: _SOURCE_KEY}
    columns = [
        Column(name, dtype, facts.get(name, ColumnFacts()))
        for name, dtype in schema.items()
    ]
    tables: list[tuple[str | None, Any]] = []
    for use in composition.sinks:
        plugin, settings = built("sink", use)
        owner = Owner(report, "sink", use.name)
        tables.append((call(owner, plugin.table_folder, settings), settings))
    with_files = (table for table in tables if table[0] is not None)
    folder, settings = next(with_files, tables[0])
    return Table(
        report,
        tuple(_upserted(columns, composition, settings)),
        tuple(use.name for use in composition.sinks),
        folder,
    )


def _bind(
    report: str, composition: PipelineSpec, registry: Registry, validator: Validator
) -> None:
    """Bind a validator that takes its columns from the source."""
    if not supports(validator, "bind"):
        return
    sinks = [plugin_of(report, "sink", use, registry) for use in composition.sinks]
    metadata = metadata_of(report, composition.metadata, sinks)
    source = source_of(report, composition, registry)
    with closing(source):
        select_known_stream(report, composition, source, metadata, "stored")
        bind_validator(
            report, source, validator, composition.contract, metadata, "stored"
        )


def _upserted(
    columns: Sequence[Column], composition: PipelineSpec, settings: Any
) -> Iterable[Column]:
    """Return the columns, with those that `upsert` adds.

    Of a deleted row that is kept, nothing is known but its source key.
    """
    if planned_mode(settings, composition) != "upsert":
        return columns
    if getattr(settings, "deletes", "soft") != "hard":
        columns = [
            column._replace(facts=column.facts._replace(nullable=True))
            if column.name != SOURCE_KEY
            else column
            for column in columns
        ]
    return [*columns, *_VERSIONS]


def type_name(dtype: pl.DataType) -> str:
    """Return a type in the documentation's notation: ``Datetime(us, UTC)``."""
    if isinstance(dtype, pl.Datetime):
        return (
            f"Datetime({', '.join(filter(None, (dtype.time_unit, dtype.time_zone)))})"
        )
    return str(dtype)


def _facts(validator: Validator, schema: pl.Schema) -> dict[str, ColumnFacts]:
    """Return the validator's facts about columns that keep their types.

    Such columns reach the sinks in the validator's type.
    """
    facts, columns = validator.column_facts(), validator.schema
    return {
        name: facts
        for name, facts in facts.items()
        if name in columns and schema.get(name) == columns[name]
    }
