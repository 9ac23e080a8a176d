"""Model of an event of an experiment.

All types are strict; a field that may be null may also be missing.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from reporting_framework import Timestamp

LONGEST_ID = 256

Id = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_ID)]
"""A name or an id: not empty, and short enough to be part of a key."""

Nested = dict[str, Any]
"""Any object; it is stored as the text in the payload."""


class ExperimentEvent(TypedDict):
    """Event of an experiment, as the validator ``experiment-event`` accepts it."""

    event_id: Id
    event_type: Id
    user_id: Id
    timestamp: Timestamp
    experiment_id: NotRequired[Id | None]
    properties: NotRequired[Nested | None]
    metadata: NotRequired[Nested | None]
