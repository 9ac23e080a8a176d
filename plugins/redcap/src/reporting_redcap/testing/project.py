"""Project of the loopback server: dictionary, rows, saved reports, times of changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from datetime import UTC, datetime
from typing import NamedTuple

_BETWEEN = re.compile(r"\|(?=\s*[^\s|,]+\s*,|\s*$)")

DICTIONARY_COLUMNS = (
    "field_name",
    "form_name",
    "section_header",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "field_note",
    "text_validation_type_or_show_slider_number",
    "text_validation_min",
    "text_validation_max",
    "identifier",
    "branching_logic",
    "required_field",
    "custom_alignment",
    "question_number",
    "matrix_group_name",
    "matrix_ranking",
    "field_annotation",
)


def field(
    name: str,
    kind: str = "text",
    *,
    form: str = "form_1",
    validation: str = "",
    choices: str = "",
) -> dict[str, str]:
    """Return a row of the data dictionary, as ``content=metadata`` has it."""
    known = {
        "field_name": name,
        "form_name": form,
        "field_type": kind,
        "field_label": name.replace("_", " ").capitalize(),
        "select_choices_or_calculations": choices,
        "text_validation_type_or_show_slider_number": validation,
    }
    return {column: known.get(column, "") for column in DICTIONARY_COLUMNS}


class Row(NamedTuple):
    """Row of a flat export.

    Attributes:
        record: Record id.
        values: Values by export name, such as ``race___1``; others are empty.
        event: Unique event name, empty in a classic project.
        instrument: Repeating instrument, empty if the row is of none.
        instance: Number of the repetition, 0 if the row is not repeated.
    """

    record: str
    values: Mapping[str, str]
    event: str = ""
    instrument: str = ""
    instance: int = 0

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Place of the row within the project."""
        return self.record, self.event, self.instrument, self.instance


@dataclass
class Project:
    """Project in memory; a test may change it while the server runs.

    Attributes:
        dictionary: Rows of the data dictionary; the first field is the record id.
        events: Unique event names of a longitudinal project, in order.
        repeating: Whether instruments or events repeat.
        missing_codes: Missing data codes and labels.
        groups: Data access group by record id.
        reports: Export names of the columns of each saved report, by its number.
        hidden: Fields that the rights of the token remove.
        rows: Rows by key.
        modified: Time of the last change by record id (aware).
        now: Time of the next change (aware).
    """

    dictionary: list[dict[str, str]]
    events: Sequence[str] = ()
    repeating: bool = False
    missing_codes: Mapping[str, str] = default(default_factory=dict)
    groups: dict[str, str] = default(default_factory=dict)
    reports: dict[str, Sequence[str]] = default(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    rows: dict[tuple[str, str, str, int], Row] = default(default_factory=dict)
    modified: dict[str, datetime] = default(default_factory=dict)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def record_id(self) -> str:
        """Name of the record-id field."""
        return self.dictionary[0]["field_name"]

    def put(self, rows: Iterable[Row]) -> None:
        """Add rows, or replace them, at the time `now`."""
        for row in rows:
            self.rows[row.key] = row
            self.modified[row.record] = self.now

    def delete(self, record: str) -> None:
        """Delete a record."""
        for key in [key for key in self.rows if key[0] == record]:
            del self.rows[key]
        self.modified.pop(record, None)

    def ids(self) -> list[str]:
        """Return the record ids in natural order, as REDCap exports them."""
        return sorted(self.modified, key=natural)

    def export_names(self) -> list[tuple[str, str]]:
        """Return export names and field names, forms' status fields included."""
        names: list[tuple[str, str]] = []
        fields = self.dictionary
        for at, row in enumerate(fields):
            name, kind = row["field_name"], row["field_type"]
            if kind == "checkbox":
                codes = [code for code, _ in choices_of(row)] + [*self.missing_codes]
                names += [(f"{name}___{suffix(code)}", name) for code in codes]
            elif kind != "descriptive":
                names.append((name, name))
            form = row["form_name"]
            if at + 1 == len(fields) or fields[at + 1]["form_name"] != form:
                names.append((f"{form}_complete", f"{form}_complete"))
        return [(name, of) for name, of in names if of not in self.hidden]


def choices_of(row: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return codes and labels of a field."""
    text = row["select_choices_or_calculations"]
    parts = [part.partition(",") for part in _BETWEEN.split(text) if part.strip()]
    return [(code.strip(), label.strip()) for code, _, label in parts]


def suffix(code: str) -> str:
    """Return a code as the name of a checkbox column has it."""
    return re.sub(r"[^a-z0-9_]", "_", code.lower())


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts numbers within texts by value."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in parts]
