"""Columns of an export, and how the data dictionary types them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import polars as pl

Kind = Literal[
    "text",
    "integer",
    "number",
    "boolean",
    "date",
    "datetime",
    "datetime_seconds",
    "time",
    "time_seconds",
]
"""Form of the values of a column."""

TYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "datetime_seconds": pl.Datetime("us"),
    "time": pl.Time(),
    "time_seconds": pl.Time(),
}

STATUS = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
"""Codes and labels of the status of a form."""

_CODE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_BETWEEN = re.compile(r"\|(?=\s*[^\s|,]+\s*,|\s*$)")
"""Sign between two choices: a code and a comma follow, unlike a sign in a label."""

_NUMBER = re.compile(r"number(_\d+dp)?(_comma_decimal)?")
_FIXED: Mapping[str, Kind] = {
    "calc": "number",
    "slider": "integer",
    "yesno": "boolean",
    "truefalse": "boolean",
}


class Column(NamedTuple):
    """Column of an export.

    Attributes:
        name: Export name, such as ``sex`` or ``race___2``.
        field: Field of the dictionary that it belongs to.
        form: Form of the field; empty for columns that REDCap adds to each row.
        kind: Form of its values.
        labels: Labels by code, of choices.
        code: Code of the choice, of a checkbox.
    """

    name: str
    field: str
    form: str
    kind: Kind = "text"
    labels: Mapping[str, str] = {}
    code: str = ""

    @property
    def dtype(self) -> pl.DataType:
        """Type of its values."""
        return TYPES[self.kind]


def columns_of(
    dictionary: Sequence[Mapping[str, str]], missing_codes: Sequence[str]
) -> Iterator[Column]:
    """Yield the columns of a data dictionary, in the order of an export.

    Args:
        dictionary: Rows of the dictionary; the first field is the record id, which is
            always a text.
        missing_codes: Missing data codes of the project; checkboxes have a column for
            each.
    """
    for at, row in enumerate(dictionary):
        form = row["form_name"]
        if at:
            yield from _of_field(row, missing_codes)
        else:
            yield Column(row["field_name"], row["field_name"], form)
        if at + 1 == len(dictionary) or dictionary[at + 1]["form_name"] != form:
            status = f"{form}_complete"
            yield Column(status, status, form, "integer", STATUS)


def _of_field(row: Mapping[str, str], missing_codes: Sequence[str]) -> Iterator[Column]:
    name, form, kind = row["field_name"], row["form_name"], row["field_type"]
    if kind == "descriptive":
        return
    if kind == "checkbox":
        codes = [*choices_of(row), *missing_codes]
        for code in dict.fromkeys(codes):
            column = f"{name}___{_suffix(code)}"
            yield Column(column, name, form, "boolean", code=code)
        return
    if kind in ("radio", "dropdown"):
        labels = choices_of(row)
        numbers = bool(labels) and all(map(_CODE.fullmatch, labels))
        yield Column(name, name, form, "integer" if numbers else "text", labels)
        return
    validation = row.get("text_validation_type_or_show_slider_number") or ""
    of_text = _of_validation(validation) if kind == "text" else "text"
    yield Column(name, name, form, _FIXED.get(kind, of_text))


def _of_validation(name: str) -> Kind:
    """Return the kind of a text by its validation; unknown ones are texts."""
    if name == "integer":
        return "integer"
    if _NUMBER.fullmatch(name):
        return "number"
    if name.startswith("datetime_seconds_"):
        return "datetime_seconds"
    if name.startswith("datetime_"):
        return "datetime"
    if name.startswith("date_"):
        return "date"
    return {"time": "time", "time_hh_mm_ss": "time_seconds"}.get(name, "text")  # type: ignore[return-value]  # literals


def choices_of(row: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a field's choices by code."""
    text = row.get("select_choices_or_calculations") or ""
    parts = _BETWEEN.split(text) if "," in text else text.split("|")
    pairs = [part.partition(",") for part in parts if part.strip()]
    return {code.strip(): label.strip() for code, _, label in pairs}


def _suffix(code: str) -> str:
    """Return a code as the name of a checkbox column has it."""
    return re.sub(r"[^a-z0-9_]", "_", code.lower())
