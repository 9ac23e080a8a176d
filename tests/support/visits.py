"""A made-up table of visits with the ups and downs of a real one: for pages, and for pictures of them.

Nothing in it is of a real participant, center or visit. The same seed gives the same table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from reporting_framework.plugin_api.page import PageContext
from reporting_framework.plugin_api.result import (
    Output,
    RejectionCount,
    RunRecord,
    Step,
)

CENTERS = (
    "Alder Point Memory Center", "Birchfield", "Cedar Hollow Clinic", "Dunmore University", "Elmbridge", "Fairwater",
    "Glenrock Medical School", "Harrow Lake", "Ironwood", "Juniper Ridge Institute on Aging", "Kestrel Bay", "Larkspur",
)  # fmt: skip
MODULES = ("UDS", "UDS", "UDS", "UDS", "FTLD", "LBD", "MLST")
OTHERS = ("dicom", "dicom", "biomarker", "enrollment", "apoe", "scan-analysis")
SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("action", "study"), pl.String()),
        "pipeline_adcid": pl.Int32(),
        **dict.fromkeys(
            ("project_label", "center_label", "gear_name", "ptid"), pl.String()
        ),
        "visit_date": pl.Date(),
        **dict.fromkeys(("visit_number", "datatype", "module", "packet"), pl.String()),
        "timestamp": pl.Datetime("us", "UTC"),
        "source_key": pl.String(),
    }
)
QUARANTINE = pl.Schema(
    {**dict.fromkeys(("source_key", "version", "error_type", "field", "run_id"), pl.String()),
     "rejected_at": pl.Datetime("us", "UTC")}
)  # fmt: skip
FIRST = date(2022, 11, 1)
"""The first month of the table."""

MONTH, AT = date(2024, 4, 1), datetime(2024, 5, 2, 6, 15, tzinfo=UTC)
"""The month that pictures are of, and when they are made."""

_REASONS = (("string_pattern_mismatch", "ptid"), ("missing", "module"), ("date_from_datetime_parsing", "visit_date"),
            ("literal_error", "datatype"), ("json_invalid", None), ("filtered", None))  # fmt: skip


def visits(
    seed: int = 1,
    *,
    months: int = 18,
    centers: Sequence[str] = CENTERS,
    modules: Sequence[str] = MODULES,
    per: int = 40,
) -> pl.DataFrame:
    """The events of so many months.

    Args:
        seed: Which table.
        months: How many, from `FIRST` on.
        centers: Their names.
        modules: Of forms; the more often one is in it, the more often it is met.
        per: Visits that a center of middling size has in a month.
    """
    rng, rows = Random(seed), list[dict[str, Any]]()
    for number, name in enumerate(centers):
        size, care = rng.uniform(0.25, 1.9), rng.uniform(0.05, 0.32)
        slow, begins = (
            rng.uniform(0.6, 1.8),
            0 if rng.random() < 0.8 else rng.randrange(min(8, months)),
        )
        for month in range(begins, months):
            season = (
                1
                + 0.18 * ((month + 1) % 12 in (2, 3, 4))
                - 0.3 * ((month + 10) % 12 == 11)
            )
            fails = care * (0.75 if month > months - 5 else 1.15)
            for _ in range(
                round(
                    per
                    * size
                    * season
                    * (0.85 + 0.02 * month)
                    * rng.uniform(0.85, 1.15)
                )
            ):
                rows += _visit(
                    rng, number, name, month, fails, slow, modules, len(rows)
                )
    frame = pl.DataFrame(rows, schema=SCHEMA)
    end = datetime(*divmod_month(FIRST, months), tzinfo=UTC)
    return frame.filter(pl.col("timestamp") < end + timedelta(hours=30)).sort(
        "timestamp", "source_key"
    )


def divmod_month(first: date, months: int) -> tuple[int, int, int]:
    """Year, month and day of the first day so many months later."""
    number = first.year * 12 + first.month - 1 + months
    return number // 12, number % 12 + 1, 1


def _visit(
    rng: Random,
    number: int,
    center: str,
    month: int,
    fails: float,
    slow: float,
    modules: Sequence[str],
    serial: int,
) -> list[dict[str, Any]]:
    """The events of one visit."""
    begin = datetime(*divmod_month(FIRST, month), tzinfo=UTC)
    opened = begin + timedelta(seconds=rng.uniform(0, 30 * 86_400))
    is_form = rng.random() < 0.8
    datatype = "form" if is_form else rng.choice(OTHERS)
    study = rng.choice(("adrc", "adrc", "adrc", "dlb", "clariti"))
    visit = {
        "study": study, "pipeline_adcid": 901 + number, "project_label": f"ingest-{datatype}-{study}",
        "center_label": center, "gear_name": "form-qc-checker", "ptid": f"SYN{serial % 10_000_000:07d}",
        "visit_date": (opened - timedelta(days=max(0.0, rng.gammavariate(2.2, 8 * slow)))).date(),
        "visit_number": str(rng.randrange(1, 6)) if rng.random() < 0.7 else None, "datatype": datatype,
        "module": rng.choice(modules) if is_form else None, "packet": rng.choice("IFT") if is_form else None,
    }  # fmt: skip
    events, when = [("submit", opened)], opened
    while rng.random() < fails:
        when += timedelta(hours=rng.uniform(0.2, 30))
        events.append(("not-pass-qc", when))
        if rng.random() < 0.12:  # given up, and most of the time taken back
            if rng.random() < 0.9:
                events.append(("delete", when + timedelta(days=rng.uniform(2, 40))))
            return [
                _event(visit, serial, *event, each) for each, event in enumerate(events)
            ]
        when += timedelta(days=rng.gammavariate(1.5, 5 * slow))
        events.append(("submit", when))
    if rng.random() < 0.998:
        events.append(
            ("pass-qc", when + timedelta(hours=rng.gammavariate(1.2, 30 * slow)))
        )
    if rng.random() < 0.01:
        events.append(("delete", when + timedelta(days=3)))
    return [_event(visit, serial, *event, each) for each, event in enumerate(events)]


def _event(
    visit: dict[str, Any], serial: int, action: str, when: datetime, step: int
) -> dict[str, Any]:
    key = f"log-{action}-{when:%Y%m%d-%H%M%S}-{serial:07d}-{step}.json"
    return visit | {
        "action": action,
        "timestamp": when.replace(microsecond=0),
        "source_key": key,
    }


def quarantined(seed: int = 1, months: int = 18, count: int = 160) -> pl.DataFrame:
    """What was read and not kept."""
    rng = Random(seed)
    begin, end = (
        datetime(*divmod_month(FIRST, 0), tzinfo=UTC),
        datetime(*divmod_month(FIRST, months), tzinfo=UTC),
    )
    rows = []
    for number in range(count):
        kind, field = rng.choices(_REASONS, (9, 5, 3, 2, 1, 4))[0]
        at = begin + (end - begin) * rng.random()
        rows.append(
            (
                f"log-submit-{at:%Y%m%d-%H%M%S}-{number}.json",
                f'"{number:x}"',
                kind,
                field,
                "run",
                at,
            )
        )
    return pl.DataFrame(rows, schema=QUARANTINE, orient="row").sort("source_key")


def runs(at: datetime = AT, count: int = 10) -> list[RunRecord]:
    """The last runs, one each night, the newest first."""
    rng, found = Random(3), []
    steps = [("source", "object-store-json", "reporting-object-store"),
             ("validator", "visit-event-v2", "reporting-event-log-checkpoint"),
             ("sink", "parquet-checkpoint", "reporting-object-store"),
             ("engine", "local", "reporting-framework")]  # fmt: skip
    for number in range(count):
        began = at.replace(hour=2, minute=0, second=7) - timedelta(days=number)
        accepted, rejected = rng.randrange(20, 60), rng.choice((0, 0, 0, 1, 2))
        found.append(
            RunRecord(
                run_id=f"{number:08x}", report="event-log-checkpoint", started_at=began,
                finished_at=began + timedelta(seconds=rng.uniform(3, 9)), status="partial" if number == 4 else "ok",
                complete=True, records_read=accepted + rejected, accepted=accepted, rejected=rejected,
                objects_unread=3 if number == 4 else 0, inputs=["s3://example-events/prod/"],
                outputs=[Output(uri="s3://example-checkpoints/visits.parquet", rows=20_000, new_rows=accepted,
                                bytes=600_000)],
                rejections=[RejectionCount(type="missing", field="module", count=rejected)] if rejected else [],
                steps=[Step(role=role, name=name, distribution=of, version="0.1.0") for role, name, of in steps],
                framework="0.1.0",
            )
        )  # fmt: skip
    return found


def material(rows: pl.DataFrame | None = None, **more: Any) -> PageContext:
    """What the page of `MONTH` is made of."""
    given: dict[str, Any] = {
        "report": "event-log-checkpoint", "month": MONTH, "rows": (visits() if rows is None else rows).lazy(),
        "quarantine": quarantined(), "runs": runs(), "source": "s3://example-events/prod/",
        "table": "s3://example-checkpoints/visits.parquet", "at": AT,
    }  # fmt: skip
    return PageContext(**given | more)
