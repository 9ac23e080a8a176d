"""Visit events, one of them with whatever is to be changed in it."""

import json

EVENT = {
    "action": "submit",
    "study": "adrc",
    "pipeline_adcid": 101,
    "project_label": "ingest",
    "center_label": "center",
    "gear_name": "gear",
    "ptid": "P1",
    "visit_date": "2024-01-01",
    "visit_number": "1",
    "datatype": "form",
    "module": "UDS",
    "packet": None,
    "timestamp": "2024-01-05T10:00:00Z",
}
"""One that is as published."""


def name(number: int) -> str:
    """Name of its file."""
    return f"log-submit-20240105-10000{number}-101-ingest-P1-{number}.json"


def made_of(**changed: object) -> bytes:
    """The event with these fields changed; a hyphen leaves one out."""
    return json.dumps(
        {key: value for key, value in {**EVENT, **changed}.items() if value != "-"}
    ).encode()
