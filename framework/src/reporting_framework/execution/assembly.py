"""Assembly of a pipeline (objects) from a composition (names and settings).

Everything is checked before anything is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, get_args

from reporting_framework.errors import (
    PluginError,
    SettingsError,
    TriggerError,
)
from reporting_framework.execution.early_start import start_early
from reporting_framework.execution.output_schema import known_schema_of
from reporting_framework.execution.pipeline import Pipeline, metadata_of
from reporting_framework.execution.plugin_building import (
    plugin_of,
    plugin_refs,
    source_of,
    step_of,
)
from reporting_framework.execution.stream_selection import (
    may_have_streams,
    refuse_streams,
    select_known_stream,
    select_stream,
)
from reporting_framework.execution.validator_binding import (
    Columns,
    bind_validator,
    stored_key,
)
from reporting_framework.execution.write_modes import check_names, write_modes_of
from reporting_framework.plugin_api.base import Shape
from reporting_framework.plugin_api.traffic import TrafficCounts, counting
from reporting_framework.plugin_api.validator import InputFormat

if TYPE_CHECKING:
    from reporting_framework.execution.shared_reading import SharedReading
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.records import Trigger
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.validator import Validator
    from reporting_framework.registry.registry import Registry


def assemble(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    *,
    trigger: Trigger | None = None,
    reading: SharedReading | None = None,
    columns: Columns = "source",
    early: bool = False,
) -> Pipeline:
    """Build the plugins of a composition, and check that they fit together.

    They must also fit the trigger.

    Args:
        report: Name of the report.
        composition: Specification of its pipeline.
        registry: The plugins.
        trigger: Trigger of the run.
        reading: Reading for all streams of the source, if it reads them together;
            `None`: read only the selected stream.
        columns: Origin of the source's columns; a pipeline with others than those of
            the source cannot run, and has no checks. With ``offline``, its schema is
            empty if the columns are not known.
        early: Whether the pipeline runs at once, so that its first requests begin while
            plugins are imported.

    Raises:
        PluginError: A plugin is unknown, broken or blocked, or two do not fit together.
        SettingsError: The settings of a plugin are invalid.
        StepFailed: A plugin raised an error of its own.
        TriggerError: The trigger names work that the source does not take.
    """
    traffic = TrafficCounts()
    with counting(traffic):
        pipeline = _assemble(
            report, composition, registry, trigger, reading, columns, early=early
        )
    return pipeline._replace(traffic=traffic)


def _assemble(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    trigger: Trigger | None,
    reading: SharedReading | None,
    columns: Columns,
    *,
    early: bool,
) -> Pipeline:
    """Build the pipeline; see `assemble`."""
    if not composition.sinks:
        raise SettingsError(f"report {report}: it has no sink; give at least one")
    if columns != "offline" or may_have_streams(report, composition, registry):
        refuse_streams(report, composition, registry)  # settings would have {stream}
    parts = (report, composition, registry, trigger)
    if not early:
        return _assembled(*parts, None, reading, columns)
    start = start_early(*parts)
    with start.serve():
        pipeline = _assembled(*parts, start.source, reading, columns)
    return pipeline._replace(early=start)


def _assembled(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    trigger: Trigger | None,
    source: Source | None,
    reading: SharedReading | None,
    columns: Columns,
) -> Pipeline:
    """Return the pipeline; see `assemble`. The source may have been built before."""
    make = partial(plugin_of, report, registry=registry)
    validator = make("validator", composition.validator)  # needs no network
    source = source or source_of(report, composition, registry, reading)
    check_formats(report, source, validator)
    if columns == "source":
        select_stream(report, composition, source)
    if trigger is not None and trigger.names_work:
        _accept_trigger(report, source, trigger)
    transforms = [make("transform", use) for use in composition.transforms]
    sinks = [make("sink", use) for use in composition.sinks]
    metadata = metadata_of(report, composition.metadata, sinks)
    if columns != "source":
        select_known_stream(report, composition, source, metadata, columns)
    source_schema = bind_validator(
        report, source, validator, composition.contract, metadata, columns
    )
    schema = known_schema_of(report, validator, transforms, source_schema, columns)
    modes = write_modes_of(report, composition, source, transforms, sinks)
    check_names(report, schema, modes)
    pipeline = Pipeline(
        report=report,
        source=source,
        validator=validator,
        transforms=transforms,
        sinks=sinks,
        write_modes=modes,
        engine=make("engine", composition.engine),
        schema=schema,
        pushed=trigger is not None and trigger.names_work,
        steps=[step_of(role, use, registry) for role, use in plugin_refs(composition)],
        sources={
            plugin.name: plugin.summary
            for plugin in registry.listing
            if plugin.role == "source"
        },
        metadata=metadata,
        source_schema=source_schema,
        primary_key=_key_of(metadata, columns),
    )
    if not composition.checks or columns != "source":
        return pipeline
    from reporting_framework.execution.report_checks import (
        bind_checks,
    )  # a report without checks does not need it

    other = partial(assemble, registry=registry, columns="offline")
    return bind_checks(pipeline, composition, other)


def check_formats(report: str, source: Source, validator: Validator) -> None:
    """Check that a validator takes the form of records that a source yields.

    Raises:
        PluginError: It does not, or a plugin declares a form that does not exist.
    """
    given, taken = source.output_format, validator.input_format
    declared = (
        (f"source {source.name}: output_format", given, get_args(Shape)),
        (f"validator {validator.name}: input_format", taken, get_args(InputFormat)),
    )
    for subject, form, allowed in declared:
        if form not in allowed:
            raise PluginError(
                f"report {report}: {subject} is {form!r}; declare"
                f" {' or '.join(allowed)}"
            )
    if taken not in (given, "both"):
        raise PluginError(
            f"report {report}: source {source.name} yields {given}, validator"
            f" {validator.name} takes {taken}; choose two that fit"
        )


def _key_of(metadata: MetadataStore | None, columns: Columns) -> Sequence[str] | None:
    """Return the primary key for the sinks; `None`: the source knows it."""
    if columns == "source":
        return None
    return stored_key(metadata) or (() if columns == "offline" else None)


def _accept_trigger(report: str, source: Source, trigger: Trigger) -> None:
    """Pass the trigger with its work to the source.

    Raises:
        TriggerError: The source does not take triggers of this kind.
    """
    if source.stream is not None and source.reads_streams_together:
        raise TriggerError(
            f"report {report}: source {source.name} reads its streams together, and"
            " takes no trigger that names the work; start the report by a schedule or"
            " by hand"
        )
    taken = source.triggers
    if trigger.kind not in taken:
        also = f"; it takes {', '.join(sorted(taken))}" if taken else ""
        raise TriggerError(
            f"report {report}: source {source.name} does not take {trigger.kind}"
            f" triggers{also}"
        )
    source.accept_trigger(trigger)
