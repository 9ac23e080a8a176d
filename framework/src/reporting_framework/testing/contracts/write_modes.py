"""Promises of write modes and source state; a part of `SinkContract`."""

from __future__ import annotations

from reporting_framework.testing.contracts.replacements import ReplaceContract
from reporting_framework.testing.contracts.upsert_runs import UpsertRunsContract
from reporting_framework.testing.contracts.upserts import UpsertContract


class WriteModesContract(UpsertContract, UpsertRunsContract, ReplaceContract):
    """Promises of the write modes; skipped for modes that a sink does not have.

    Optional, in addition to `SinkContract`:
        edition: Fixture: a function from a number and the number of an edition to a
            frame with one row: the same number gives the same source key, with other
            values for each edition. By default made from `rows`.

    For a sink that supports ``upsert``, `visible` also returns `VERSION` (String) and
    `DELETED_AT` (Datetime us UTC), and deleted rows that are kept.
    """
