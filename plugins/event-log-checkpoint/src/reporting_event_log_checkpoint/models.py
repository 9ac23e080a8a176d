"""The model of a visit event.

It has the rules of each field, in the order of the checkpoint's columns.

All types are strict: a number is not a string, and ``42.0`` and ``true`` are not
integers. The published specification makes two exceptions: `study` may be absent, and
`pipeline_adcid` may be a string of digits. A field that may be null may be absent too.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import TypedDict

from reporting_framework import Timestamp


def _text_then(pattern: str, then: CoreSchema) -> GetPydanticSchema:
    """Return the type of a string of this form, which then gets its meaning.

    Pydantic alone would take ``"1704067200"`` for a date.
    """
    text = core_schema.str_schema(strict=True, pattern=pattern)
    return GetPydanticSchema(
        lambda _source, _handler: core_schema.chain_schema([text, then])
    )


Text = Annotated[str, Field(strict=True, min_length=1)]
"""A string that is not empty."""

AnyText = Annotated[str, Field(strict=True)]
"""A string."""

MIN_ADCID, MAX_ADCID = -(2**31), 2**31 - 1


def _or_digits(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Accept a string of digits for an integer.

    The integer is tried first, so errors are those of an integer.
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
"""A centre's number: an integer of 32 bits, or a string of digits that is one."""

Ptid = Annotated[str, Field(strict=True, pattern=r"^[A-Z0-9]{1,10}$")]
"""A participant's id: 1 to 10 capitals and digits."""

PtidV2 = Annotated[str, Field(strict=True, pattern=r"^[!-~]{1,10}$")]
"""A participant's id: 1 to 10 printable ASCII characters but space."""

Day = Annotated[
    date, _text_then(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", core_schema.date_schema())
]
"""A day that exists, as YYYY-MM-DD."""

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
    """``visit-event``: the table as it was published."""

    action: Annotated[Action, Field(description="What happened to the visit")]
    study: NotRequired[Annotated[Text, Field(description="Study that the visit is of")]]
    pipeline_adcid: Annotated[Adcid, Field(description="Number of the center")]
    project_label: Annotated[Text, Field(description="Project that the data lies in")]
    center_label: Annotated[Text, Field(description="Center, as a label")]
    gear_name: Annotated[Text, Field(description="Program that logged the event")]
    ptid: Annotated[Ptid, Field(description="Participant's id within the center")]
    visit_date: Annotated[Day, Field(description="Day of the visit")]
    visit_number: Annotated[Text, Field(description="Number of the visit")]
    datatype: Annotated[Datatype, Field(description="Kind of data")]
    module: NotRequired[
        Annotated[AnyText | None, Field(description="Module of a form")]
    ]
    packet: NotRequired[Annotated[AnyText | None, Field(description="Packet of forms")]]
    timestamp: Annotated[Timestamp, Field(description="When it happened, in UTC")]


class VisitEventV2(TypedDict):
    """``visit-event-v2``: today's producer.

    See `only_with_its_datatype` for the rule over its fields.
    """

    action: Annotated[ActionV2, Field(description="What happened to the visit")]
    study: NotRequired[Annotated[Text, Field(description="Study that the visit is of")]]
    pipeline_adcid: Annotated[Adcid, Field(description="Number of the center")]
    project_label: Annotated[Text, Field(description="Project that the data lies in")]
    center_label: Annotated[Text, Field(description="Center, as a label")]
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
    timestamp: Annotated[Timestamp, Field(description="When it happened, in UTC")]


def only_with_its_datatype(event: dict[str, Any]) -> dict[str, Any]:
    """``module`` is given for forms and ``modality`` for dicom, and for nothing else.

    Raises:
        PydanticCustomError: One is missing, or given where it must not be.
    """
    for field, datatype in (("module", "form"), ("modality", "dicom")):
        given = event.get(field) is not None
        if given != (event["datatype"] == datatype):
            kind = "not_expected" if given else "missing"
            raise PydanticCustomError(
                kind, "goes with one datatype only", {"field": field}
            )
    return event


DEFAULTS = {"study": "adrc"}
"""Values of fields that an event may leave out."""

WITHOUT_COLUMN = frozenset({"modality"})
"""Fields that are checked and have no column, so that both validators fill the same
checkpoint.
"""
