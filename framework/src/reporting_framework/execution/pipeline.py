"""The way from a composition (names and settings) to a pipeline (objects).

Everything is checked before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from reporting_framework._text.commands import prefixed
from reporting_framework._text.messages import redacted
from reporting_framework.errors import (
    PluginError,
    SettingsError,
    TriggerError,
)
from reporting_framework.execution.plugin_errors import (
    Owner,
    build,
    call,
    guard,
    log_errors,
    owner_of,
)
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.plugin_api.result import Step

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.metadata.history import RunHistory
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.engine import Engine
    from reporting_framework.plugin_api.metadata import MetadataLocation
    from reporting_framework.plugin_api.records import Trigger, WriteMode
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import Validator
    from reporting_framework.registry.registry import Registry


NO_METADATA = (
    "it keeps no quarantine, hints or history, since none of its sinks has a place for"
    " them; set the report's metadata to the URI of a folder to keep them"
)
"""Why a report keeps only its rows, and what to do."""

_CLOSING = "while closing"

RESERVED = "_reporting_"
"""Beginning of the names of columns that sinks use while they work."""


class Pipeline(NamedTuple):
    """A report ready to run. Its plugins are guarded: their errors name them.

    Attributes:
        report: Its name.
        schema: Schema of the frames that reach the sinks.
        pushed: Whether a trigger named the work, which comes again when it is not
            taken.
        steps: Which distributions brought its plugins.
        sources: What each installed source reads, by name.
        write_modes: What runs do to the table of each sink; ``append`` if not given.
        words: What a suggested command on the report must have after its action, such
            as the options that were given, quoted for a shell.
        metadata: What the report keeps other than its rows, if it has a place.
    """

    report: str
    source: Source
    validator: Validator
    transforms: Sequence[Transform]
    sinks: Sequence[Sink]
    engine: Engine
    schema: pl.Schema
    pushed: bool = False
    steps: Sequence[Step] = ()
    sources: Mapping[str, str] = {}
    write_modes: Sequence[WriteMode] = ()
    words: str = ""
    metadata: MetadataStore | None = None

    @property
    def history(self) -> RunHistory | None:
        """The history of the report's runs, or `None` if it keeps none."""
        return self.metadata.history if self.metadata is not None else None

    @property
    def modes(self) -> Sequence[WriteMode]:
        """Write mode of each sink."""
        return self.write_modes or ["append"] * len(self.sinks)

    @property
    def appends(self) -> bool:
        """Whether all sinks take each source key once."""
        return set(self.modes) == {"append"}

    def open_sink(self, sink: Sink, mode: WriteMode) -> None:
        """Open a sink for the rows of the report."""
        sink.open(self.schema, mode, self.source.primary_key)

    def open_sinks(self) -> Iterator[Sink]:
        """Open the sinks one by one."""
        for sink, mode in zip(self.sinks, self.modes, strict=True):
            self.open_sink(sink, mode)
            yield sink

    def command(self, noun: str, action: str) -> str:
        """Return a command on this report, to be pasted into a shell."""
        words = ["reporting", noun, self.report, action, self.words]
        return prefixed(" ".join(words).rstrip())

    def guarded(self) -> Pipeline:
        """Return the pipeline, each plugin in the boundary of `plugin_errors`."""

        def guarded(role: str, plugin: Any) -> Any:
            return guard(plugin, Owner(self.report, role, plugin.name))

        return self._replace(
            source=guarded("source", self.source),
            validator=guarded("validator", self.validator),
            transforms=[
                guarded("transform", transform) for transform in self.transforms
            ],
            sinks=[guarded("sink", sink) for sink in self.sinks],
            engine=guarded("engine", self.engine),
            metadata=guard(self.metadata, Owner(self.report, "metadata", "store")),
        )


def assemble(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    *,
    trigger: Trigger | None = None,
) -> Pipeline:
    """Make the plugins of a composition and check that they fit together.

    They are also checked to fit what started the run.

    Raises:
        PluginError: A plugin is unknown, broken or blocked, or two do not fit together.
        SettingsError: The settings of a plugin are not what it takes.
        StepFailed: A plugin raised an error of its own.
        TriggerError: The trigger names work that the source does not take.
    """
    make = partial(plugin_of, report, registry=registry)
    if not composition.sinks:
        raise SettingsError(f"report {report}: it has no sink; give at least one")
    source, validator = (
        make("source", composition.source),
        make("validator", composition.validator),
    )
    if source.output_format != validator.input_format:
        raise PluginError(
            f"report {report}: source {source.name} yields {source.output_format},"
            f" validator {validator.name} takes {validator.input_format}; choose two"
            " that fit"
        )
    if trigger is not None and trigger.names_work:
        _accept_trigger(report, source, trigger)
    transforms = [make("transform", use) for use in composition.transforms]
    if supports(validator, "bind") and (columns := source.schema()) is not None:
        validator.bind(columns)
    sinks = [make("sink", use) for use in composition.sinks]
    schema = schema_of(report, validator, transforms)
    modes = write_modes_of(report, composition, source, sinks)
    check_names(report, schema, modes)
    return Pipeline(
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
        metadata=metadata_of(report, composition.metadata, sinks),
    )


def metadata_of(
    report: str, uri: str | None, sinks: Sequence[Sink]
) -> MetadataStore | None:
    """Return the metadata store of a report, or `None` if it has no place for one.

    Args:
        report: Its name.
        uri: What its setting `metadata` says.
        sinks: Its sinks, guarded.

    Raises:
        LocationError: The place cannot be used.
    """
    location = metadata_location(report, uri, sinks)
    if location is None:
        return None
    from reporting_framework.metadata.store import (
        MetadataStore,
    )  # a report without one does not need it

    def versions() -> list[tuple[str, str | None]]:
        known = (sink.output_versions() for sink in sinks)
        return [output for of_sink in known for output in sorted(of_sink.items())]

    return build(Owner(report, "metadata", "store"), MetadataStore, location, versions)


def metadata_location(
    report: str, uri: str | None, sinks: Sequence[Sink]
) -> MetadataLocation | None:
    """Return the place of a report's metadata; see `metadata_of`."""
    if uri is not None:
        from reporting_framework.plugin_api.metadata import MetadataLocation

        return MetadataLocation(uri, report)
    locations = (sink.metadata_location() for sink in sinks)
    return next((location for location in locations if location is not None), None)


def plugin_of(report: str, role: str, use: PluginRef, registry: Registry) -> Any:
    """Make a plugin with its settings, guarded.

    Raises:
        PluginError: It is unknown, broken or blocked.
        SettingsError: The settings are not what it takes.
        StepFailed: It raised an error of its own.
    """
    plugin = registry.find(role, use.name)
    return build(
        Owner(report, role, use.name), plugin, settings_of(report, role, use, plugin)
    )


def check_names(report: str, schema: pl.Schema, modes: Sequence[WriteMode]) -> None:
    """Refuse columns of a report that have names of the framework's own.

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
    report: str, composition: PipelineSpec, source: Source, sinks: Sequence[Sink]
) -> list[WriteMode]:
    """Return what runs do to the table of each sink.

    It is the sink's setting ``write_mode``, if it has one, or else that of the report.

    Raises:
        SettingsError: A sink cannot do it, the source's versions have no order, or one
            sink replaces its table and another one does not.
    """
    modes: list[WriteMode] = []
    for sink in sinks:
        mode = mode_of(sink, composition)
        if mode not in sink.write_modes:
            raise SettingsError(
                f"report {report}: sink {sink.name} cannot {mode}; write_mode may be"
                f" {', '.join(sorted(sink.write_modes))}"
            )
        modes.append(mode)
    if "upsert" in modes and not source.versions_ordered:
        raise SettingsError(
            f"report {report}: write_mode is upsert, and the versions of source"
            f" {source.name} do not say which one is newer (its class does not set"
            " versions_ordered); use append or replace"
        )
    if "replace" in modes and set(modes) != {"replace"}:
        raise SettingsError(
            f"report {report}: write_mode is replace for some sinks only; a run that"
            " reads everything fits no other mode, so make two reports"
        )
    return modes


def mode_of(sink: Sink, composition: PipelineSpec) -> WriteMode:
    """Return the write mode of a sink: its own setting, or that of the report."""
    settings = getattr(sink, "settings", None)
    own: WriteMode | None = getattr(settings, "write_mode", None)
    return own or composition.write_mode


def place_of(composition: PipelineSpec, sink: str) -> str:
    """Where a sink keeps its rows, for messages.

    Nothing if its settings name no ``uri`` and no ``table``.
    """
    places = (
        use.settings.get("uri") or use.settings.get("table")
        for use in composition.sinks
        if use.name == sink
    )
    uri = next(places, None)
    return f" at {redacted(uri)}" if isinstance(uri, str) else ""


def close(pipeline: Pipeline) -> None:
    """Close all parts of a pipeline that are open, each whatever another one raised.

    What closing raises is logged: it neither undoes a commit nor hides why a run
    failed. Ctrl-C passes, at the end.
    """
    with ExitStack() as closing:  # in reverse order
        if pipeline.metadata is not None:
            closing.callback(log_errors, pipeline.metadata.close, _CLOSING)
        for sink in reversed(pipeline.sinks):
            closing.callback(log_errors, sink.close, _CLOSING)
        close_source(pipeline)


def close_source(pipeline: Pipeline) -> None:
    """Close the source of a pipeline whose sinks are still needed; see `close`."""
    log_errors(pipeline.source.close, _CLOSING)


@contextmanager
def prepared(pipeline: Pipeline, *, changing: bool = False) -> Iterator[Sequence[Sink]]:
    """Prepare the sinks of a report; nothing of the pipeline is left open afterwards.

    Args:
        pipeline: The report.
        changing: Whether what the report keeps is about to be changed: a reset that was
            killed is finished first.
    """
    try:
        for _ in pipeline.open_sinks():
            pass
        if changing and pipeline.metadata is not None:
            pipeline.metadata.finish_reset(pipeline.sinks, by_hand=False)
        yield pipeline.sinks
    finally:
        close(pipeline)


def plugin_refs(composition: PipelineSpec) -> list[tuple[str, PluginRef]]:
    """The plugins of a composition with their roles, in the order of data."""
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
    """What the plugin's own model makes of the settings that a composition gives it.

    Raises:
        SettingsError: They are not what it takes.
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
    """Give the source the work that the trigger names.

    Raises:
        TriggerError: It does not take it.
    """
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
    """Return what the transforms make of the validator's schema.

    It is found by applying them to a frame of no rows.

    Raises:
        PluginError: The source key is not its last column.
        StepFailed: A plugin raised an error of its own.
    """
    frame = call(owner_of(validator), lambda: validator.schema.to_frame())
    for transform in transforms:
        frame = transform.apply(frame)
    schema = frame.schema
    if schema.names()[-1:] != [SOURCE_KEY]:
        raise PluginError(
            f"report {report}: the last column after all transforms must be"
            f" {SOURCE_KEY}"
        )
    return schema
