"""Promises of a source that reads its streams together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from reporting_framework.plugin_api.records import Batch, FinishedSplit
from reporting_framework.testing.contracts.base import differing, not_promised
from reporting_framework.testing.contracts.stateful_source import (
    Expected,
    StatefulSourceContract,
)
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_framework.testing.harness.source_harness import found_in, through_json

PutInto = Callable[[str, int, int], Expected]
"""Function that adds a record to a stream, by its number, at a tick."""

Records = Mapping[str, Any]
"""Records by stream and source key, as in ``orders: orders/17``."""


class Reading(NamedTuple):
    """Reading of all streams, or of its first batches.

    Attributes:
        batches: Number of batches.
        records: Records that came out.
        state: State to start the next reading from.
    """

    batches: int
    records: Records
    state: Mapping[str, Any] | None


class SharedStreamsContract(StatefulSourceContract):
    """Promises of `Source.reads_streams_together`; do not inherit it directly."""

    @pytest.fixture
    def put_into(self) -> PutInto:
        """Return a function that adds a record to a stream."""
        not_promised("it does not read its streams together")

    @pytest.fixture
    def read_all(
        self, settings: Mapping[str, Any], put_into: PutInto
    ) -> Callable[..., Reading]:
        """Return a function that reads all streams at once."""

        def read(state: Any = None, first: int | None = None) -> Reading:
            source = self.plugin(self.plugin.Settings.model_validate(dict(settings)))
            try:
                return _read(source, state, first)
            finally:
                source.close()

        return read

    @pytest.fixture
    def in_streams(self, settings: Mapping[str, Any], put_into: PutInto) -> Records:
        """Return records that are in all streams, in turn."""
        source = self.plugin(self.plugin.Settings.model_validate(dict(settings)))
        streams = source.streams()
        source.close()
        assert len(streams) > 1, "there are streams to read together: give two or more"
        due: dict[str, Any] = {}
        for number in range(3 * len(streams)):
            stream = streams[number % len(streams)]
            key, record = put_into(stream, number, 10 * number)
            due[f"{stream}: {key}"] = record
        return due

    def test_each_page_is_fetched_once_for_all_streams(
        self, read_all: Callable[..., Reading], in_streams: Records, feed: Any
    ) -> None:
        """Check that no request is made again for another stream."""
        feed.fetched()
        read_all()
        requests = feed.fetched()
        assert len(set(requests)) == len(requests), (
            f"each page is fetched once for all streams: {len(requests)} requests,"
            f" {len(set(requests))} different ones"
        )

    def test_each_batch_names_its_stream(
        self, read_all: Callable[..., Reading], in_streams: Records
    ) -> None:
        """Check that all records come out, each in a batch that names its stream."""
        records = read_all().records
        assert records == in_streams, differing(
            records, in_streams, "each batch names its stream"
        )

    def test_the_position_is_that_of_all_streams(
        self, read_all: Callable[..., Reading], in_streams: Records
    ) -> None:
        """Check that no record is lost of any stream wherever a reading ends."""
        for first in range(1, read_all().batches + 1):
            ended = read_all(first=first)
            assert through_json(ended.state) == ended.state, "a state survives JSON"
            following = read_all(ended.state)
            records = {**ended.records, **following.records}
            assert records == in_streams, differing(
                records,
                in_streams,
                f"the position is that of all streams: after {first} batches",
            )


def _read(source: Any, state: Any, first: int | None) -> Reading:
    """Read all streams, or the first batches of the reading."""
    records: dict[str, Any] = {}
    done: list[FinishedSplit] = []
    count = 0
    for split in source.plan(KnownObjects(state=state)):
        position, whole = None, True
        for batch in source.read(split):
            count += 1
            records.update(_named(batch))
            position = batch.position or position
            if count == first:
                whole = False
                break
        if whole or position:
            done.append(FinishedSplit(split, position, whole))
        if not whole:
            break
    reached = source.next_state(done)
    return Reading(count, records, state if reached is None else reached)


def _named(batch: Batch) -> Iterator[tuple[str, Any]]:
    for key, record in found_in([batch]).items():
        yield f"{batch.stream}: {key}", record
