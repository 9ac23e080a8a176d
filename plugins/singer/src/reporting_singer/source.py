"""Source of the records of a Singer tap."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import Permission, PlanStats, RecordSource, Shape
from reporting_framework.errors import SettingsError, StepFailed
from reporting_framework.plugin_api.records import Batch, CheckResult, WriteMode
from reporting_singer.catalog import Catalog, TapStream
from reporting_singer.discovery import catalog_of, forget, seen
from reporting_singer.private_files import PrivateFiles
from reporting_singer.problems import TapFailed
from reporting_singer.reading import Reading
from reporting_singer.secrets import permissions
from reporting_singer.settings import SingerSettings
from reporting_singer.tap import Tap
from reporting_singer.tap_process import TapProcess

if TYPE_CHECKING:
    from reporting_framework import RunLedger

_log = logging.getLogger(__name__)


class Singer(RecordSource):
    """Source that runs a Singer tap, and reads what it writes.

    The tap runs once for all streams. Its last state is committed with the rows, and
    the next run starts it with that state. If it fails, what its last state covers is
    kept, and the run is partial; without a state, the run fails.
    """

    name = "singer"
    Settings = SingerSettings
    output_format: ClassVar[Shape] = "frames"
    versions_ordered = True
    reads_streams_together = True

    def __init__(self, settings: SingerSettings) -> None:
        super().__init__(settings)
        self._tap = Tap(settings)
        self._process: TapProcess | None = None
        self._whole: frozenset[str] = frozenset()
        self._stopped = False

    @property
    @override
    def write_modes(self) -> frozenset[WriteMode]:
        """All modes for a full scan; a part of the records cannot replace a table."""
        modes: frozenset[WriteMode] = frozenset({"append", "upsert"})
        return modes | {"replace"} if self.settings.full_scan else modes

    @override
    def streams(self) -> Sequence[str]:
        """Return the selected streams of the tap's catalog."""
        return [stream.name for stream in self._streams]

    @classmethod
    @override
    def declared_streams(cls, settings: SingerSettings) -> Sequence[str] | None:
        """Return `None`: the catalog has the names."""
        return None

    @override
    def describe_hints(self, ledger: RunLedger) -> Sequence[str]:
        """Return one sentence: the state that the tap starts with."""
        if self._start(ledger) is None:
            return ["Starts the tap without a state: it reads everything."]
        return ["Starts the tap with its last committed state."]

    @property
    @override
    def primary_key(self) -> Sequence[str]:
        """Key of the selected stream."""
        return () if self.stream is None else self._selected().key

    @override
    def schema(self) -> pl.Schema | None:
        """Return the columns of the selected stream."""
        return None if self.stream is None else self._selected().schema

    @override
    def pages(self, after: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield the records of the tap, which starts with the state of `after`.

        Raises:
            StepFailed: The tap failed, and has written no state before.
            TapFailed: The tap failed later.
        """
        settings, state = self.settings, None if after is None else after["state"]
        catalog = self._catalog
        forget(settings, self._tap)
        reading = Reading(self._streams, settings, state)
        with PrivateFiles() as files:
            arguments: list[str] = []
            if settings.discover or settings.catalog is not None:
                content = catalog.selecting(settings.streams, settings.metadata)
                path = files.write("catalog.json", content)
                arguments += [settings.catalog_option, path]
            if state is not None:
                arguments += ["--state", files.write("state.json", state)]
            reached = False
            with self._tap.started(files, *arguments) as (self._process, log):
                try:
                    for batch in self._batches(reading, self._process):
                        reached = reached or batch.position is not None
                        yield batch
                except TapFailed as error:
                    self._process.stop()
                    message = (
                        f"source singer: tap {self._tap.name}: {error}"
                        f"{seen(log.summary())}"
                    )
                    if reached:
                        raise TapFailed(message) from error
                    raise StepFailed(
                        f"{message}; it had written no state, so nothing is kept"
                    ) from error
                finally:
                    if summary := log.summary():
                        _log.info("tap %s has logged %s", self._tap.name, summary)

    @override
    def plan_stats(self) -> PlanStats:
        """Return the statistics; some streams may have been read as a whole."""
        return PlanStats(
            exhausted=not self._stopped,
            stopped=self._stopped,
            snapshot_streams=self._whole,
        )

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """Return the check that the tap starts and has streams."""
        return {"tap": self._described}

    @classmethod
    @override
    def aws_permissions(cls, settings: SingerSettings) -> Sequence[Permission]:
        """Return the permissions to read the secrets of the tap's configuration."""
        return [*permissions(settings.config), *permissions(settings.env)]

    @override
    def close(self) -> None:
        """Stop the tap if it runs."""
        if self._process is not None:
            self._process.close()

    def _batches(self, reading: Reading, process: TapProcess) -> Iterator[Batch]:
        """Yield the batches of a reading, and what came before if the tap fails."""
        until = time.monotonic() + (self.settings.max_seconds or float("inf"))
        try:
            for chunk in process.chunks():
                yield from reading.read(chunk)
                if time.monotonic() > until:
                    self._stopped = True
                    process.stop()
                    yield from reading.flush()
                    return
            if code := process.finish():
                raise TapFailed(f"it ended with {_exit(code)}")
            yield from reading.end()
        except TapFailed:
            yield from reading.flush()
            raise
        self._whole = reading.whole()

    @cached_property
    def _catalog(self) -> Catalog:
        return catalog_of(self.settings, self._tap)

    @cached_property
    def _streams(self) -> list[TapStream]:
        settings = self.settings
        try:
            return self._catalog.streams(
                settings.streams, settings.keys, settings.schemas
            )
        except SettingsError:
            forget(settings, self._tap)
            raise

    def _selected(self) -> TapStream:
        return next(each for each in self._streams if each.name == self.stream)

    def _described(self) -> CheckResult:
        names = self.streams()
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        return CheckResult("ok", f"{self._tap.name}: {len(names)} streams: {shown}")


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
