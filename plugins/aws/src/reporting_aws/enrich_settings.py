"""Settings of the transform ``dynamodb-enrich``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from reporting_aws.names import TABLE_NAME
from reporting_framework import SOURCE_KEY
from reporting_framework.plugin_api.settings import Settings

ValueType = Literal["string", "integer", "float", "timestamp"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Since(Settings):
    """The time between two moments."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    from_: Name = Field(
        alias="from", description="Earlier moment: a timestamp column of the lookup"
    )
    to: Name = Field(description="Later moment: a column (Datetime) of the frame")


class Lookup(Settings):
    """Lookup in one table."""

    table: str = Field(pattern=TABLE_NAME, description="Name of the table")
    key: dict[Name, Name] = Field(
        min_length=1,
        max_length=2,
        description="Key of the table: attribute = column with its value",
    )
    columns: dict[Name, Name] = Field(
        min_length=1, description="New columns: column = attribute with its value"
    )
    types: dict[Name, ValueType] = Field(
        {}, description="Types of new columns; the default is string"
    )
    seconds_since: dict[Name, Since] = Field(
        {}, description="New columns with the seconds between two moments"
    )

    @model_validator(mode="after")
    def _fits(self) -> Lookup:
        if unknown := sorted(self.types.keys() - self.columns.keys()):
            raise ValueError(
                f"types names {', '.join(unknown)}, which are not in columns; correct"
                " the"
                " names"
            )
        for name, since in self.seconds_since.items():
            if self.types.get(since.from_) != "timestamp":
                raise ValueError(
                    f"seconds_since {name}: {since.from_} is not a timestamp column"
                    " of the"
                    " lookup; set its type to timestamp"
                )
        return self

    @property
    def new(self) -> list[str]:
        """All columns that the lookup adds, in order."""
        return [*self.columns, *self.seconds_since]


class DynamoDbEnrichSettings(Settings):
    """Settings of the transform ``dynamodb-enrich``."""

    lookups: list[Lookup] = Field(
        min_length=1, description="Lookups, carried out in this order"
    )
    cache_seconds: float = Field(
        300, ge=0, description="Seconds that an item is cached in memory; 0: not at all"
    )
    cache_missing_seconds: float = Field(
        30, ge=0, description="Seconds that a missing item is cached in memory"
    )
    cache_items: int = Field(
        10_000, ge=0, description="Most items of a lookup in the cache"
    )
    consistent: bool = Field(
        False, description="Read with strong consistency, at twice the price"
    )
    attempts: int = Field(
        8, ge=1, le=50, description="Number of times that a request is tried"
    )

    @model_validator(mode="after")
    def _distinct(self) -> DynamoDbEnrichSettings:
        names = [name for lookup in self.lookups for name in lookup.new]
        twice = sorted(
            {name for name in names if names.count(name) > 1 or name == SOURCE_KEY}
        )
        if twice:
            raise ValueError(
                f"new columns with a name that is taken: {', '.join(twice)}; rename"
                " them"
            )
        return self
