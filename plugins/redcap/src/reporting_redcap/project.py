"""Description of a project: its dictionary, its shape, its missing data codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from reporting_framework import StorageUnavailable
from reporting_redcap.api import RedcapApi
from reporting_redcap.columns import Column, choices_of, columns_of

EVENT = "redcap_event_name"
INSTRUMENT = "redcap_repeat_instrument"
INSTANCE = "redcap_repeat_instance"
GROUP = "redcap_data_access_group"


@dataclass(frozen=True)
class ProjectInfo:
    """Project as the server described it.

    Attributes:
        number: Number of the project.
        columns: Columns of all fields; the first is the record id.
        longitudinal: Whether records have rows of several events.
        repeating: Whether instruments or events repeat.
        missing_codes: Missing data codes.
        dictionary: Rows of the data dictionary.
        asked_at: Time of the server before it described the project (UTC).
    """

    number: str
    columns: Sequence[Column]
    longitudinal: bool
    repeating: bool
    missing_codes: Sequence[str]
    dictionary: Sequence[Mapping[str, Any]]
    asked_at: datetime

    @property
    def record_id(self) -> str:
        """Name of the record-id field."""
        return self.columns[0].name

    @property
    def key(self) -> Sequence[str]:
        """Columns that identify a row."""
        return [
            self.record_id,
            *([EVENT] if self.longitudinal else []),
            *([INSTRUMENT, INSTANCE] if self.repeating else []),
        ]

    @property
    def one_row(self) -> bool:
        """True if a record has one row."""
        return not (self.longitudinal or self.repeating)

    @property
    def added(self) -> Sequence[Column]:
        """Columns that REDCap adds to each row, if the request asks for them."""
        kinds = {INSTANCE: "integer"}
        return [
            Column(name, name, "", kinds.get(name, "text"))  # type: ignore[arg-type]  # literals
            for name in (*self.key[1:], GROUP)
        ]


def describe(api: RedcapApi) -> ProjectInfo:
    """Ask for the description of a project.

    Raises:
        AccessDenied: The token is not valid, or lacks the right.
        StorageUnavailable: No good answer after all attempts.
    """
    info, asked_at = api.ask_value("project")
    dictionary, _ = api.ask_value("metadata")
    try:
        rows = msgspec.convert(dictionary, list[dict[str, Any]])
        codes = choices_of(
            {"select_choices_or_calculations": info.get("missing_data_codes") or ""}
        )
        if not rows:
            raise StorageUnavailable(
                f"{api.subject}: the data dictionary has no field, not even the record"
                " id; check the rights of the token, or run again later"
            )
        return ProjectInfo(
            number=str(info.get("project_id", "")),
            columns=list(columns_of(rows, list(codes))),
            longitudinal=bool(int(info.get("is_longitudinal") or 0)),
            repeating=bool(int(info.get("has_repeating_instruments_or_events") or 0)),
            missing_codes=list(codes),
            dictionary=rows,
            asked_at=asked_at,
        )
    except (msgspec.ValidationError, AttributeError, KeyError, ValueError, IndexError):
        raise StorageUnavailable(
            f"{api.subject}: the description of the project has another form than"
            " REDCap's; correct url, or run again later"
        ) from None
