"""Type of a date and time in records."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"


def _text_then_moment(_source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return a schema that accepts only strings of this form.

    pydantic alone would accept ``"1704067200"``, and refuse an offset without minutes.
    """
    moment = core_schema.datetime_schema()
    text = core_schema.str_schema(strict=True, pattern=f"^{_TIME}")
    hours = core_schema.str_schema(
        strict=True, pattern=rf"^{_TIME}(:[0-9]{{2}}([.,][0-9]+)?)?[+-][0-9]{{2}}$"
    )
    with_minutes = core_schema.no_info_plain_validator_function(_with_minutes)
    return core_schema.union_schema(
        [
            core_schema.chain_schema([text, moment]),
            core_schema.chain_schema([hours, with_minutes, moment]),
        ],
        mode="left_to_right",
    )


def _with_minutes(text: str) -> str:
    return f"{text}:00"


Timestamp = Annotated[datetime, GetPydanticSchema(_text_then_moment)]
"""ISO 8601 date and time. A time without an offset is UTC, and ``+01`` is ``+01:00``.
Digits after microseconds are dropped.
"""
