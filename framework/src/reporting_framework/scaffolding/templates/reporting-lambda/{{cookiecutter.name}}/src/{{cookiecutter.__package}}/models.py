"""What a record is: one field for each column. Change it to what your records hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

Text = Annotated[str, Field(min_length=1, max_length=256)]
"""A string that is not empty."""


class Record(BaseModel):
    """A record."""

    record_id: Text
    subject: Text
    kind: Literal["start", "stop"]
    value: float | None = None
    timestamp: AwareDatetime
