"""What an event of an experiment is. All types are strict; a field that may be null may be absent too."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NotRequired

from pydantic import Field, GetPydanticSchema
from pydantic_core import core_schema
from typing_extensions import TypedDict

LONGEST_ID = 256

Id = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_ID)]
"""A name or an id: not empty, and short enough to be a part of a key."""

_TEXT = core_schema.str_schema(strict=True, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}")

Moment = Annotated[
    datetime,
    GetPydanticSchema(lambda _source, _handler: core_schema.chain_schema([_TEXT, core_schema.datetime_schema()])),
]
"""ISO 8601 date and time; without an offset it is UTC. Beyond microseconds it is cut."""

Nested = dict[str, Any]
"""An object of anything. It is kept as the text that it has in the payload."""


class ExperimentEvent(TypedDict):
    """``experiment-event``."""

    event_id: Id
    event_type: Id
    user_id: Id
    timestamp: Moment
    experiment_id: NotRequired[Id | None]
    properties: NotRequired[Nested | None]
    metadata: NotRequired[Nested | None]
