"""What an event of an experiment is.

All types are strict; a field that may be null may be absent too.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from reporting_framework import Timestamp

LONGEST_ID = 256

Id = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_ID)]
"""A name or an id: not empty, and short enough to be a part of a key."""

Nested = dict[str, Any]
"""An object of anything. It is kept as the text that it has in the payload."""


class ExperimentEvent(TypedDict):
    """``experiment-event``."""

    event_id: Id
    event_type: Id
    user_id: Id
    timestamp: Timestamp
    experiment_id: NotRequired[Id | None]
    properties: NotRequired[Nested | None]
    metadata: NotRequired[Nested | None]
