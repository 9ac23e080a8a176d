"""The sink ``dynamodb-counters``: event and user counts in a DynamoDB table."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_aws.aws_errors import Kind, ServiceError, call
from reporting_aws.clients import client
from reporting_aws.counters_settings import DynamoDbCountersSettings
from reporting_aws.markers import Key
from reporting_aws.permissions import counting
from reporting_aws.staging import Staged, Stager
from reporting_aws.tables import Backoff, failure
from reporting_aws.transactions import Counted, Event, Transactions, groups, update
from reporting_framework import (
    ROWS_ONLY,
    CommitContext,
    CommitResult,
    Permission,
    ReadFailure,
    Sink,
    Split,
    StagedPart,
    WriteMode,
)
from reporting_framework.plugin_api.result import Output

HINT = (
    "its keys must be the strings partition_key and sort_key, and existing values of"
    " event_count and unique_users must be numbers"
)

GIVE_UP = 3
"""Number of failed groups in a row after which the rest is returned as failed without
a request, because a function's time is limited.
"""

AWAY = ServiceError(Kind.UNAVAILABLE, "GivenUp")

_log = logging.getLogger(__name__)


class DynamoDbCounters(Sink):
    """Counter of events and, with ``exactly-once``, of the distinct users among them.

    Delivery ``exactly-once``: see `reporting_aws.transactions`. The sink keeps no
    ledger: it recognises a redelivered event by its marker, for `marker_days`. Of
    several copies of an event, the first is counted; the others succeed or fail with
    it.

    Delivery ``at-least-once``: one request per counter and commit, without markers. A
    redelivered event is counted again, and `unique_users` is not written.

    Rows that cannot be counted for a temporary reason are returned in
    `CommitResult.failed`; the other rows are counted.
    """

    name: ClassVar[str] = "dynamodb-counters"
    Settings: ClassVar[type[DynamoDbCountersSettings]] = DynamoDbCountersSettings

    def __init__(self, settings: DynamoDbCountersSettings) -> None:
        self.settings = settings
        self._stager: Stager | None = None

    @classmethod
    @override
    def aws_permissions(
        cls, settings: DynamoDbCountersSettings
    ) -> Sequence[Permission]:
        return counting(settings.table, markers=settings.delivery == "exactly-once")

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        self._stager = Stager(self.settings, schema, self._label)

    @classmethod
    @override
    def check_schema(
        cls,
        settings: DynamoDbCountersSettings,
        schema: pl.Schema,
        mode: WriteMode = "append",
    ) -> None:
        Stager(settings, schema, cls(settings)._label)

    def ledger(self) -> None:
        """See `Sink.ledger`: there is none."""

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """See `Sink.stage`. Nothing is written yet."""
        if self._stager is None:
            raise AssertionError("dynamodb-counters: stage was called before open")
        return StagedPart(frame.height, self._stager.stage(frame, split.id, part))

    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """See `Sink.commit`.

        Events that were counted before an error stay counted, and are recognised when
        they are delivered again.

        Raises:
            AccessDenied: The table may not be read or written.
            LocationError: The table does not exist or has other keys.
        """
        staged: list[Staged] = sorted(
            (staged_part.data for staged_part in staged_parts),
            key=lambda staged_part: (staged_part.split, staged_part.part),
        )
        exactly = self.settings.delivery == "exactly-once"
        new, duplicates, failed = (
            self._count_events(staged) if exactly else self._count_rows(staged)
        )
        if failed:
            reasons = Counter(item.reason for item in failed)
            summary = ", ".join(
                f"{number} x {reason}" for reason, number in sorted(reasons.items())
            )
            _log.warning(
                "%s: rows not counted, to be delivered again: %s", self._label, summary
            )
        output = Output(
            uri=f"dynamodb://{self.settings.table}",
            rows=new,
            new_rows=new,
            bytes=0,
            version=None,
        )
        return CommitResult(
            outputs=[output], duplicates=duplicates if exactly else None, failed=failed
        )

    def _count_events(
        self, staged: Sequence[Staged]
    ) -> tuple[int, int, list[ReadFailure]]:
        """Count each event once.

        Returns:
            Number of new events, number of duplicate rows, and the failed rows.
        """
        events: dict[str, Event] = {}
        for event in (event for part in staged for event in part.events()):
            if (first := events.setdefault(event.marker, event)) is not event:
                first.source_keys += event.source_keys
        if not events:
            return 0, 0, []
        transactions = Transactions(
            client("dynamodb", attempts=1),
            self.settings.table,
            self.settings.marker_days,
        )
        new, duplicates, failed, attempts = (
            0,
            0,
            list[ReadFailure](),
            self.settings.attempts,
        )
        away = 0  # groups in a row that failed
        for group in groups(events.values()):
            counted = (
                transactions.count(group, attempts)
                if away < GIVE_UP
                else Counted(trouble=AWAY)
            )
            source_keys = [
                source_key for event in group for source_key in event.source_keys
            ]
            if counted.trouble is None:
                attempts, away = self.settings.attempts, 0
                new, duplicates = (
                    new + counted.new,
                    duplicates + len(source_keys) - counted.new,
                )
                continue
            failed += self._failed(counted.trouble, source_keys)
            if counted.trouble.kind is not Kind.CONTENDED:
                # each attempt may take seconds; until the table answers again, each
                # remaining group is tried only once
                attempts = 1
                away += 1
        return new, duplicates, failed

    def _count_rows(
        self, staged: Sequence[Staged]
    ) -> tuple[int, int, list[ReadFailure]]:
        """Count each row, also a row that was counted before.

        A row that failed in one counter is left out of the following counters.
        """
        rows: dict[Key, list[str]] = {}
        for part in staged:
            for event in part.events():
                for counter in event.counters:
                    rows.setdefault(counter, []).extend(event.source_keys)
        failed: dict[str, ReadFailure] = {}
        attempts, away = self.settings.attempts, 0
        for counter, source_keys in sorted(rows.items()):
            left = [
                source_key for source_key in source_keys if source_key not in failed
            ]
            if not left:
                continue
            trouble = (
                self._add(counter, len(left), attempts) if away < GIVE_UP else AWAY
            )
            attempts, away = (
                (self.settings.attempts, 0) if trouble is None else (1, away + 1)
            )
            if trouble is not None:
                failed.update(
                    {item.source_key: item for item in self._failed(trouble, left)}
                )
        return (
            sum(len(part.source_keys) for part in staged) - len(failed),
            0,
            list(failed.values()),
        )

    def _add(self, counter: Key, number: int, attempts: int) -> ServiceError | None:
        request = update(self.settings.table, counter, event_count=number)
        dynamodb, patience = client("dynamodb", attempts=1), Backoff(attempts)
        while True:
            response = call(dynamodb.update_item, **request)
            if not isinstance(response, ServiceError):
                return None
            if not response.passes or not patience.again():
                return response

    def _failed(
        self, trouble: ServiceError, source_keys: Sequence[str]
    ) -> list[ReadFailure]:
        if not trouble.passes:
            raise failure(trouble, self._label, self.settings.table, HINT)
        return [
            ReadFailure(source_key, f"{self.name}: {trouble.kind}")
            for source_key in source_keys
        ]

    @property
    def _label(self) -> str:
        return f"sink {self.name}"
