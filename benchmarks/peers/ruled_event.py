"""The visit event as a pydantic model with a rule over several fields, in Python."""

from datetime import date
from typing import Self

from benchmarks.peers.event import Action, Adcid, Datatype, Moment, Ptid, Text
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class RuledEvent(BaseModel):
    """One file's fields; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore")

    action: Action
    study: Text
    pipeline_adcid: Adcid
    project_label: Text
    center_label: Text
    gear_name: Text
    ptid: Ptid
    visit_date: date
    visit_number: Text
    datatype: Datatype
    module: Text | None = None
    packet: Text | None = None
    timestamp: Moment

    @model_validator(mode="after")
    def visit_before_event(self) -> Self:
        """Check that the visit is not after the event, and that a form has a module."""
        if self.visit_date > self.timestamp.date():
            raise PydanticCustomError(
                "visit_after_event", "the visit is later", {"field": "visit_date"}
            )
        if self.datatype == "form" and self.module is None:
            raise PydanticCustomError(
                "module_missing", "a form has a module", {"field": "module"}
            )
        return self
