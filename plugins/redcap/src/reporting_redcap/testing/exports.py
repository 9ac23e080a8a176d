"""Exports of a project: rows by the parameters of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo

from reporting_redcap.testing.project import Project, Row, choices_of

Params = Mapping[str, Sequence[str]]

_ARRAY = re.compile(r"(\w+)\[\d*\]")
_LOGIC = re.compile(r"\s*\[(\w+)\]\s*(=|<>|>|<)\s*'?\"?([^'\"]*)'?\"?\s*")


_ANSWERS = {
    "yesno": {"1": "Yes", "0": "No"},
    "truefalse": {"1": "True", "0": "False"},
}


class BadRequest(Exception):
    """Request that REDCap answers with status 400 and this message."""


def grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of each parameter; arrays may be ``a[0]=…`` or ``a=x,y``."""
    params: dict[str, list[str]] = {}
    for name, value in pairs:
        if match := _ARRAY.fullmatch(name):
            params.setdefault(match[1], []).append(value)
        elif name in ("records", "fields", "forms", "events"):
            params.setdefault(name, []).extend(value.split(",") if value else [])
        else:
            params[name] = [value]
    return params


def text(params: Params, name: str, other: str = "") -> str:
    """Return the value of a parameter."""
    return params[name][0] if params.get(name) else other


def record_table(
    project: Project, params: Params, zone: tzinfo
) -> tuple[list[str], Iterator[list[str]]]:
    """Return the columns and rows of ``content=record``.

    Raises:
        BadRequest: A parameter is not valid.
    """
    columns = _columns(project, params)
    events = params.get("events") or project.events
    if unknown := set(events) - set(project.events):
        raise BadRequest(_invalid("events", unknown))
    wanted = set(params.get("records") or ())
    records = [each for each in project.ids() if not wanted or each in wanted]
    records = _in_range(project, records, params, zone)
    groups = text(params, "exportDataAccessGroups") == "true" and bool(project.groups)
    head = [project.record_id] if project.record_id in columns else []
    head += ["redcap_event_name"] if project.events else []
    if project.repeating:
        head += ["redcap_repeat_instrument", "redcap_repeat_instance"]
    head += ["redcap_data_access_group"] if groups else []
    rest = [name for name in columns if name != project.record_id]
    labels = text(params, "rawOrLabel") == "label"
    logic = text(params, "filterLogic")
    if logic and _LOGIC.fullmatch(logic) is None:
        raise BadRequest("The filterLogic parameter has a syntax error")
    rows = _rows(project, records, events, logic)
    return head + rest, (
        _cells(project, row, head + rest, labels=labels) for row in rows
    )


def report_table(
    project: Project, params: Params
) -> tuple[list[str], Iterator[list[str]]]:
    """Return the columns and rows of ``content=report``.

    Raises:
        BadRequest: There is no such report.
    """
    columns = project.reports.get(text(params, "report_id"))
    if columns is None:
        raise BadRequest('The value of the parameter "report_id" is not valid')
    rows = _rows(project, project.ids(), project.events, "")
    labels = text(params, "rawOrLabel") == "label"
    return list(columns), (_cells(project, row, columns, labels=labels) for row in rows)


def _columns(project: Project, params: Params) -> list[str]:
    fields, forms = set(params.get("fields") or ()), set(params.get("forms") or ())
    form_of = {row["field_name"]: row["form_name"] for row in project.dictionary}
    status = {f"{form}_complete": form for form in form_of.values()}
    if unknown := fields - form_of.keys() - status.keys():
        raise BadRequest(_invalid("fields", unknown))
    if unknown := forms - set(form_of.values()):
        raise BadRequest(_invalid("forms", unknown))
    form_of.update(status)
    return [
        name
        for name, of in project.export_names()
        if not (fields or forms) or of in fields or form_of[of] in forms
    ]


def _in_range(
    project: Project, records: list[str], params: Params, zone: tzinfo
) -> list[str]:
    """Return the records that were changed in the range, in the server's time zone."""
    for name, early in (("dateRangeBegin", True), ("dateRangeEnd", False)):
        if not (limit := text(params, name)):
            continue
        try:
            at = datetime.strptime(limit, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
        except ValueError:
            raise BadRequest(
                f'The value of the parameter "{name}" is not valid'
            ) from None
        records = [
            record for record in records if (project.modified[record] >= at) is early
        ]
    return records


def _rows(
    project: Project, records: Sequence[str], events: Sequence[str], logic: str
) -> Iterator[Row]:
    """Yield rows: records in order, their events in order, then repetitions."""
    order = {name: at for at, name in enumerate(project.events)}
    by_record: dict[str, list[Row]] = {record: [] for record in records}
    for row in project.rows.values():
        if row.record in by_record and (not events or row.event in events):
            by_record[row.record].append(row)
    for rows in by_record.values():
        rows.sort(
            key=lambda row: (order.get(row.event, 0), row.instrument, row.instance)
        )
        yield from (row for row in rows if _matches(row, logic))


def _matches(row: Row, logic: str) -> bool:
    if not logic:
        return True
    match = _LOGIC.fullmatch(logic)
    if match is None:
        return False
    value, operator, other = row.values.get(match[1], ""), match[2], match[3]
    if operator in "=<>":
        if operator == "=" or operator == "<>":
            return (value == other) is (operator == "=")
        number = float(value or "nan")
        return number > float(other) if operator == ">" else number < float(other)
    return False


def _cells(
    project: Project, row: Row, columns: Sequence[str], *, labels: bool
) -> list[str]:
    known = {
        project.record_id: row.record,
        "redcap_event_name": row.event,
        "redcap_repeat_instrument": row.instrument,
        "redcap_repeat_instance": str(row.instance or ""),
        "redcap_data_access_group": project.groups.get(row.record, ""),
    }
    return [
        known[name]
        if name in known
        else _shown(project, name, row.values.get(name, _blank(name)), labels=labels)
        for name in columns
    ]


def _blank(name: str) -> str:
    """Return the value of a field without data: a checkbox is never empty."""
    return "0" if "___" in name else ""


def _shown(project: Project, name: str, value: str, *, labels: bool) -> str:
    if not labels or not value:
        return value
    if "___" in name:
        return "Checked" if value == "1" else "Unchecked"
    row = next((row for row in project.dictionary if row["field_name"] == name), None)
    if row is None:
        return {"0": "Incomplete", "1": "Unverified", "2": "Complete"}.get(value, value)
    kind = row["field_type"]
    known = dict(choices_of(row)) if kind in ("radio", "dropdown") else {}
    known = _ANSWERS.get(kind, known)
    return {**project.missing_codes, **known}.get(value, value)


def _invalid(name: str, values: set[str]) -> str:
    shown = ", ".join(f'"{value}"' for value in sorted(values))
    return f'The following values in the parameter "{name}" are not valid: {shown}'
