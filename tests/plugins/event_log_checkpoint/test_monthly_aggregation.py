"""The numbers of a month, counted once more in plain Python from the words that the page says them in."""

from datetime import UTC, date, datetime, timedelta
from statistics import median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_event_log_checkpoint.monthly.aggregation import figures_of
from reporting_event_log_checkpoint.monthly.naming import by_module
from reporting_event_log_checkpoint.monthly.spans import MAX_SPANS, MIN_SPANS, spans_of
from reporting_event_log_checkpoint.monthly.statistics import Rate
from reporting_event_log_checkpoint.queries.visit import VISIT
from tests.support.visits import SCHEMA, visits

MONTH, AT = date(2024, 3, 1), datetime(2024, 4, 2, 6, tzinfo=UTC)
BEGIN, END = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
BEFORE = datetime(2024, 2, 1, tzinfo=UTC)

moments = st.one_of(
    st.sampled_from(
        [
            BEGIN,
            END,
            BEFORE,
            BEGIN - timedelta(microseconds=1),
            END - timedelta(microseconds=1),
        ]
    ),
    st.datetimes(datetime(2024, 1, 1), datetime(2024, 4, 20), timezones=st.just(UTC)),
)
events = st.fixed_dictionaries(
    {
        "action": st.sampled_from(
            ["submit", "submit", "pass-qc", "not-pass-qc", "delete", "duplicate-submit"]
        ),
        "study": st.just("adrc"),
        "pipeline_adcid": st.integers(1, 2),
        "project_label": st.just("p"),
        "center_label": st.sampled_from(["Alpha", "Beta"]),
        "gear_name": st.just("g"),
        "ptid": st.sampled_from(["A", "B"]),
        "visit_date": st.none() | st.dates(date(2024, 1, 1), date(2024, 4, 1)),
        "visit_number": st.none() | st.just("1"),
        "datatype": st.just("form"),
        "module": st.none() | st.just("UDS"),
        "packet": st.none(),
        "timestamp": moments,
    }
)


def table(rows):
    numbered = [
        row | {"source_key": f"{number:04d}"} for number, row in enumerate(rows)
    ]
    return pl.DataFrame(numbered, schema=SCHEMA)


def grouped(rows):
    """Events of each visit, in order."""
    found = {}
    for row in sorted(
        table(rows).to_dicts(), key=lambda row: (row["timestamp"], row["source_key"])
    ):
        found.setdefault(tuple(row[name] for name in VISIT), []).append(row)
    return found


def within(rows, begin, end):
    return [row for row in rows if begin <= row["timestamp"] < end]


def passed(rows):
    """Count visits that have an outcome, and how many of these passed at last."""
    last = [
        [
            event["action"]
            for event in of
            if event["action"] in ("pass-qc", "not-pass-qc")
        ]
        for of in grouped(rows).values()
    ]
    return Rate(sum(map(bool, last)), sum(each[-1:] == ["pass-qc"] for each in last))


def first(of, action):
    return next((event["timestamp"] for event in of if event["action"] == action), None)


def waits(of):
    return (
        first(of, "submit") is not None
        and first(of, "pass-qc") is None
        and of[-1]["action"] != "delete"
    )


def check_numbers(rows):
    found = figures_of(table(rows).lazy(), None, month=MONTH, at=AT, most=2)
    for totals, begin, end in (
        (found.now, BEGIN, END),
        *([(found.last, BEFORE, BEGIN)] if found.last else []),
    ):
        mine = within(rows, begin, end)
        assert totals.events == len(mine)
        assert totals.failures == sum(row["action"] == "not-pass-qc" for row in mine)
        assert totals.submitted == sum(
            first(of, "submit") is not None for of in grouped(mine).values()
        )
        assert (totals.outcomes, totals.passed) == passed(mine)
        history = [row for row in rows if row["timestamp"] < end]
        assert totals.waiting == sum(map(waits, grouped(history).values()))
    mine = within(rows, BEGIN, END)
    assert found.rates[0] == {
        (center,): rate
        for center in (1, 2)
        if (rate := passed([r for r in mine if r["pipeline_adcid"] == center])).visits
    }
    assert sum(found.submitted.values()) == found.now.submitted
    assert sum(found.errors[0].values()) == found.now.failures


def check_times(rows):
    found = figures_of(table(rows).lazy(), None, month=MONTH, at=AT, most=2)
    visits = grouped([row for row in rows if row["timestamp"] < END])
    for spread, action in ((found.to_submit, "submit"), (found.to_pass, "pass-qc")):
        firsts = [(of[0]["visit_date"], first(of, action)) for of in visits.values()]
        days = sorted(
            (at.date() - of).days for of, at in firsts if at and at >= BEGIN and of
        )
        assert spread.visits == len(days) == sum(spread.days.values())
        assert (
            sorted(day for day, number in spread.days.items() for _ in range(number))
            == days
        )
        assert spread.median == (median(days) if days else None)
    waiting = sorted(
        first(of, "submit") for of in visits.values()
        if first(of, "submit") and not first(of, "pass-qc") and of[-1]["action"] != "delete"
    )  # fmt: skip
    assert sum(found.ages.values()) == sum(found.places.values()) == len(waiting)
    assert [each.submitted for each in found.waiting] == waiting[:2]
    assert [each.days for each in found.waiting] == [
        (END - moment).days for moment in waiting[:2]
    ]


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(events, max_size=14))
def test_the_numbers_are_those_that_their_words_say(rows):
    check_numbers(rows)
    check_times(rows)


def test_the_numbers_of_a_usual_table_are_those_that_their_words_say():
    rows = visits(9, months=17, centers=["Alpha", "Beta"], per=3).filter(
        pl.col("timestamp") > BEFORE - timedelta(days=40)
    )
    rows = (
        rows.with_columns(pipeline_adcid=pl.col("pipeline_adcid") - 900)
        .drop("source_key")
        .to_dicts()
    )
    assert len(rows) > 20
    check_numbers(rows)
    check_times(rows)


def test_months_before_the_first_event_are_left_out_and_the_last_one_stays():
    rows = table([]).lazy()
    assert [
        each.month for each in figures_of(rows, None, month=MONTH, at=AT, most=1).totals
    ] == [MONTH]
    assert figures_of(rows, None, month=MONTH, at=AT, most=1).last is None


def test_waiting_visits_are_counted_at_the_end_of_each_month_as_they_were_then():
    def event(action, at, ptid):
        return submit(ptid=ptid, at=at) | {"action": action}

    rows = [
        event("submit", BEFORE, "passes at the very end of its month"),
        event("pass-qc", BEGIN, "passes at the very end of its month"),
        event("submit", BEFORE, "is deleted later"),
        event("delete", BEGIN, "is deleted later"),
        event("submit", BEFORE, "passes before its month ends"),
        event("pass-qc", BEGIN - timedelta(days=1), "passes before its month ends"),
        event("submit", BEGIN, "waits now"),
    ]
    found = figures_of(table(rows).lazy(), None, month=MONTH, at=AT, most=10)
    assert [(total.month.month, total.waiting) for total in found.totals] == [
        (2, 2),
        (3, 1),
    ]
    assert sum(found.ages.values()) == found.now.waiting


def test_within_its_month_days_are_counted_up_to_now():
    now = datetime(2024, 3, 11, 12, tzinfo=UTC)
    assert figures_of(table([]).lazy(), None, month=MONTH, at=now, most=1).end == now


QUARANTINE = pl.DataFrame(
    {
        "error_type": ["missing", "missing", "filtered", "json_invalid"],
        "field": ["ptid", "ptid", None, None],
        "rejected_at": [BEGIN, BEFORE, END, END - timedelta(microseconds=1)],
    },
    schema_overrides={"rejected_at": pl.Datetime("us", "UTC")},
)


def test_what_was_rejected_is_counted_by_reason_of_the_month_and_in_all():
    found = figures_of(table([]).lazy(), QUARANTINE, month=MONTH, at=AT, most=1)
    assert found.rejected == {
        ("missing", "ptid"): (1, 2),
        ("filtered", None): (0, 1),
        ("json_invalid", None): (1, 1),
    }


days = st.dictionaries(
    st.integers(-400, 4000) | st.integers(-3, 40),
    st.integers(1, 500),
    min_size=1,
    max_size=60,
)


@given(days)
def test_spans_follow_each_other_are_few_and_count_every_day_once(numbers):
    found = spans_of(numbers)
    assert MIN_SPANS <= len(found.drawn) <= MAX_SPANS + 1
    assert all(
        one.high == other.low
        for one, other in zip(found.drawn, found.drawn[1:], strict=False)
    )
    for each in found.drawn:
        assert each.number == sum(
            count for day, count in numbers.items() if each.low <= day < each.high
        )
    total = sum(numbers.values())
    assert found.below + found.above + sum(each.number for each in found.drawn) == total
    assert found.below + found.above <= 0.02 * total


@pytest.mark.parametrize(
    ("numbers", "width"),
    [
        ({3: 1}, 1),
        ({0: 5, 100: 5}, 5),
        ({0: 5, 4000: 5}, 180),
        ({0: 1, 40000: 1}, 1460),
    ],
)
def test_spans_have_a_width_that_people_know(numbers, width):
    assert {each.high - each.low for each in spans_of(numbers).drawn} == {width}


def submit(center=1, label="Alpha", ptid="A", kind="form", module="UDS", at=BEGIN):
    return {
        "action": "submit", "study": "adrc", "pipeline_adcid": center, "project_label": "p", "center_label": label,
        "gear_name": "g", "ptid": ptid, "visit_date": date(2024, 1, 1), "visit_number": "1", "datatype": kind,
        "module": module, "packet": None, "timestamp": at,
    }  # fmt: skip


def test_a_center_that_is_called_like_another_one_with_its_number_has_a_name_of_its_own():
    rows = [submit(1, "Alpha"), submit(2, "Alpha"), submit(3, "Alpha (1)")]
    found = figures_of(table(rows).lazy(), None, month=MONTH, at=AT, most=10)
    assert found.centers == {1: "Alpha (1) (1)", 2: "Alpha (2)", 3: "Alpha (1) (3)"}


def test_a_module_has_the_same_name_in_both_months():
    before = [submit(kind=kind, at=BEFORE) for kind in ("form", "dicom")]
    found = figures_of(
        table([submit(), *before]).lazy(), None, month=MONTH, at=AT, most=0
    )
    assert by_module(found, found.submitted) == {"form · UDS": 1}
    assert by_module(found, found.before) == {"form · UDS": 1, "dicom · UDS": 1}


def test_modules_are_told_apart_whatever_they_are_called():
    kinds = [("form", "UDS"), ("dicom", "UDS"), ("gwas", "form · UDS"), ("gwas", "'form' · 'UDS'"), ("form", None),
             ("gwas", "form"), ("form", "no module"), (None, None), ("gwas", "(none)")]  # fmt: skip
    rows = [submit(kind=kind, module=module) for kind, module in kinds]
    found = figures_of(table(rows).lazy(), None, month=MONTH, at=AT, most=10)
    assert list(by_module(found, found.submitted).values()) == [1] * len(kinds)


def test_a_submit_ahead_of_the_clock_has_waited_for_no_day():
    at = BEGIN + timedelta(days=2)
    rows = [submit(ptid="A"), submit(ptid="B", at=BEGIN + timedelta(days=9))]
    found = figures_of(table(rows).lazy(), None, month=MONTH, at=at, most=10)
    assert found.ages == {2: 1, 0: 1}
    assert [each.days for each in found.waiting] == [2, 0]
