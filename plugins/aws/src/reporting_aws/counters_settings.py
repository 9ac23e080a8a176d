"""Settings of the sink ``dynamodb-counters``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from reporting_aws.names import TABLE_NAME
from reporting_aws.templates import parse
from reporting_framework.plugin_api.settings import Settings

MAX_COUNTERS = 49
"""Most counters of an event: each needs two of a transaction's 100 items (a counter and
a user's marker), and the event's marker needs one.
"""


def _template(value: str) -> str:
    parse(value)
    return value


Template = Annotated[str, AfterValidator(_template)]


class Counter(Settings):
    """Keys of the item that an event is counted in.

    In a template, ``{column}`` is replaced by a column's value and
    ``{timestamp:%Y-%m-%d-%H}`` by the event's time in UTC; ``timestamp`` means the
    column that the setting `timestamp` names. A null becomes ``none``. In values,
    ``#``, ``%`` and control characters are percent-encoded; two placeholders must be
    separated by a ``#``.
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
        description=("Column with the event's id; if null, the source key is the id"),
    )
    user_id: str = Field(
        "user_id", description="Column with the user's id; null counts no user"
    )
    timestamp: str = Field(
        "timestamp", description="Column (Datetime) used for {timestamp:...}"
    )
    counters: list[Counter] = Field(
        min_length=1,
        max_length=MAX_COUNTERS,
        description="Items in which each event is counted",
    )
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        "exactly-once",
        description=(
            "exactly-once counts each event once and distinct users exactly, with"
            " markers"
            " in transactions; at-least-once is cheaper, counts events only, and counts"
            " redelivered events again"
        ),
    )
    marker_days: float = Field(
        8,
        gt=0,
        le=3650,
        description=(
            "Days that a marker of a counted event or user is kept; must be longer"
            " than an"
            " event can be redelivered (Kinesis keeps records for up to 7 days unless"
            " configured otherwise) and longer than the period of a counter"
        ),
    )
    attempts: int = Field(
        10,
        ge=1,
        le=50,
        description="Number of times that a group of events is tried before it fails",
    )

    @field_validator("counters")
    @classmethod
    def _distinct(cls, value: list[Counter]) -> list[Counter]:
        if len({(counter.partition_key, counter.sort_key) for counter in value}) < len(
            value
        ):
            raise ValueError("two counters have the same keys; remove one")
        return value
