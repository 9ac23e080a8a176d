"""Base class of reports, and the plain data that a report composes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from reporting_framework.plugin_api.base import optional

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.plugin_api.result import RunResult


Contract = Literal["evolve", "freeze", "discard"]
"""Contract mode: what a report makes of other columns of its source. ``evolve``: take
new columns, and wider types; ``freeze``: refuse the run; ``discard``: leave new columns
out.
"""


class PluginRef(NamedTuple):
    """Reference to a plugin by name, with its settings.

    Attributes:
        name: The name that the plugin was registered under.
        settings: Input of the plugin's `Settings` model.
    """

    name: str
    settings: Mapping[str, Any] = {}


class CheckRef(NamedTuple):
    """Check by name, with its settings.

    Attributes:
        name: Name of the check, such as ``unique``.
        settings: Input of the check's settings model.
    """

    name: str
    settings: Mapping[str, Any] = {}


class PipelineSpec(NamedTuple):
    """Report as plain data: its plugins and their settings.

    Attributes:
        source: Source of the records.
        validator: Validator of the records.
        sinks: Sinks of the accepted rows.
        transforms: Transforms of the frames, in this order.
        engine: Engine that processes the splits.
        write_mode: Write mode of the sinks, unless a sink has a setting ``mode``
            of its own.
        metadata: URI of the folder of the metadata store; `None`: the first sink's
            `Sink.metadata_location` decides.
        stream: Stream of the source to read; `None`: all streams, or the source has
            none.
        checks: Checks of the run's rows and of the table.
        contract: What to make of other columns of the source than in the last run;
            `None`: take them as they are, and let the sinks convert or refuse them.
        references: Other reports that the checks name, by name; filled in when a report
            is composed from its settings.
        as_of: Version of the table to read, or a time; `None`: the present one. See
            `Sink.select_version`.
    """

    source: PluginRef
    validator: PluginRef
    sinks: Sequence[PluginRef]
    transforms: Sequence[PluginRef] = ()
    engine: PluginRef = PluginRef("local")
    write_mode: WriteMode = "append"
    metadata: str | None = None
    stream: str | None = None
    checks: Sequence[CheckRef] = ()
    contract: Contract | None = None
    references: Mapping[str, PipelineSpec] = {}
    as_of: str | None = None

    def of_stream(self, stream: str) -> PipelineSpec:
        """Return the pipeline of one stream of the source.

        ``{stream}`` in settings of validator, transforms, sinks and checks is replaced
        with the name of the stream.
        """

        def named(use: PluginRef) -> PluginRef:
            return use._replace(settings=_with_stream(use.settings, stream))

        return self._replace(
            validator=named(self.validator),
            transforms=[named(use) for use in self.transforms],
            sinks=[named(use) for use in self.sinks],
            stream=stream,
            checks=tuple(
                check._replace(settings=_with_stream(check.settings, stream))
                for check in self.checks
            ),
        )


STREAM = "{stream}"
"""Placeholder for the name of a stream in settings."""


def _with_stream(value: Any, stream: str) -> Any:
    """Return settings with the name of a stream in them."""
    if isinstance(value, str):
        return value.replace(STREAM, stream)
    if isinstance(value, Mapping):
        return {name: _with_stream(each, stream) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_stream(each, stream) for each in value]
    return value


class Report(ABC):
    """Base class of reports: a named composition with a settings model of its own.

    The model's fields are the options of the command line. The model may also have
    these class variables:

    - ``environment``: published names of environment variables, by field;
    - ``alternatives``: groups of fields that together replace one field, as in
      ``{"source": ("source_bucket", "prefix")}``. If two layers set them, the higher
      layer wins; both in one layer are an error.

    Attributes:
        name: Name that users select it by.
        summary: Summary in one line.
        Settings: The pydantic model of its settings.
        table: Further names of its table in SQL; the report's name always works.
        page: Name of the default page of ``reporting render``.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Settings: ClassVar[Any]
    table: ClassVar[str | Sequence[str]] = ()
    page: ClassVar[str | None] = None

    @abstractmethod
    def compose(self, settings: Any) -> PipelineSpec:
        """Return the composition for these settings.

        The method must not look up or open anything.
        """

    @optional
    def answer(self, settings: Any, result: RunResult) -> Mapping[str, Any]:
        """Return further entries (JSON types) for the answer to a trigger.

        They are added to the entries of the result, for callers that expect these
        names.
        """
        return {}

    @optional
    def metrics(self, result: RunResult) -> Mapping[str, tuple[float, str]]:
        """Return value and CloudWatch unit of further metrics, by name.

        A unit is ``Count``, ``Bytes``, ``Milliseconds`` or the like.
        """
        return {}
