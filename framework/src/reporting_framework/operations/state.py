"""What a report keeps: told, and set aside so that it begins anew."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from reporting_framework._text.messages import redacted
from reporting_framework.errors import PluginError, ReportingError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.progress import ledger_of
from reporting_framework.execution.run_history import newest_of
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.records import StoredArtifact
    from reporting_framework.plugin_api.result import RunRecord
    from reporting_framework.plugin_api.sink import Sink

Part = Literal["all", "quarantine", "bookmark"]
"""What is reset."""

KINDS: Mapping[Part, tuple[str, ...]] = {
    "all": ("output", "quarantine", "bookmark"),
    "quarantine": ("quarantine", "bookmark"),
    "bookmark": ("bookmark",),
}
"""What goes with each part. What was in quarantine is only found again by a full
listing.
"""


class ReportState(NamedTuple):
    """What a report keeps.

    Attributes:
        belongings: All that its sinks tell of.
        silent: Names of sinks that tell nothing.
        bookmark: What the next run will list, in sentences; none where no sink has a
            quarantine.
        last: What its last run left behind, where a sink keeps a history.
        unfinished: Resets that have begun and not ended.
    """

    belongings: Sequence[StoredArtifact]
    silent: Sequence[str]
    bookmark: Sequence[str]
    last: RunRecord | None
    unfinished: Sequence[str] = ()


def stored(pipeline: Pipeline) -> ReportState:
    """What a report keeps, as it is now."""
    belongings: list[StoredArtifact] = []
    silent, bookmark = [], None
    with prepared(pipeline) as sinks:
        for sink in sinks:
            if supports(sink, "belongings"):
                belongings += sink.belongings()
            else:
                silent.append(sink.name)
            if bookmark is None and (quarantine := sink.quarantine()) is not None:
                bookmark = _describe_next_run(pipeline, sinks, quarantine.bookmark)
        last = next(newest_of(sinks), None)
        return ReportState(
            belongings, silent, bookmark or (), last, unfinished_resets(pipeline)
        )


def unfinished_resets(pipeline: Pipeline) -> list[str]:
    """Describe the resets that have begun and not ended."""
    unfinished = [sink.unfinished_reset() for sink in pipeline.sinks]
    return [reset for reset in unfinished if reset]


def finish_resets(pipeline: Pipeline) -> None:
    """Finish the resets that have begun and not ended.

    This is done because a person says that nothing else does so.
    """
    for sink in pipeline.sinks:
        sink.finish_reset(by_hand=True)


def _describe_next_run(
    pipeline: Pipeline, sinks: Sequence[Sink], bookmark: Mapping[str, Any]
) -> Sequence[str]:
    """Describe the next run, in sentences."""
    source = pipeline.source
    if supports(source, "describe_hints"):
        try:
            ledger = ledger_of(pipeline)
        except ReportingError as error:
            return [f"a run that began now would fail: {error}"]
        return source.describe_hints(ledger)
    return [f"{name}: {value}" for name, value in bookmark.items()] or ["there is none"]


class Reset:
    """The setting aside of what a report keeps.

    First there are copies of everything, then nothing but the copies.

    Args:
        pipeline: The report, its sinks prepared.
        part: What of it.

    Attributes:
        found: What there is to set aside.
        silent: Names of sinks that keep what they have.

    Raises:
        PluginError: None of its sinks can be reset.
    """

    def __init__(self, pipeline: Pipeline, part: Part = "all") -> None:
        self._report = pipeline.report
        self._sinks = [sink for sink in pipeline.sinks if supports(sink, "remove")]
        self.silent = [
            sink.name for sink in pipeline.sinks if not supports(sink, "remove")
        ]
        if not self._sinks:
            raise PluginError(
                f"report {pipeline.report}: none of its sinks can be reset"
                f" ({', '.join(self.silent)}); what they keep must be removed by hand"
            )
        self._chosen: list[list[StoredArtifact]] = []
        for sink in self._sinks:
            self._chosen.append(
                [
                    artifact
                    for artifact in sink.belongings()
                    if artifact.kind in KINDS[part]
                ]
            )

    @property
    def found(self) -> Sequence[StoredArtifact]:
        """See above."""
        return [artifact for chosen in self._chosen for artifact in chosen]

    def back_up(self, name: str) -> list[tuple[StoredArtifact, str]]:
        """Copy everything, and compare; each with the place of its copy.

        See `Sink.back_up`.
        """
        copies: list[tuple[StoredArtifact, str]] = []
        for sink, chosen in zip(self._sinks, self._chosen, strict=True):
            copies += zip(chosen, sink.back_up(chosen, name), strict=True)
        return copies

    def remove(self) -> None:
        """Remove everything that is still as it was copied. See `Sink.remove`."""
        for sink, chosen in zip(self._sinks, self._chosen, strict=True):
            sink.remove(chosen)


def copy_command(source: str, target: str) -> str:
    """A shell command that copies one file or object over another."""
    if not source.startswith("s3://"):
        return shlex.join(["cp", "-p", source, target])
    endpoint = redacted(
        os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
        or ""
    )
    return shlex.join(
        [
            "aws",
            "s3",
            "cp",
            source,
            target,
            *(["--endpoint-url", endpoint] if endpoint else []),
        ]
    )
