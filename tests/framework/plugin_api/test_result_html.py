"""A result in a notebook: small tables, in which every text is escaped."""

import re
from datetime import UTC, datetime

from reporting_framework.plugin_api.result import (
    CheckOutcome,
    Output,
    QuarantineState,
    RejectionCount,
    RunResult,
    SchemaChange,
)

EVIL = "<script>alert('x')</script>&"


def result(**more):
    given = {"report": "r", "run_id": "1", "status": "ok", "complete": True}
    return RunResult(**(given | more))


def cells(html):
    return [
        re.findall(r"<t[hd]>(.*?)</t[hd]>", row)
        for row in re.findall("<tr>.*?</tr>", html)
    ]


def test_counts_are_shown_and_those_that_are_zero_are_left_out():
    html = result(records_read=12_345, accepted=12_345, updated=1)._repr_html_()
    assert html.startswith("<b>r: ok</b>\n<table>")
    assert cells(html) == [
        ["records read", "12,345"],
        ["accepted", "12,345"],
        ["rejected", "0"],
        ["updated", "1"],
        ["seconds", "0.00"],
    ]


def test_every_text_is_escaped():
    outcome = {"over": "run", "severity": "warn", "passed": False, "problem": EVIL}
    html = result(
        report=EVIL,
        status="partial",
        complete=False,
        dry_run=True,
        last_processed_timestamp=datetime(2024, 5, 1, tzinfo=UTC),
        outputs=[Output(uri=f"s3://b/{EVIL}", rows=1, new_rows=1, bytes=1)],
        rejections=[RejectionCount(type=EVIL, field=EVIL, count=1)],
        quarantine=QuarantineState(uri=f"s3://b/{EVIL}", rows=1),
        checks=[CheckOutcome(name=EVIL, check=EVIL, **outcome)],
        schema_changes=[SchemaChange(column=EVIL, change="added", after=EVIL)],
        warnings=[EVIL],
        streams={EVIL: result()},
    )._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 11
    assert set(re.findall(r"</?(\w+)", html)) == {"b", "table", "tr", "th", "td"}
    assert ": partial, dry run, not complete</b>" in html


def test_long_lists_are_cut():
    reasons = [RejectionCount(type="x", field=str(at), count=1) for at in range(1000)]
    html = result(rejections=reasons)._repr_html_()
    assert ["and 980 more"] in cells(html)
    assert len(html) < 3000


def test_user_info_of_a_uri_is_not_shown():
    output = Output(uri="postgresql://u:SECRET@h/d", rows=1, new_rows=1, bytes=1)
    assert "SECRET" not in result(outputs=[output])._repr_html_()
