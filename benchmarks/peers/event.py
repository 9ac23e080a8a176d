"""The visit event as a peer declares it, and the columns it writes.

The checks are the same as those of the report's own validator.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, Field, TypeAdapter
from typing_extensions import (
    TypedDict,
)  # pydantic refuses that of typing before Python 3.12


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


Text = Annotated[str, Field(strict=True)]
Moment = Annotated[datetime, AfterValidator(_utc)]
Adcid = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
Ptid = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,10}$", strict=True)]
Action = Literal["submit", "pass-qc", "not-pass-qc", "delete"]
Datatype = Literal[
    "apoe",
    "biomarker",
    "dicom",
    "enrollment",
    "form",
    "genetic-availability",
    "gwas",
    "imputation",
    "scan-analysis",
]


class VisitEvent(TypedDict):
    """One file's fields; unknown ones are ignored."""

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
    module: Text | None
    packet: Text | None
    timestamp: Moment


SCHEMA = pl.Schema(
    {
        "action": pl.String(),
        "study": pl.String(),
        "pipeline_adcid": pl.Int32(),
        "project_label": pl.String(),
        "center_label": pl.String(),
        "gear_name": pl.String(),
        "ptid": pl.String(),
        "visit_date": pl.Date(),
        "visit_number": pl.String(),
        "datatype": pl.String(),
        "module": pl.String(),
        "packet": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "source_key": pl.String(),
    }
)

EVENTS = TypeAdapter(VisitEvent)
