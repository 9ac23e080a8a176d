"""Assembly of a pipeline (objects) from a composition (names and settings).

Everything is checked before anything is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from reporting_framework._text.messages import did_you_mean, redacted
from reporting_framework.errors import (
    PluginError,
    SettingsError,
    StepFailed,
    TriggerError,
)
from reporting_framework.execution.pipeline import Pipeline, metadata_of
from reporting_framework.execution.plugin_errors import (
    Owner,
    build,
    call,
    owner_of,
)
from reporting_framework.execution.validator_binding import (
    Columns,
    bind_validator,
    stored_key,
    stored_schema,
)
from reporting_framework.execution.write_modes import check_names, write_modes_of
from reporting_framework.plugin_api.base import Shape, supports
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.plugin_api.result import Step
from reporting_framework.plugin_api.validator import InputFormat

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.shared_reading import SharedReading
    from reporting_framework.execution.source_schema import SourceSchema
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.records import Trigger
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.transform import Transform
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

    Raises:
        PluginError: A plugin is unknown, broken or blocked, or two do not fit together.
        SettingsError: The settings of a plugin are invalid.
        StepFailed: A plugin raised an error of its own.
        TriggerError: The trigger names work that the source does not take.
    """
    make = partial(plugin_of, report, registry=registry)
    if not composition.sinks:
        raise SettingsError(f"report {report}: it has no sink; give at least one")
    if columns != "offline" or _may_have_streams(report, composition, registry):
        refuse_streams(report, composition, registry)  # settings would have {stream}
    validator = make("validator", composition.validator)  # needs no network
    source = source_of(report, composition, registry, reading)
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
    schema = _schema_of(report, validator, transforms, source_schema, columns)
    modes = write_modes_of(report, composition, source, sinks)
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
        steps=[_step_of(role, use, registry) for role, use in plugin_refs(composition)],
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

    return bind_checks(pipeline, composition, partial(assemble, registry=registry))


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


def select_stream(report: str, composition: PipelineSpec, source: Source) -> None:
    """Select the stream to read, if the source has streams.

    Raises:
        SettingsError: The composition names no stream of a source with streams, or a
            stream that the source does not have.
    """
    stream, streams = composition.stream, source.streams()
    if stream is None and not streams:
        return
    if stream is None or stream not in streams:
        own = report.partition("/")[0]
        problem = "none is named" if stream is None else f"it has no {stream!r}"
        known = f"streams {', '.join(streams)}" if streams else "no streams"
        advice = f"give one, as in {own}/{streams[0]}" if streams else f"give {own}"
        raise SettingsError(
            f"report {report}: source {source.name} has {known}, and {problem};"
            f" {advice}"
        )
    source.select_stream(stream)


def select_known_stream(
    report: str,
    composition: PipelineSpec,
    source: Source,
    metadata: MetadataStore | None,
    columns: Columns,
) -> None:
    """Select the stream; ask the source only if no run has read the stream."""
    name = composition.stream
    if columns == "offline" or (name is not None and stored_schema(metadata)):
        if name is not None:
            source.select_stream(name)
        return
    select_stream(report, composition, source)


def _key_of(metadata: MetadataStore | None, columns: Columns) -> Sequence[str] | None:
    """Return the primary key for the sinks; `None`: the source knows it."""
    if columns == "source":
        return None
    return stored_key(metadata) or (() if columns == "offline" else None)


def _schema_of(
    report: str,
    validator: Validator,
    transforms: Sequence[Transform],
    source_schema: SourceSchema | None,
    columns: Columns,
) -> pl.Schema:
    """Return the schema after all transforms; it is empty if it is not known."""
    try:
        return schema_of(report, validator, transforms)
    except SettingsError:
        if columns != "offline" or source_schema is not None:
            raise
        import polars as pl

        return pl.Schema()


def _may_have_streams(
    report: str, composition: PipelineSpec, registry: Registry
) -> bool:
    """Return whether the source has streams, as far as its settings say."""
    use = composition.source
    plugin = registry.find("source", use.name)
    if composition.stream is not None or not supports(plugin, "streams"):
        return False
    settings = settings_of(report, "source", use, plugin)
    declared: Sequence[str] | None = plugin.declared_streams(settings)
    return declared is None or len(declared) > 0


def refuse_streams(report: str, composition: PipelineSpec, registry: Registry) -> None:
    """Raise `SettingsError` if the source has streams, and none is selected."""
    use = composition.source
    plugin = registry.find("source", use.name)
    if composition.stream is None and supports(plugin, "streams"):
        with closing(plugin_of(report, "source", use, registry)) as source:
            select_stream(report, composition, source)


def source_of(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    reading: SharedReading | None = None,
) -> Any:
    """Build the source, which may be that of one stream."""
    use = composition.source
    plugin = registry.find("source", use.name)
    if composition.stream is not None and plugin.reads_streams_together:
        from reporting_framework.execution.stream_source import (
            stream_source,
        )  # other sources do not need it

        plugin = stream_source(plugin, reading)
    return build(
        Owner(report, "source", use.name),
        plugin,
        settings_of(report, "source", use, plugin),
    )


def plugin_of(report: str, role: str, use: PluginRef, registry: Registry) -> Any:
    """Build a plugin with its settings, and guard it.

    Raises:
        PluginError: It is unknown, broken or blocked.
        SettingsError: The settings are invalid.
        StepFailed: It raised an error of its own.
    """
    plugin = registry.find(role, use.name)
    return build(
        Owner(report, role, use.name), plugin, settings_of(report, role, use, plugin)
    )


def place_of(composition: PipelineSpec, sink: str) -> str:
    """Return the place of a sink's rows as text for messages, such as `` at URI``.

    Returns an empty text if the settings have no ``uri`` and no ``table``.
    """
    places = (
        use.settings.get("uri") or use.settings.get("table")
        for use in composition.sinks
        if use.name == sink
    )
    uri = next(places, None)
    return f" at {redacted(uri)}" if isinstance(uri, str) else ""


def plugin_refs(composition: PipelineSpec) -> list[tuple[str, PluginRef]]:
    """Return the plugins of a composition with their roles, in the order of data."""
    return [
        ("source", composition.source),
        ("validator", composition.validator),
        *(("transform", use) for use in composition.transforms),
        *(("sink", use) for use in composition.sinks),
        ("engine", composition.engine),
    ]


def _step_of(role: str, use: PluginRef, registry: Registry) -> Step:
    origin = registry.origin(role, use.name)
    return Step(
        role=role,
        name=use.name,
        distribution=origin.distribution,
        version=origin.version,
    )


def settings_of(report: str, role: str, use: PluginRef, plugin: Any) -> Any:
    """Validate the settings that a composition gives a plugin, by the plugin's model.

    Raises:
        SettingsError: The settings are invalid.
    """
    try:
        return plugin.Settings.model_validate(dict(use.settings))
    except ValidationError as error:
        from reporting_framework.config.error_messages import (
            to_settings_error,
        )  # only errors need it

        problem = to_settings_error(
            f"report {report}: {role} {use.name}", plugin.Settings, error
        )
        raise problem from None  # the original holds values, perhaps a secret


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


def schema_of(
    report: str, validator: Validator, transforms: Sequence[Transform]
) -> pl.Schema:
    """Return the schema after all transforms.

    The transforms are applied to a frame of the validator's schema without rows.

    Raises:
        PluginError: The source key is not its last column.
        SettingsError: A transform needs a column that nothing before it gives.
        StepFailed: A plugin raised an error of its own.
    """
    frame = call(owner_of(validator), lambda: validator.schema.to_frame())
    for number, transform in enumerate(transforms):
        try:
            frame = transform.apply(frame)
        except StepFailed as error:
            raise _with_column(error, number, transform, frame.columns) from error
    schema = frame.schema
    if schema.names()[-1:] != [SOURCE_KEY]:
        raise PluginError(
            f"report {report}: the last column after all transforms must be"
            f" {SOURCE_KEY}"
        )
    return schema


def _with_column(
    error: StepFailed, number: int, transform: Transform, columns: Sequence[str]
) -> StepFailed | SettingsError:
    """Return the error of a transform; if it lacks a column, one that names it."""
    cause = error.__cause__
    if type(cause).__name__ != "ColumnNotFoundError":
        return error
    match = re.search(r'"([^"]*)"', str(cause))
    name = match[1] if match else ""
    return SettingsError(
        f"{owner_of(transform).subject} needs a column {name}, which nothing before it"
        f" gives{did_you_mean(name, columns)}; there are {', '.join(columns)}",
        path=("transforms", str(number)),
    )
