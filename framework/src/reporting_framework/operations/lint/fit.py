"""Fit of a report's plugins: formats, streams, columns and write modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import ReportingError, SettingsError
from reporting_framework.execution.assembly import check_formats
from reporting_framework.execution.output_schema import schema_of
from reporting_framework.execution.plugin_errors import build, call, log_errors
from reporting_framework.execution.streams import check_streams
from reporting_framework.execution.write_modes import (
    check_names,
    mode_of,
    write_modes_of,
)
from reporting_framework.operations.lint.parts import Part
from reporting_framework.operations.lint.problem import Add, add_error
from reporting_framework.operations.lint.values import texts
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.report import STREAM

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.registry import Registry


def check_fit(
    add: Add,
    report: str,
    spec: PipelineSpec,
    parts: Sequence[Part],
    registry: Registry,
) -> None:
    """Check that the plugins of a report fit together.

    A check that needs a part that cannot be used is left out.

    Args:
        add: Adds a problem.
        report: Name of the report.
        spec: Specification of its pipeline.
        parts: Its plugins, in the order of `parts.refs_of`.
        registry: The plugins.
    """
    source, validator = parts[0], parts[1]
    transforms = [part for part in parts if part.role == "transform"]
    sinks = [part for part in parts if part.role == "sink"]
    schema = columns_of(add, source, validator, transforms)
    if source.usable:
        _check_streams(add, report, spec, source, schema)
    modes = _modes(add, report, spec, source, transforms, sinks)
    if spec.checks:
        from reporting_framework.operations.lint.checks import (
            check_checks,
        )  # other reports do not need it

        check_checks(add, report, spec, schema, sinks, registry)
    if spec.contract is not None or spec.checks:
        from reporting_framework.operations.lint.history import (
            check_history,
        )  # other reports do not need it

        check_history(add, report, spec, source, validator, sinks)
    if schema is None:
        return
    try:
        check_names(report, schema, modes or [spec.write_mode])
    except SettingsError as error:
        add("error", validator.path, str(error))
    for sink in sinks:
        if sink.usable:
            mode: WriteMode = mode_of(sink.declared(), spec)
            try:
                call(sink.owner, sink.plugin.check_schema, sink.settings, schema, mode)
            except ReportingError as error:
                sink.add_error(add, error)


def columns_of(
    add: Add, source: Part, validator: Part, transforms: Sequence[Part]
) -> pl.Schema | None:
    """Return the columns of a report, `None` if they are not known."""
    built = _built(add, [validator, *transforms])
    try:
        if source.usable and validator.usable:
            _check_formats(add, source, built[0] or validator.declared())
        return _schema(add, source, validator, transforms, built)
    finally:
        for plugin in built:
            if plugin is not None:
                log_errors(plugin.close, "while closing")


def _check_streams(
    add: Add, report: str, spec: PipelineSpec, source: Part, schema: pl.Schema | None
) -> None:
    """Check that each stream has its own tables, if the streams are known."""
    try:
        streams = call(source.owner, source.plugin.declared_streams, source.settings)
        if streams and spec.stream is None:
            check_streams(report, spec, streams)
        if streams is None and supports(source.plugin, "streams"):
            _hint_at_streams(add, report, spec, source)
        elif not streams and spec.stream is None and "stream" not in (schema or ()):
            _hint_at_no_stream(add, report, spec, source)
    except SettingsError as error:
        add_error(add, error)
    except ReportingError as error:
        source.add_error(add, error)


def _hint_at_streams(add: Add, report: str, spec: PipelineSpec, source: Part) -> None:
    """Add a hint for each sink that cannot have a table of its own for each stream."""
    for number, use in enumerate(spec.sinks):
        if not any(STREAM in text for _, text in texts(use.settings)):
            add(
                "hint",
                ("sinks", str(number)),
                f"report {report}: sink {use.name}: if source {source.use.name} has"
                f" several streams, they would share its table; then put {STREAM} into"
                " its settings",
            )


def _hint_at_no_stream(add: Add, report: str, spec: PipelineSpec, source: Part) -> None:
    """Add a hint for each sink with a placeholder that no stream will replace."""
    for number, use in enumerate(spec.sinks):
        if any(STREAM in text for _, text in texts(use.settings)):
            add(
                "hint",
                ("sinks", str(number)),
                f"report {report}: sink {use.name}: source {source.use.name} has no"
                f" streams, so {STREAM} stays in its settings as it is; take it out,"
                " unless the report has a column of this name",
            )


def _built(add: Add, parts: Sequence[Part]) -> list[Any]:
    """Build validator and transforms, which open nothing; None for each that fails."""
    built: list[Any] = []
    for part in parts:
        plugin = None
        if part.usable:
            try:
                plugin = build(part.owner, part.plugin, part.settings)
            except ReportingError as error:
                part.add_error(add, error)
        built.append(plugin)
    return built


def _check_formats(add: Add, source: Part, validator: Any) -> None:
    try:
        check_formats(source.report, source.declared(), validator)
    except AttributeError:  # known only once the source is built
        return
    except ReportingError as error:
        add("error", ("validator", "use"), str(error))


def _schema(
    add: Add,
    source: Part,
    validator: Part,
    transforms: Sequence[Part],
    built: Sequence[Any],
) -> pl.Schema | None:
    """Return the columns after all transforms; None if they are not known."""
    if any(plugin is None for plugin in built):
        return None
    first, *others = built
    bound = supports(first, "bind") and (
        source.plugin is None or supports(source.plugin, "schema")
    )
    report = validator.report
    try:
        first.schema  # noqa: B018 - a property may raise
    except SettingsError as error:
        if not bound:  # otherwise the source has the columns
            validator.add_error(add, error)
        return None
    except ReportingError as error:
        validator.add_error(add, error)
        return None
    try:
        return schema_of(report, first, others)
    except ReportingError as error:
        failing = next(
            (
                part
                for number, part in enumerate(transforms, start=1)
                if not _has_schema(report, first, others[:number])
            ),
            validator,
        )
        failing.add_error(add, _plain(error))
        return None


def _has_schema(report: str, validator: Any, transforms: Sequence[Any]) -> bool:
    try:
        schema_of(report, validator, transforms)
    except ReportingError:
        return False
    return True


def _plain(error: ReportingError) -> ReportingError:
    """Return the error without its path, which begins at the report."""
    return SettingsError(str(error)) if isinstance(error, SettingsError) else error


def _modes(
    add: Add,
    report: str,
    spec: PipelineSpec,
    source: Part,
    transforms: Sequence[Part],
    sinks: Sequence[Part],
) -> list[WriteMode]:
    """Return the write mode of each sink, if all parts can be used."""
    if not all(part.usable for part in (source, *transforms, *sinks)):
        return []
    try:
        between = [transform.declared() for transform in transforms]
        last = [sink.declared() for sink in sinks]
        return write_modes_of(report, spec, source.declared(), between, last)
    except AttributeError:  # known only once a plugin is built
        return []
    except SettingsError as error:
        add_error(add, error)
        return []
