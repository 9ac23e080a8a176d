"""Compaction of a report's outputs: small files become few files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.errors import PluginError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.plugin_errors import call, owner_of
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.records import CompactResult


class Compacted(NamedTuple):
    """Result for one sink.

    Attributes:
        sink: Name of the sink.
        result: Result of its compaction, `None` if it has no files to merge.
    """

    sink: str
    result: CompactResult | None


def compact(pipeline: Pipeline) -> Sequence[Compacted]:
    """Compact the output of each sink that supports it.

    Raises:
        CommitConflict: A reset is under way, or other runs changed a table before each
            retry.
        PluginError: None of the sinks can be compacted.
    """
    with prepared(pipeline, changing=True) as sinks:
        if not any(supports(sink, "compact") for sink in sinks):
            names = ", ".join(sink.name for sink in sinks)
            raise PluginError(
                f"report {pipeline.report}: none of its sinks can be compacted"
                f" ({names}); only a sink of several files can, such as parquet-dataset"
            )
        if pipeline.metadata is not None:
            pipeline.metadata.refuse_reset()
        return [
            Compacted(
                sink.name,
                call(owner_of(sink), sink.compact)
                if supports(sink, "compact")
                else None,
            )
            for sink in sinks
        ]
