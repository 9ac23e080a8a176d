"""Permissions in DynamoDB that the transform and the sink need.

Transactions have no action of their own: each part needs the action that it would need
alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from reporting_framework import Permission


def reading(tables: Iterable[str]) -> list[Permission]:
    """Return the permissions to look items up."""
    return [
        Permission(("dynamodb:BatchGetItem",), _arn(table))
        for table in dict.fromkeys(tables)
    ]


def counting(table: str, *, markers: bool) -> list[Permission]:
    """Return the permissions to add to counters and, if needed, to use markers."""
    reads = ("dynamodb:BatchGetItem", "dynamodb:PutItem") if markers else ()
    return [Permission((*reads, "dynamodb:UpdateItem"), _arn(table))]


def _arn(table: str) -> str:
    return f"arn:aws:dynamodb:*:*:table/{table}"
