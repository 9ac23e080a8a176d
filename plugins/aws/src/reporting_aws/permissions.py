"""What the transform and the sink must be allowed to do in DynamoDB.

There is no action for transactions: each part of one needs the action that it would
need alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from reporting_framework import Permission


def reading(tables: Iterable[str]) -> list[Permission]:
    """To look items up."""
    return [
        Permission(("dynamodb:BatchGetItem",), _arn(table))
        for table in dict.fromkeys(tables)
    ]


def counting(table: str, *, markers: bool) -> list[Permission]:
    """To add to counters, and, with markers, to read and write these."""
    reads = ("dynamodb:BatchGetItem", "dynamodb:PutItem") if markers else ()
    return [Permission((*reads, "dynamodb:UpdateItem"), _arn(table))]


def _arn(table: str) -> str:
    return f"arn:aws:dynamodb:*:*:table/{table}"
