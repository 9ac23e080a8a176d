"""The queries: each against its definition written once more in plain Python, and on the example by hand."""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_event_log_checkpoint.queries.counts import Counts, MonthlyErrors, Volumes
from reporting_event_log_checkpoint.queries.durations import QcTiming, TimeToPass
from reporting_event_log_checkpoint.queries.pass_rate import PassRate
from reporting_event_log_checkpoint.queries.per_visit import (
    Completeness,
    LatestPerVisit,
)
from reporting_event_log_checkpoint.queries.visit import VISIT
from reporting_framework import Query, SettingsError, run_report
from reporting_framework.registry.registry import load_plugins

EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"

SCHEMA = {
    "action": pl.String(),
    "study": pl.String(),
    "pipeline_adcid": pl.Int32(),
    "project_label": pl.String(),
    "center_label": pl.String(),
    "gear_name": pl.String(),
    "ptid": pl.String(),
    "visit_date": pl.Date(),
    "visit_number": pl.String(),
    "datatype": pl.String(),
    "module": pl.String(),
    "packet": pl.String(),
    "timestamp": pl.Datetime("us", "UTC"),
    "source_key": pl.String(),
}

KINDS = {
    each.name: each
    for each in (
        Counts,
        LatestPerVisit,
        MonthlyErrors,
        Volumes,
        PassRate,
        QcTiming,
        TimeToPass,
        Completeness,
    )
}

# -- random checkpoints: few visits that differ in one column each, few moments, so that ties and groups are common ------

VISITS = [
    ("adrc", 901, "p", "A", date(2024, 1, 30), "1", "form", "UDS"),
    ("adrc", 901, "p", "A", date(2024, 1, 30), None, "form", "UDS"),
    ("adrc", 901, "p", "A", date(2024, 1, 30), "1", "dicom", None),
    ("adrc", 902, "p", "A", date(2024, 1, 30), "1", "form", "UDS"),
    ("dlb", 902, "q", "B", date(2024, 2, 2), "1", "form", "LBD"),
]
ACTIONS = ["submit", "pass-qc", "not-pass-qc", "delete", "duplicate-submit"]
PACKETS = [None, "I", "F"]
MOMENTS = [
    datetime(2024, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 2, 1, tzinfo=UTC),
    datetime(2024, 2, 1, 7, 30, tzinfo=UTC),
    datetime(2024, 2, 3, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2024, 3, 9, tzinfo=UTC),
]
BYS = [
    [],
    ["study"],
    ["module", "pipeline_adcid"],
    ["packet"],
    ["visit_number", "action"],
    ["packet", "packet"],
]


def event(number, place):
    rest, visit = divmod(number, len(VISITS))
    rest, action = divmod(rest, len(ACTIONS))
    rest, packet = divmod(rest, len(PACKETS))
    rest, moment = divmod(rest, len(MOMENTS))
    return dict(zip(VISIT, VISITS[visit], strict=True)) | {
        "action": ACTIONS[action],
        "center_label": "center",
        "gear_name": f"gear-{rest}",
        "packet": PACKETS[packet],
        "timestamp": MOMENTS[moment],
        "source_key": f"{rest}-{place}",
    }


checkpoints = st.lists(
    st.integers(0, len(VISITS) * len(ACTIONS) * len(PACKETS) * len(MOMENTS) * 10 - 1),
    max_size=14,
).map(lambda numbers: [event(number, place) for place, number in enumerate(numbers)])


def run(name, rows, **settings):
    kind = KINDS[name]
    return (
        kind(kind.Settings(**settings))
        .run(pl.LazyFrame(rows, schema=SCHEMA))
        .collect()
        .rows(named=True)
    )


# -- the definitions once more ------------------------------------------------------------------------------------------


def nulls_first(values):
    return [(value is not None, value) for value in values]


def later(found):
    return (found["timestamp"], found["source_key"].encode())


def visits_of(rows):
    """The events of each visit, in order."""
    visits = {}
    for found in sorted(rows, key=later):
        visits.setdefault(tuple(found[column] for column in VISIT), []).append(found)
    return visits


def groups(things, by, values):
    """Things by the values of columns, sorted; without columns there is one group."""
    found = {} if by else {(): []}
    for thing in things:
        found.setdefault(tuple(values(thing)[column] for column in by), []).append(
            thing
        )
    return [
        (dict(zip(by, key, strict=True)), found[key])
        for key in sorted(found, key=nulls_first)
    ]


def of_action(events, action):
    return [found["timestamp"] for found in events if found["action"] == action]


def spread(numbers, prefix=""):
    """Number, mean, median, 90th percentile."""
    ordered, n = sorted(numbers), len(numbers)
    found = dict.fromkeys(("mean_days", "median_days", "p90_days"))
    if n:
        middle = ordered[(n - 1) // 2], ordered[n // 2]
        below = math.floor(0.9 * (n - 1))
        above = min(below + 1, n - 1)
        p90 = ordered[below] + (0.9 * (n - 1) - below) * (
            ordered[above] - ordered[below]
        )
        found = {
            "mean_days": sum(ordered) / n,
            "median_days": sum(middle) / 2,
            "p90_days": p90,
        }
    return {f"{prefix}visits": n} | {
        f"{prefix}{name}": value for name, value in found.items()
    }


def counts(rows, by):
    return [key | {"events": len(events)} for key, events in groups(rows, by, dict)]


def latest_per_visit(rows, by):
    last = sorted((events[-1] for events in visits_of(rows).values()), key=later)
    return [{column: found[column] for column in SCHEMA} for found in last]


def monthly_errors(rows, by):
    failed = [
        found | {"month": f"{found['timestamp']:%Y-%m}"}
        for found in rows
        if found["action"] == "not-pass-qc"
    ]
    return [
        key | {"errors": len(events)}
        for key, events in groups(failed, ["pipeline_adcid", "month"], dict)
    ]


def volumes(rows, by):
    submitted = {
        visit
        for visit, events in visits_of(rows).items()
        if of_action(events, "submit")
    }
    return [
        key
        | {"visits": len(submitted & visits_of(events).keys()), "events": len(events)}
        for key, events in groups(rows, by, dict)
    ]


def last_of(events):
    return events[-1]


def pass_rate(rows, by):
    answer = []
    for key, visits in groups(visits_of(rows).values(), by, last_of):
        outcomes = [
            [each["action"] for each in events if each["action"].endswith("pass-qc")]
            for events in visits
        ]
        last = [found[-1] for found in outcomes if found]
        passed = last.count("pass-qc")
        answer.append(
            key
            | {
                "visits": len(last),
                "passed": passed,
                "rate": passed / len(last) if last else None,
            }
        )
    return answer


def qc_timing(rows, by):
    def days(visits, action):
        return [
            (min(found).date() - events[0]["visit_date"]).days
            for events in visits
            if (found := of_action(events, action))
        ]

    return [
        key
        | spread(days(visits, "submit"), "submit_")
        | spread(days(visits, "pass-qc"), "pass_")
        for key, visits in groups(visits_of(rows).values(), by, last_of)
    ]


def time_to_pass(rows, by):
    def taken(events):
        if not (submits := of_action(events, "submit")):
            return None
        passes = [
            moment for moment in of_action(events, "pass-qc") if moment >= min(submits)
        ]
        return (min(passes) - min(submits)) / timedelta(days=1) if passes else None

    return [
        key | spread([days for events in visits if (days := taken(events)) is not None])
        for key, visits in groups(visits_of(rows).values(), by, last_of)
    ]


def completeness(rows, by):
    visits = visits_of(rows)
    return [
        dict(zip(VISIT, visit, strict=True))
        | {
            "first_submit": min(of_action(visits[visit], "submit"), default=None),
            "submissions": len(of_action(visits[visit], "submit")),
            "failures": len(of_action(visits[visit], "not-pass-qc")),
            "first_pass": min(of_action(visits[visit], "pass-qc"), default=None),
            "last_event": visits[visit][-1]["timestamp"],
            "deleted": visits[visit][-1]["action"] == "delete",
        }
        for visit in sorted(visits, key=nulls_first)
    ]


ORACLES = [
    counts,
    latest_per_visit,
    monthly_errors,
    volumes,
    pass_rate,
    qc_timing,
    time_to_pass,
    completeness,
]


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.__name__)
@given(rows=checkpoints, by=st.sampled_from(BYS), reverse=st.booleans())
def test_a_query_gives_what_its_definition_says_in_whatever_order_the_rows_are(
    oracle, rows, by, reverse
):
    name = oracle.__name__.replace("_", "-")
    settings = {"by": by} if "by" in KINDS[name].Settings.model_fields else {}
    found, wanted = (
        run(name, rows[::-1] if reverse else rows, **settings),
        oracle(rows, list(dict.fromkeys(by))),
    )
    assert [list(row) for row in found] == [list(row) for row in wanted]
    for row, expected in zip(found, wanted, strict=True):
        for column, value in expected.items():
            assert row[column] == (
                pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            ), column


@pytest.mark.parametrize("name", KINDS)
def test_a_query_reads_no_more_than_it_says(name):
    rows = [event(number, number) for number in range(0, 7000, 97)]
    kind = KINDS[name]
    query: Query = kind(kind.Settings())
    needed = (
        kind.required_columns | set(getattr(query.settings, "by", ())) | {"source_key"}
    )  # rows without columns are none
    little = pl.LazyFrame(rows, schema=SCHEMA).select(
        column for column in SCHEMA if column in needed
    )
    everything = run(name, rows)
    assert everything
    assert query.run(little).collect().rows(named=True) == [
        {
            column: value
            for column, value in row.items()
            if column in needed or column not in SCHEMA
        }
        for row in everything
    ]


@pytest.mark.parametrize(
    "name", [name for name, kind in KINDS.items() if "by" in kind.Settings.model_fields]
)
def test_a_column_that_is_not_there_is_refused(name):
    with pytest.raises(
        SettingsError,
        match=f"query {name}: by: no column sudy, other; use some of action, study, ",
    ):
        run(name, [], by=["sudy", "other"])


def test_a_column_that_is_called_like_one_of_the_answer_is_refused():
    query = Counts(Counts.Settings(by=["events"]))
    with pytest.raises(
        SettingsError,
        match="by: events is a column of the answer; group by other columns",
    ):
        query.run(pl.LazyFrame({"events": [1]}))


def test_the_hook_brings_them_all_under_their_names_and_summaries():
    registry = load_plugins()
    brought = {row.name: row.summary for row in registry.listing if row.role == "query"}
    assert brought.keys() >= KINDS.keys()
    for name, kind in KINDS.items():
        assert registry.find("query", name) is kind
        first = kind.__doc__.partition("\n")[0]
        assert brought[name] == first[0].lower() + first[1:].rstrip(".")


# -- the example, by hand: the numbers of examples/README.md, and what follows from its files ---------------------------


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """The checkpoint of the bundled example."""
    target = tmp_path_factory.mktemp("example") / "events.parquet"
    run_report(
        "event-log-checkpoint", {"source": str(EXAMPLE), "checkpoint": str(target)}
    )
    return pl.scan_parquet(target)


def on(example, name, **settings):
    kind = KINDS[name]
    return kind(kind.Settings(**settings)).run(example).collect()


def test_the_events_of_the_example(example):
    assert on(example, "counts").rows() == [(290,)]
    assert on(example, "counts", by=["action"]).rows() == [
        ("delete", 22),
        ("not-pass-qc", 53),
        ("pass-qc", 81),
        ("submit", 134),
    ]
    by_center = on(example, "counts", by=["study", "pipeline_adcid"])
    assert by_center.filter(study="adrc")["events"].to_list() == [39, 35, 39, 25, 30]
    assert by_center.filter(study="clariti")["events"].to_list() == [6, 6, 6, 15, 6]
    assert by_center.filter(study="dlb")["events"].to_list() == [19, 22, 12, 13, 17]
    assert on(example, "counts", by=["datatype"]).rows() == [
        ("apoe", 10),
        ("biomarker", 10),
        ("dicom", 14),
        ("enrollment", 11),
        ("form", 203),
        ("genetic-availability", 15),
        ("gwas", 2),
        ("imputation", 16),
        ("scan-analysis", 9),
    ]


def test_the_errors_of_the_example_month_by_month(example):
    found = (
        on(example, "monthly-errors")
        .group_by("month")
        .agg(pl.col("errors").sum())
        .sort("month")
    )
    assert found.rows() == [("2024-01", 20), ("2024-02", 17), ("2024-03", 16)]


def test_the_volumes_of_the_example_add_up(example):
    found = on(example, "volumes", by=["action"])
    assert dict(zip(found["action"], found["events"], strict=True))["submit"] == 134
    assert found["events"].sum() == 290


def of(example, ptid):
    return example.filter(pl.col("ptid").str.starts_with(ptid))


def test_a_participant_of_the_example_by_hand(example):
    """SYN0013: a visit of 24 June 2023, three submits, two failures, a pass; one of 17 January 2024, deleted again."""
    mine = of(example, "SYN0013")
    first, second = (
        on(mine, "completeness").sort("visit_date").select(pl.exclude(VISIT)).rows()
    )
    begun, passed = (
        datetime(2024, 1, 14, 14, 0, 32, tzinfo=UTC),
        datetime(2024, 1, 17, 13, 42, 25, tzinfo=UTC),
    )
    assert first == (begun, 3, 2, passed, passed, False)
    again, deleted = (
        datetime(2024, 2, 25, 15, 43, 8, tzinfo=UTC),
        datetime(2024, 2, 27, 14, 48, 24, tzinfo=UTC),
    )
    assert second == (again, 1, 0, None, deleted, True)
    assert on(mine, "latest-per-visit").select("action", "timestamp").rows() == [
        ("pass-qc", passed),
        ("delete", deleted),
    ]
    assert on(mine, "pass-rate", by=["visit_number"]).rows() == [
        ("1", 1, 1, 1.0),
        ("2", 0, 0, None),
    ]
    assert on(mine, "volumes", by=["datatype"]).rows() == [
        ("dicom", 1, 2),
        ("genetic-availability", 1, 6),
    ]
    assert on(mine, "qc-timing").row(0) == pytest.approx(
        (2, 121.5, 121.5, 187.5, 1, 207, 207, 207)
    )
    assert on(mine, "time-to-pass").row(0) == pytest.approx(
        (1, *[258_113 / 86_400] * 3)
    )


def test_late_events_of_the_example_by_hand(example):
    """LATE: submitted to passed in 28,438, 29,805.248592 and 138,915 seconds; the first on 3 January in UTC alone."""
    late = of(example, "LATE")
    wanted = [
        3,
        197_158.248592 / 3 / 86_400,
        29_805.248592 / 86_400,
        117_093.0497184 / 86_400,
    ]
    assert on(late, "time-to-pass").row(0) == pytest.approx(wanted)
    assert on(of(example, "LATE0000"), "qc-timing").row(0) == (
        1,
        205,
        205,
        205,
        1,
        205,
        205,
        205,
    )


def test_those_of_the_example_that_share_one_second(example):
    """Of the three TWINs two pass in the instant of their submit; the third's submit is a part of a second later."""
    twins = of(example, "TWIN")
    assert on(twins, "time-to-pass").rows() == [(2, 0.0, 0.0, 0.0)]
    assert on(twins, "pass-rate").rows() == [(3, 3, 1.0)]
    assert on(twins, "volumes", by=["action"]).rows() == [
        ("pass-qc", 3, 3),
        ("submit", 3, 3),
    ]
