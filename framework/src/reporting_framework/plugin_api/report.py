"""The interface of a report, and the plain data that it composes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pydantic import BaseModel

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
    """A report as plain data: which plugins, with which settings."""

    source: PluginRef
    validator: PluginRef
    sinks: Sequence[PluginRef]
    transforms: Sequence[PluginRef] = ()
    engine: PluginRef = PluginRef("local")


class Report(Protocol):
    """A named composition with a settings model of its own.

    Beside `compose` it may have `answer` and `metrics`, see `Answering`, and the class
    variables ``table``, what its table is called in SQL beside the report's own name,
    and ``page``, the name of the page that ``reporting render`` makes unless another is
    asked for. The model's fields are the options of the command line. Beside the fields
    it may say, as class variables:

    - ``environment``: published names of environment variables, by field;
    - ``alternatives``: fields that stand together in the place of one, as in
      ``{"source": ("source_bucket", "prefix")}``; the higher of two layers wins, both
      in one layer are refused.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class
        """Return the pydantic model of its settings.

        This is a class attribute (read-only here, so that any model will do).
        """
        ...

    def compose(self, settings: Any) -> PipelineSpec:
        """The composition for these settings. Looks nothing up and opens nothing."""
        ...


@runtime_checkable
class Answering(Protocol):
    """Optional interface of a report that gives its results names of its own.

    It is there for those who know the results by these names.
    """

    def answer(self, settings: Any, result: RunResult) -> Mapping[str, Any]:
        """Return further entries (JSON types) for the answer to a trigger.

        The answer holds them beside those of the result.
        """
        ...

    def metrics(self, result: RunResult) -> Mapping[str, tuple[float, str]]:
        """Return value and CloudWatch unit of metrics beside the general ones.

        A unit is ``Count``, ``Bytes``, ``Milliseconds`` or the like.
        """
        ...
