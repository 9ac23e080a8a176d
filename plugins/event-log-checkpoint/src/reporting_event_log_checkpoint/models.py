"""Model of a visit event: rules of each field, in the order of the columns.

All types are strict: a number is not a string, and ``42.0`` and ``true`` are not
integers. The published specification makes two exceptions: `study` may be missing, and
`pipeline_adcid` may be a string of digits. A field that may be null may also be
missing.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import TypedDict

from reporting_framework import Timestamp


def _text_then(pattern: str, then: CoreSchema) -> GetPydanticSchema:
    """Return the type of a string that must match a pattern and is then converted.

    Pydantic alone would accept ``"1704067200"`` as a date.
    """
    text = core_schema.str_schema(strict=True, pattern=pattern)
    return GetPydanticSchema(
        lambda _source, _handler: core_schema.chain_schema([text, then])
    )


Text = Annotated[str, Field(strict=True, min_length=1)]
"""A non-empty string."""

AnyText = Annotated[str, Field(strict=True)]
"""A string."""

MIN_ADCID, MAX_ADCID = -(2**31), 2**31 - 1


def _or_digits(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Accept a string of digits as an integer.

    The integer is tried first, so the errors are an integer's errors.
    """
    digits = core_schema.str_schema(strict=True, pattern=r"^[0-9]+$")
    number = core_schema.int_schema(ge=MIN_ADCID, le=MAX_ADCID)
    return core_schema.union_schema(
        [handler(source), core_schema.chain_schema([digits, number])],
        mode="left_to_right",
    )


Adcid = Annotated[
    int,
    Field(strict=True, ge=MIN_ADCID, le=MAX_ADCID),
    GetPydanticSchema(_or_digits),
]
"""Number of a center: a 32-bit integer, or a string of digits for one."""

Ptid = Annotated[str, Field(strict=True, pattern=r"^[A-Z0-9]{1,10}$")]
"""Id of a participant: 1 to 10 capital letters and digits."""

PtidV2 = Annotated[str, Field(strict=True, pattern=r"^[!-~]{1,10}$")]
"""Id of a participant: 1 to 10 printable ASCII characters except space."""

Day = Annotated[
    date, _text_then(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", core_schema.date_schema())
]
"""An existing day as YYYY-MM-DD."""

Action = Literal["submit", "pass-qc", "not-pass-qc", "delete"]
ActionV2 = Literal["submit", "pass-qc", "not-pass-qc", "delete", "duplicate-submit"]

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
DatatypeV2 = Literal[Datatype, "data-freeze", "participant-summary"]


class VisitEvent(TypedDict):
    """Visit event as published, for the validator ``visit-event``."""

    action: Annotated[Action, Field(description="What happened to the visit")]
    study: NotRequired[Annotated[Text, Field(description="Study of the visit")]]
    pipeline_adcid: Annotated[Adcid, Field(description="Number of the center")]
    project_label: Annotated[Text, Field(description="Project of the data")]
    center_label: Annotated[Text, Field(description="Label of the center")]
    gear_name: Annotated[Text, Field(description="Program that logged the event")]
    ptid: Annotated[Ptid, Field(description="Participant's id within the center")]
    visit_date: Annotated[Day, Field(description="Day of the visit")]
    visit_number: Annotated[Text, Field(description="Number of the visit")]
    datatype: Annotated[Datatype, Field(description="Kind of data")]
    module: NotRequired[
        Annotated[AnyText | None, Field(description="Module of a form")]
    ]
    packet: NotRequired[Annotated[AnyText | None, Field(description="Packet of forms")]]
    timestamp: Annotated[Timestamp, Field(description="Time of the event, in UTC")]


class VisitEventV2(TypedDict):
    """Visit event of the current producer, for the validator ``visit-event-v2``.

    `only_with_its_datatype` has the rule that spans several fields.
    """

    action: Annotated[ActionV2, Field(description="What happened to the visit")]
    study: NotRequired[Annotated[Text, Field(description="Study of the visit")]]
    pipeline_adcid: Annotated[Adcid, Field(description="Number of the center")]
    project_label: Annotated[Text, Field(description="Project of the data")]
    center_label: Annotated[Text, Field(description="Label of the center")]
    gear_name: Annotated[Text, Field(description="Program that logged the event")]
    ptid: Annotated[PtidV2, Field(description="Participant's id within the center")]
    visit_date: Annotated[Day, Field(description="Day of the visit")]
    visit_number: NotRequired[
        Annotated[Text | None, Field(description="Number of the visit")]
    ]
    datatype: Annotated[DatatypeV2, Field(description="Kind of data")]
    module: NotRequired[Annotated[Text | None, Field(description="Module of a form")]]
    packet: NotRequired[Annotated[AnyText | None, Field(description="Packet of forms")]]
    modality: NotRequired[
        Annotated[Text | None, Field(description="Modality of a dicom")]
    ]
    timestamp: Annotated[Timestamp, Field(description="Time of the event, in UTC")]


def only_with_its_datatype(event: dict[str, Any]) -> dict[str, Any]:
    """Require ``module`` for forms and ``modality`` for dicom, and only there.

    Raises:
        PydanticCustomError: A field is missing, or given for another datatype.
    """
    for field, datatype in (("module", "form"), ("modality", "dicom")):
        given = event.get(field) is not None
        if given != (event["datatype"] == datatype):
            kind = "not_expected" if given else "missing"
            raise PydanticCustomError(
                kind, "belongs to one datatype only", {"field": field}
            )
    return event


DEFAULTS = {"study": "adrc"}
"""Defaults of fields that may be missing."""

WITHOUT_COLUMN = frozenset({"modality"})
"""Fields that are validated but have no column, so that both validators fill the same
checkpoint.
"""
