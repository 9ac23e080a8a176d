"""Visit events of both forms, in all the ways they may be written, and values that no field allows."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args

from hypothesis import strategies as st

from reporting_event_log_checkpoint import models
from reporting_event_log_checkpoint.validator import (
    VisitEventV2Validator,
    VisitEventValidator,
)
from reporting_framework.builtin.pydantic_validator import ModelValidator

VALIDATORS: list[type[ModelValidator]] = [VisitEventValidator, VisitEventV2Validator]

COLUMNS = [
    "action",
    "study",
    "pipeline_adcid",
    "project_label",
    "center_label",
    "gear_name",
    "ptid",
    "visit_date",
    "visit_number",
    "datatype",
    "module",
    "packet",
    "timestamp",
]
"""Of both validators, in their order, before the source key."""

FORM: dict[str, Any] = {
    "action": "submit",
    "study": "adrc",
    "pipeline_adcid": 42,
    "project_label": "ingest-form-adrc",
    "center_label": "alpha",
    "gear_name": "form-scheduler",
    "ptid": "AB12",
    "visit_date": "2024-01-02",
    "visit_number": "1",
    "datatype": "form",
    "module": "UDS",
    "packet": None,
    "timestamp": "2024-01-02T03:04:05Z",
}
"""Valid for both."""

DICOM: dict[str, Any] = {**FORM, "datatype": "dicom", "module": None, "modality": "MR"}
"""Valid for both; the first ignores `modality`."""

ABSENT = object()
"""Stands for a key that is not there."""


def changed(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The event with other values, or with fields left out that are `ABSENT`."""
    return {
        name: value
        for name, value in {**event, **changes}.items()
        if value is not ABSENT
    }


@dataclass(frozen=True)
class Sample:
    """A valid event.

    Attributes:
        event: Its fields.
        row: What its row must be, without the source key.
    """

    event: dict[str, Any]
    row: dict[str, Any]


texts = st.text(min_size=1, max_size=12)
any_texts = st.none() | st.text(max_size=12)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
ptids = st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True)
ptids_v2 = st.text([chr(code) for code in range(33, 127)], min_size=1, max_size=10)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A timestamp as it may be written, and the instant in UTC that it means."""
    moment = draw(
        st.datetimes(
            datetime(1, 1, 2),
            datetime(9999, 12, 30),
            timezones=st.none() | st.just(UTC) | offsets,
        )
    )
    text = moment.isoformat(
        draw(st.sampled_from("T ")),
        draw(st.sampled_from(["auto", "seconds", "milliseconds", "microseconds"])),
    )
    meant = datetime.fromisoformat(text)
    if text.endswith("+00:00") and draw(st.booleans()):
        text = text.removesuffix("+00:00") + "Z"
    if re.search("[+-][0-9]{2}:00$", text) and draw(st.booleans()):
        text = text.removesuffix(":00")
    return text, meant.replace(
        tzinfo=UTC
    ) if meant.tzinfo is None else meant.astimezone(UTC)


@st.composite
def samples(draw: st.DrawFn, kind: type[ModelValidator]) -> Sample:
    """Any valid event of one of the validators."""
    current = kind is VisitEventV2Validator
    timestamp, instant = draw(moments())
    datatype = draw(
        st.sampled_from(get_args(models.DatatypeV2 if current else models.Datatype))
    )
    module = draw(
        (texts if datatype == "form" else st.none()) if current else any_texts
    )
    day = draw(st.dates())
    event = {
        "action": draw(
            st.sampled_from(get_args(models.ActionV2 if current else models.Action))
        ),
        "study": draw(st.just("adrc") | texts),
        "pipeline_adcid": draw(st.integers(-(2**31), 2**31 - 1)),
        "project_label": draw(texts),
        "center_label": draw(texts),
        "gear_name": draw(texts),
        "ptid": draw(ptids_v2 if current else ptids),
        "visit_date": day.isoformat(),
        "visit_number": draw(st.none() | texts if current else texts),
        "datatype": datatype,
        "module": module,
        "packet": draw(any_texts),
        "timestamp": timestamp,
    }
    row = {**event, "visit_date": day, "timestamp": instant}
    if event["pipeline_adcid"] >= 0 and draw(st.booleans()):
        event["pipeline_adcid"] = "0" * draw(st.integers(0, 3)) + str(
            event["pipeline_adcid"]
        )
    if current and datatype == "dicom":
        event["modality"] = draw(texts)
    optional = {"module", "packet", *(["visit_number"] if current else [])}
    may_lack = [name for name in optional if event[name] is None] + (
        ["study"] if event["study"] == "adrc" else []
    )
    absent = draw(st.sets(st.sampled_from(sorted(may_lack) or ["-"])))
    names = draw(st.permutations([name for name in event if name not in absent]))
    return Sample({name: event[name] for name in names}, row)


@st.composite
def written(draw: st.DrawFn, event: dict[str, Any]) -> bytes:
    """The event as JSON, in one of the ways that producers write it."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (",\n", " : ")]))
    text = json.dumps(
        event,
        separators=separators,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 2])),
    )
    return text.encode() + draw(st.sampled_from([b"", b"\n"]))


def as_event(row: dict[str, Any]) -> dict[str, Any]:
    """A row as an event again."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in row.items()
        if name != "source_key"
    }


def invalid_values(kind: type[ModelValidator], field: str) -> st.SearchStrategy[Any]:
    """Values that are not allowed in a field, whatever else is in the event; `ABSENT` where it must be there."""
    current = kind is VisitEventV2Validator
    strings = _INVALID_STRINGS.get(field, st.nothing())
    if field == "ptid":
        strings = _texts_but(models.PtidV2 if current else models.Ptid)
    no_strings = (
        st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.lists(st.none(), max_size=1)
    )
    no_strings |= st.dictionaries(st.text(max_size=2), st.none(), max_size=1)
    if field == "pipeline_adcid":
        no_digits = st.text().filter(lambda text: not re.fullmatch("[0-9]+", text))
        return (
            no_strings
            | no_digits
            | st.none()
            | _beyond_int32
            | _beyond_int32.map(str)
            | st.just(ABSENT)
        )
    wrong = no_strings | st.integers() | strings
    if field in ("module", "packet") or (field == "visit_number" and current):
        return wrong | (st.just("") if field == "visit_number" else st.nothing())
    return wrong | st.none() | (st.nothing() if field == "study" else st.just(ABSENT))


def _texts_but(pattern: Any) -> st.SearchStrategy[str]:
    allowed = pattern.__metadata__[0].metadata
    regex = next(item.pattern for item in allowed if getattr(item, "pattern", None))
    python = re.compile(regex.removesuffix("$") + r"\Z")
    near = st.from_regex(r"[A-Z0-9]{1,11}[ \n-é]?", fullmatch=True)
    return (st.text() | near).filter(lambda text: not python.match(text))


def _no_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() != text
    except ValueError:
        return True


_beyond_int32 = st.integers(min_value=2**31) | st.integers(max_value=-(2**31) - 1)
_INVALID_STRINGS: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(
        ("study", "project_label", "center_label", "gear_name", "visit_number"),
        st.just(""),
    ),
    "action": st.text().filter(lambda text: text not in get_args(models.ActionV2)),
    "datatype": st.text().filter(lambda text: text not in get_args(models.DatatypeV2)),
    "visit_date": (
        st.text()
        | st.integers().map(str)
        | st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ TZ\n]?", fullmatch=True)
        | st.datetimes().map(datetime.isoformat)
    ).filter(_no_date),
    "timestamp": st.text(max_size=15)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.dates().map(date.isoformat),
}
