"""The base class of reports, and the plain data that a report composes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from reporting_framework.plugin_api.base import optional

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.plugin_api.result import RunResult


class PluginRef(NamedTuple):
    """A plugin by name, with its settings.

    Attributes:
        name: The name that the plugin was registered under.
        settings: What its `Settings` model is made from.
    """

    name: str
    settings: Mapping[str, Any] = {}


class PipelineSpec(NamedTuple):
    """A report as plain data: which plugins, with which settings.

    Attributes:
        source: Where records come from.
        validator: What tells good records from bad ones.
        sinks: Where accepted rows go.
        transforms: What shapes them, in this order.
        engine: What runs the work.
        write_mode: What runs do to the tables of the sinks, unless a sink has a
            setting ``write_mode`` of its own.
        metadata: URI of the folder for all that the report keeps but its rows; `None`:
            the first sink's `Sink.metadata_location` decides.
        stream: The stream of the source that is read; `None`: all, or it has none.
    """

    source: PluginRef
    validator: PluginRef
    sinks: Sequence[PluginRef]
    transforms: Sequence[PluginRef] = ()
    engine: PluginRef = PluginRef("local")
    write_mode: WriteMode = "append"
    metadata: str | None = None
    stream: str | None = None

    def of_stream(self, stream: str) -> PipelineSpec:
        """Return the pipeline of one stream of the source.

        ``{stream}`` in settings of validator, transforms and sinks becomes its name.
        """

        def named(use: PluginRef) -> PluginRef:
            return use._replace(settings=_with_stream(use.settings, stream))

        return self._replace(
            validator=named(self.validator),
            transforms=[named(use) for use in self.transforms],
            sinks=[named(use) for use in self.sinks],
            stream=stream,
        )


STREAM = "{stream}"
"""Text that stands for the name of a stream in settings."""


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

    The model's fields are the options of the command line. Beside the fields it may
    say, as class variables:

    - ``environment``: published names of environment variables, by field;
    - ``alternatives``: fields that stand together in the place of one, as in
      ``{"source": ("source_bucket", "prefix")}``; the higher of two layers wins, both
      in one layer are refused.

    Attributes:
        name: Name that users select it by.
        summary: What it is, in a line.
        Settings: The pydantic model of its settings.
        table: Other names of its table in SQL, beside the report's own.
        page: Name of the page that ``reporting render`` makes unless another is asked
            for.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Settings: ClassVar[Any]
    table: ClassVar[str | Sequence[str]] = ()
    page: ClassVar[str | None] = None

    @abstractmethod
    def compose(self, settings: Any) -> PipelineSpec:
        """Return the composition for these settings.

        It looks nothing up and opens nothing.
        """

    @optional
    def answer(self, settings: Any, result: RunResult) -> Mapping[str, Any]:
        """Return further entries (JSON types) for the answer to a trigger.

        The answer holds them beside those of the result, for those who know the results
        by these names.
        """
        return {}

    @optional
    def metrics(self, result: RunResult) -> Mapping[str, tuple[float, str]]:
        """Return value and CloudWatch unit of metrics beside the general ones.

        A unit is ``Count``, ``Bytes``, ``Milliseconds`` or the like.
        """
        return {}
