"""Settings of the sink ``dynamodb-counters``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from reporting_aws.names import TABLE_NAME
from reporting_aws.templates import parse
from reporting_framework.plugin_api.settings import Settings

MAX_COUNTERS = 49
"""Each takes two items of a transaction (a counter, a marker of a user) beside the
event's marker, of 100 in all.
"""


def _template(value: str) -> str:
    parse(value)
    return value


Template = Annotated[str, AfterValidator(_template)]


class Counter(Settings):
    """Which item an event is counted in.

    In a template, ``{column}`` stands for a column's value and
    ``{timestamp:%Y-%m-%d-%H}`` for the moment of the event in UTC; ``timestamp`` is the
    column that the setting of this name names. A null is written as ``none``. In a
    value, ``#``, ``%`` and control characters are percent-encoded; between two
    placeholders there must be a ``#``.
    """

    partition_key: Template = Field(description="Template of the item's partition key")
    sort_key: Template = Field(description="Template of the item's sort key")


class DynamoDbCountersSettings(Settings):
    """Settings of the sink ``dynamodb-counters``."""

    table: str = Field(
        pattern=TABLE_NAME,
        description=(
            "Table with the keys partition_key and sort_key (strings) and time to live"
            " on expires_at"
        ),
    )
    event_id: str = Field(
        "event_id",
        description=(
            "Column that says which event it is; where null, its source key does"
        ),
    )
    user_id: str = Field(
        "user_id", description="Column that says whose event it is; null is nobody's"
    )
    timestamp: str = Field(
        "timestamp", description="Column (Datetime) that {timestamp:...} stands for"
    )
    counters: list[Counter] = Field(
        min_length=1,
        max_length=MAX_COUNTERS,
        description="The items in which each event is counted",
    )
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        "exactly-once",
        description=(
            "Count each event once and distinct users exactly, with markers in"
            " transactions; or events alone, cheaply, those that come again once more"
        ),
    )
    marker_days: float = Field(
        8,
        gt=0,
        le=3650,
        description=(
            "How long it is known that an event or a user was counted: longer than an"
            " event can come again (Kinesis keeps records for up to 7 days unless set"
            " otherwise) and than the time that a counter is for"
        ),
    )
    attempts: int = Field(
        10,
        ge=1,
        le=50,
        description="How often a group of events is tried before it is given back",
    )

    @field_validator("counters")
    @classmethod
    def _distinct(cls, value: list[Counter]) -> list[Counter]:
        if len({(counter.partition_key, counter.sort_key) for counter in value}) < len(
            value
        ):
            raise ValueError("two counters are the same")
        return value
