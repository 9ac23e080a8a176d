"""Visit events to test with: one that is valid, and a strategy that makes any valid one."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from reporting_event_log_checkpoint.validator import VisitEventV2Validator, VisitEventValidator
from reporting_framework import Batch, Rejection, Validated

VALID: dict[str, Any] = {
    "action": "submit",
    "study": "adrc",
    "pipeline_adcid": 42,
    "project_label": "ingest-form-alpha",
    "center_label": "alpha",
    "gear_name": "identifier-lookup",
    "ptid": "ABC123",
    "visit_date": "2024-01-15",
    "visit_number": "01",
    "datatype": "form",
    "module": "UDS",
    "packet": "I",
    "timestamp": "2024-01-15T10:00:00Z",
}
DATATYPES = [
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

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
zoned = st.one_of(moments, st.builds(lambda moment, zone: moment.replace(tzinfo=zone), moments, offsets))
valid_events = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["submit", "pass-qc", "not-pass-qc", "delete"]),
        "study": texts,
        "pipeline_adcid": st.integers(-(2**31), 2**31 - 1),
        "project_label": texts,
        "center_label": texts,
        "gear_name": texts,
        "ptid": st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True),
        "visit_date": st.dates(date(1, 1, 1)).map(date.isoformat),
        "visit_number": texts,
        "datatype": st.sampled_from(DATATYPES),
        "timestamp": zoned.map(datetime.isoformat),
    },
    optional={"module": st.none() | texts, "packet": st.none() | texts},
)


def validator(kind: type = VisitEventValidator, extra: str = "ignore") -> Any:
    """A validator of the kind."""
    return kind(kind.Settings(extra=extra))


def batch(*payloads: bytes) -> Batch:
    """Payloads with origins o0, o1, … at version v."""
    return Batch([f"o{n}" for n in range(len(payloads))], ["v"] * len(payloads), payloads)


def validate(*events: Any, kind: type = VisitEventValidator, extra: str = "ignore") -> Validated:
    """What the validator makes of events (anything but bytes is dumped to JSON)."""
    payloads = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    return validator(kind, extra).validate(batch(*payloads))


def reason(event: Any, kind: type = VisitEventValidator, extra: str = "ignore") -> tuple[str, str | None] | None:
    """Why an event is rejected: type and field; None when it is not."""
    validated = validate(event, kind=kind, extra=extra)
    assert validated.frame.height + len(validated.rejections) == 1
    if not validated.rejections:
        return None
    rejection: Rejection = validated.rejections[0]
    assert (rejection.origin, rejection.version) == ("o0", "v")
    return rejection.error_type, rejection.field


def in_utc(text: str) -> datetime:
    """The instant that an ISO 8601 text means."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


V2 = VisitEventV2Validator
