"""State of a report: everything that it stores, and its reset."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from reporting_framework._text.commands import prefixed
from reporting_framework._text.messages import redacted
from reporting_framework.errors import PluginError, ReportingError, SettingsError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.progress import ledger_of
from reporting_framework.metadata import removal
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.records import StoredArtifact
    from reporting_framework.plugin_api.result import RunRecord

Part = Literal["all", "quarantine", "hints"]
"""Part of a report that a reset moves to the backup."""

KINDS: Mapping[Part, tuple[str, ...]] = {
    "all": ("output", "quarantine", "hints"),
    "quarantine": ("quarantine", "hints"),
    "hints": ("hints",),
}
"""Kinds of artifacts in each part.

Only a full listing finds quarantined records again, so the quarantine includes the
hints.
"""


EFFECTS: Mapping[Part, str] = {
    "all": "the next run starts from scratch",
    "quarantine": "the next run reads rejected records again",
    "hints": "the next run is a full scan",
}
"""Effect of a reset of each part on the next run."""


ORDER = {
    "output": 0,
    "quarantine": 1,
    "hints": 2,
    "lock": 3,
    "leftover": 3,
}
"""Order in which kinds are shown."""


class ReportState(NamedTuple):
    """Everything that a report stores.

    Attributes:
        stored_artifacts: Artifacts that its sinks and its metadata store list.
        silent: Names of sinks that list no artifacts.
        hints: Sentences on the next run's listing; empty without metadata.
        last: Record of the last run, if the report keeps a history.
        unfinished: Resets that have started and not finished.
        metadata: True if the report has a metadata store.
    """

    stored_artifacts: Sequence[StoredArtifact]
    silent: Sequence[str]
    hints: Sequence[str]
    last: RunRecord | None
    unfinished: Sequence[str] = ()
    metadata: bool = True


def stored(pipeline: Pipeline) -> ReportState:
    """Return everything that a report stores now."""
    store = pipeline.metadata
    with prepared(pipeline) as sinks:
        kept = list(store.stored_artifacts()) if store is not None else []
        silent = [sink.name for sink in sinks if not supports(sink, "stored_artifacts")]
        kept = [
            artifact for sink in sinks for artifact in sink.stored_artifacts()
        ] + kept
        stored_artifacts = sorted(
            dict.fromkeys(kept), key=lambda artifact: ORDER[artifact.kind]
        )
        hints = _describe_next_run(pipeline, store.hints) if store is not None else ()
        history = pipeline.history
        last = next(history.newest(), None) if history is not None else None
        unfinished = unfinished_resets(pipeline)
    return ReportState(
        stored_artifacts, silent, hints, last, unfinished, store is not None
    )


def unfinished_resets(pipeline: Pipeline) -> list[str]:
    """Describe the resets that have started and not finished."""
    store = pipeline.metadata
    reset = store.unfinished_reset() if store is not None else None
    return [reset] if reset else []


def finish_resets(pipeline: Pipeline) -> None:
    """Finish the resets that have started and not finished.

    The caller must know that no other process is finishing them.
    """
    if pipeline.metadata is not None:
        pipeline.metadata.finish_reset(pipeline.sinks, by_hand=True)


def _describe_next_run(pipeline: Pipeline, hints: Mapping[str, Any]) -> Sequence[str]:
    """Describe the next run in sentences."""
    source = pipeline.source
    if supports(source, "describe_hints"):
        try:
            ledger = ledger_of(pipeline)
        except ReportingError as error:
            return [f"a run would fail now: {error}"]
        try:
            return source.describe_hints(ledger)
        except SettingsError as error:
            return [f"a run would fail now: {error}"]
        except ReportingError as error:
            return [f"unknown, since the source does not say: {error}"]
    return [f"{name}: {value}" for name, value in hints.items()] or [
        "the source does not describe it"
    ]


class Reset:
    """Reset of a report: everything is copied to a backup, then removed.

    Args:
        pipeline: Pipeline of the report, with open sinks.
        part: Part to reset.

    Attributes:
        effect: Effect on the next run.
        silent: Names of sinks that cannot be reset.

    Raises:
        PluginError: None of the sinks can be reset.
    """

    def __init__(self, pipeline: Pipeline, part: Part = "all") -> None:
        self._store, self._sinks = pipeline.metadata, pipeline.sinks
        self.silent = [
            sink.name for sink in pipeline.sinks if not supports(sink, "remove")
        ]
        if len(self.silent) == len(pipeline.sinks) and (
            self._store is None or part == "all"
        ):
            raise PluginError(
                f"report {pipeline.report}: none of its sinks can be reset"
                f" ({', '.join(self.silent)}); remove their rows by hand"
            )
        self.effect = EFFECTS[part]
        if part == "quarantine" and ledger_of(pipeline).state is not None:
            self.effect = _continues(pipeline)
        self._chosen = removal.choose(self._store, self._sinks, KINDS[part])
        self._backup = ""

    @property
    def artifacts(self) -> Sequence[StoredArtifact]:
        """Artifacts to reset."""
        return self._chosen.all

    def back_up(self, name: str) -> list[tuple[StoredArtifact, str]]:
        """Copy everything and compare; return each artifact with its copy's place."""
        self._backup = name
        return removal.back_up(self._store, self._sinks, self._chosen, name)

    def restore_command(self, artifact: StoredArtifact, copy: str) -> str:
        """Return a command that puts a copy back."""
        sinks = removal.resettable(self._sinks)
        for sink, found in zip(sinks, self._chosen.outputs, strict=True):
            if artifact in found and (command := sink.restore_command(copy)):
                return command
        return copy_command(copy, artifact.uri)

    def remove(self) -> None:
        """Remove everything that has not changed since it was copied."""
        if self._store is not None:
            backup = self._backup or removal.stamp()
            self._store.reset(self._sinks, self._chosen, backup)
            return
        sinks = removal.resettable(self._sinks)
        for sink, chosen in zip(sinks, self._chosen.outputs, strict=True):
            sink.remove(chosen)


def _continues(pipeline: Pipeline) -> str:
    """Return the effect of a reset of the quarantine if the source has a state.

    The text names the command that reads rejected records again.
    """
    report, _, _ = pipeline.report.partition("/")
    if "full_scan" in getattr(pipeline.source.Settings, "model_fields", {}):
        words = f"reporting run {report} --set source.full_scan=true {pipeline.words}"
        advice = f"a full scan does: {prefixed(words.rstrip())}"
    else:
        command = pipeline.command("state", "reset")
        advice = f"a run after a reset of everything does: {command}"
    return (
        "the next run continues from the source state, so it does not read rejected"
        f" records again; {advice}"
    )


def copy_command(source: str, target: str) -> str:
    """Return a shell command that copies a file or object over another."""
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
