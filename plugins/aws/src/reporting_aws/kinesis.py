"""The source ``kinesis``: records of a stream, delivered by an event source mapping."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile
from typing import Any, ClassVar

import polars as pl

from reporting_aws.push_source import Pushed


class Kinesis(Pushed):
    """Records of a stream; the source key is shard and sequence number.

    The answer names the first record that must be delivered again. The stream then
    delivers that record and all later ones, so no later record goes to the dead-letter
    queue early. The event source mapping must report batch item failures.
    """

    name: ClassVar[str] = "kinesis"
    triggers: ClassVar[frozenset[str]] = frozenset({"kinesis"})
    ascii: ClassVar[bool] = True

    def messages(self, event: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the event id of each record, and its data in base64.

        An event id looks like
        ``shardId-000000000006:49590338271490256608559692538361571095921575989136588898``.
        """
        return [
            (record["eventID"], record["kinesis"]["data"])
            for record in event["Records"]
        ]

    def decode(self, data: Sequence[str]) -> list[bytes | None]:
        """Decode base64 with polars, in half the time of `base64`."""
        return (
            pl.Series(data, dtype=pl.String)
            .str.decode("base64", strict=False)
            .to_list()
        )

    def response(self, failed: Sequence[str]) -> Any:
        """Return the answer with the first failed record of each shard."""
        first: dict[str, str] = {}
        for source_key in failed:
            shard, _, number = source_key.rpartition(":")
            first.setdefault(shard, number)
        return {
            "batchItemFailures": [
                {"itemIdentifier": number} for number in first.values()
            ]
        }

    def final_messages(self, failed: Collection[str]) -> Collection[str]:
        """Return the records before the first failure of their shard."""
        shards: dict[str, list[str]] = {}
        for source_key in self.source_keys:
            shards.setdefault(source_key.rpartition(":")[0], []).append(source_key)
        return {
            key
            for keys in shards.values()
            for key in takewhile(lambda key: key not in failed, keys)
        }
