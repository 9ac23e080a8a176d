"""What a run says to people."""

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reporting_framework.cli import summary, tables
from reporting_framework.cli.progress import ProgressBar, is_shown
from reporting_framework.plugin_api.records import Rejection, Split, SplitResult
from reporting_framework.plugin_api.result import (
    Output,
    QuarantineState,
    RejectionCount,
    RunResult,
    Seconds,
    Traffic,
)

OUTPUT = Output(uri="out/visits.parquet", rows=1234, new_rows=34, bytes=5678)

FULL = RunResult(
    report="visits",
    run_id="1",
    status="partial",
    complete=False,
    records_read=1100,
    accepted=1034,
    rejected=60,
    filtered=5,
    duplicates=1,
    objects_unread=2,
    objects_ignored=3,
    ignored_samples=["odd\n\x1b[2J.txt", "[bold]x[/bold]"],
    remaining=7,
    ignored_fields={"naccid": 4},
    outputs=[OUTPUT],
    last_processed_timestamp=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
    rejections=[
        RejectionCount(type="missing", field="ptid", count=50),
        RejectionCount(type="bad", field=None, count=10),
    ],
    quarantine=QuarantineState(uri="out/_quarantine/visits.parquet", rows=65),
    seconds=Seconds(total=1.234),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and stdout is a terminal of 60 columns."""

    def become() -> None:
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setattr(sys, "stdout", Terminal())

    return become


def test_plain_lines_say_all_there_is():
    assert summary.summary(
        FULL, ["reporting-run", "visits", "--x", "a b"], ["--x", "a b"]
    ).splitlines() == [
        "visits: partial",
        "  read               1,100",
        "  accepted           1,034",
        "  rejected           60",
        "    reason           50 x missing in ptid",
        "    reason           10 x bad",
        "  filtered           5",
        "  duplicates         1",
        "  objects unread     2",
        "  objects remaining  7",
        "  objects ignored    3 (such as odd\\n\\x1b[2J.txt, [bold]x[/bold])",
        "  fields ignored     naccid 4",
        "  output             out/visits.parquet: 1,234 rows (+34), 5,678 bytes",
        "  quarantine         out/_quarantine/visits.parquet: 65 rows",
        "  newest timestamp   2025-01-02T03:04:05Z",
        "  complete           no: run again for the rest",
        "  seconds            1.23",
        "",
        "Next:",
        "  reporting-run visits --x 'a b' --format json",
        """  python -c "import polars as pl; print(pl.read_parquet('out/visits.parquet'))\"""",
        "  reporting quarantine visits --x 'a b'",
    ]


def test_next_commands_work_as_pasted_where_hatch_ran_this_one(monkeypatch):
    """Hatch takes single braces for fields of its own."""
    monkeypatch.setenv("HATCH_ENV_ACTIVE", "default")
    found = FULL.model_copy(
        update={"outputs": [OUTPUT.model_copy(update={"uri": "out/{study}.parquet"})]}
    )
    assert summary.next_commands(
        found, ["reporting-run", "visits"], ["--checkpoint", "out/{study}.parquet"]
    ) == [
        "hatch run reporting-run visits --format json",
        """hatch run python -c "import polars as pl; print(pl.read_parquet('out/{{study}}.parquet'))\"""",
        "hatch run reporting quarantine visits --checkpoint 'out/{{study}}.parquet'",
    ]
    monkeypatch.setenv("HATCH_ENV_ACTIVE", "docs")
    assert summary.prefixed("reporting list") == "hatch run docs:reporting list"


def test_the_quarantine_of_a_stream_is_named_as_a_command_takes_it():
    streams = {
        name: FULL.model_copy(
            update={
                "report": f"shop/{name}",
                "quarantine": QuarantineState(uri="q", rows=rows),
            }
        )
        for name, rows in {"a": 1, "b": 0, "c": 2, "d": 3}.items()
    }
    whole = FULL.model_copy(
        update={"report": "shop", "quarantine": None, "streams": streams, "outputs": []}
    )
    assert summary.next_commands(whole, ["reporting-run", "shop"], [])[1:] == [
        "reporting quarantine shop/a",
        "reporting quarantine shop/c",
    ]


def test_many_outputs_are_summed_up():
    outputs = [
        Output(uri=f"out/{number}.parquet", rows=number, new_rows=1, bytes=9)
        for number in range(13)
    ]
    result = RunResult(
        report="visits", run_id="1", status="ok", complete=True, outputs=outputs
    )
    lines = [
        line
        for line in summary.summary(result, []).splitlines()
        if line.startswith("  output")
    ]
    assert lines[9:] == [
        "  output    out/9.parquet: 9 rows (+1), 9 bytes",
        "  output    and 3 more: 33 rows (+3) (--format json lists all)",
    ]


def test_plain_lines_say_no_more_than_there_is():
    result = RunResult(
        report="visits", run_id="1", status="ok", complete=True, objects_ignored=2
    )
    assert summary.summary(result, []).splitlines() == [
        "visits: ok",
        "  read             0",
        "  accepted         0",
        "  rejected         0",
        "  objects ignored  2",
        "  complete         yes",
        "  seconds          0.00",
        "",
        "Next:",
        "  the same with --format json",
    ]


def test_what_was_listed_is_said():
    def said(**more):
        result = RunResult(
            report="visits", run_id="1", status="ok", complete=True, **more
        )
        return [
            line.split(maxsplit=1)
            for line in summary.summary(result, []).splitlines()[4:-4]
        ]

    since, due = (
        datetime(2024, 5, 6, tzinfo=UTC),
        datetime(2024, 6, 7, 8, 9, tzinfo=UTC),
    )
    assert said() == [["complete", "yes"]]
    assert said(listing="full") == [["listed", "everything"], ["complete", "yes"]]
    assert said(listing="window", listed_from=since, full_scan_due=due) == [
        [
            "listed",
            "names dated 2024-05-06 or later; full scan due at 2024-06-07 08:09 UTC",
        ],
        ["complete", "yes, of what was listed"],
    ]
    assert said(listing="named") == [
        ["listed", "named objects only"],
        ["complete", "yes, of what was listed"],
    ]


def test_what_was_upserted_is_told_with_what_was_accepted():
    counts = {"inserted": 1_000, "updated": 30, "unchanged": 4, "deleted": 2}
    result = FULL.model_copy(update=counts)
    [line] = [
        each
        for each in summary.summary(result, ["reporting-run", "visits"]).splitlines()
        if "accepted" in each
    ]
    told = "1,034 (1,000 inserted, 30 updated, 4 unchanged); 2 deleted"
    assert line.split(maxsplit=1) == ["accepted", told]


def test_a_dry_run_says_what_would_be_written():
    result = FULL.model_copy(update={"dry_run": True, "quarantine": None})
    text = summary.summary(
        result,
        [
            "reporting-run",
            "visits",
            "--limit",
            "5",
            "--dry-run",
            "--limit=6",
            "--x",
            "y",
        ],
    )
    assert "visits: dry run, nothing was written" in text
    assert "  would be accepted  1,034" in text
    assert "  would be written   1,034 rows to out/visits.parquet" in text
    assert (
        "  output now         out/visits.parquet: 1,234 rows (+34), 5,678 bytes" in text
    )
    assert "  complete           no: a sample was read\n" in text
    assert "  reporting-run visits --x y\n" in text
    no_page = summary.summary(result.model_copy(update={"cut_short": True}), [])
    assert "  complete           no: not all pages read\n" in no_page
    several = result.model_copy(update={"outputs": [OUTPUT, OUTPUT]})
    assert "  would be written   1,034 rows\n" in summary.summary(several, [])
    assert "  the same without --dry-run and --limit" in summary.summary(several, [])
    assert "ignored" not in summary.summary(
        several.model_copy(update={"objects_ignored": 0, "ignored_fields": {}}), []
    )


def test_only_the_most_frequent_reasons_are_shown():
    reasons = [
        RejectionCount(type=f"r{number}", field=None, count=1) for number in range(13)
    ]
    text = summary.summary(FULL.model_copy(update={"rejections": reasons}), [])
    assert "1 x r9" in text
    assert "r10" not in text
    assert "and 3 more (--format json lists all)" in text


def test_on_a_terminal_there_is_a_table_in_its_width_with_colours(
    monkeypatch, terminal
):
    terminal()
    text = summary.summary(FULL, [])
    assert "\x1b[" in text
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
    table = bare.partition("\nNext:")[0]
    assert "┌" in table
    assert max(map(len, table.splitlines())) <= 60
    assert "[bold]x[/bold]" in bare.replace("\n", "")
    monkeypatch.setenv("COLUMNS", "200")
    assert "odd\\n\\x1b[2J.txt, [bold]x[/bold]" in re.sub(
        r"\x1b\[[0-9;]*m", "", summary.summary(FULL, [])
    )


def test_no_color_is_minded(monkeypatch, terminal):
    terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    text = summary.summary(FULL, [])
    assert "┌" in text
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", text) is None


def test_lists_are_tables_on_a_terminal(terminal):
    terminal()
    text = tables.listing(["name", "why"], [["a", "b\x1b[2J"]])
    assert "┃" in text
    assert "b\\x1b[2J" in text


@given(st.text(min_size=1).filter(lambda text: "\0" not in text and text.isprintable()))
def test_the_command_that_reads_an_output_survives_the_shell(uri):
    words = shlex.split(summary.read_command(uri))
    assert words[:2] == ["python", "-c"]
    calls = []
    fake = type("polars", (), {"read_parquet": staticmethod(calls.append)})
    code = words[2].replace("import polars as pl; ", "")
    exec(code, {"pl": fake, "print": lambda _: None})
    assert calls == [uri]


def test_the_command_that_reads_an_output_survives_a_real_shell(tmp_path):
    command = summary.read_command("$(touch gone)`touch gone`\"'\\!.parquet")
    fake = tmp_path / "polars.py"
    fake.write_text("read_parquet = str")
    command = command.replace("python", shlex.quote(sys.executable), 1)
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "$(touch gone)`touch gone`\"'\\!.parquet\n"
    assert not (tmp_path / "gone").exists()


# -- the progress bar -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quiet", "stream", "term", "there"),
    [
        (False, Terminal(), "xterm", True),
        (True, Terminal(), "xterm", False),
        (False, Terminal(), "dumb", False),
        (False, io.StringIO(), "xterm", False),
    ],
)
def test_a_progress_bar_is_there_only_for_people(
    monkeypatch, quiet, stream, term, there
):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    assert is_shown(quiet=quiet) is there


def test_the_progress_bar_counts_what_became_of_the_records():
    stream = io.StringIO()
    bar = ProgressBar(
        Console(file=stream, force_terminal=True, width=100, color_system=None),
        total=10,
    )
    bar.reporting_run_started("visits[bold]")
    split = Split("1", {})
    rejection = Rejection("b", None, "missing")
    bar.reporting_split_finished(
        SplitResult(
            split, source_keys=["a", "b", "c"], accepted=2, rejections=[rejection]
        )
    )
    bar.reporting_split_finished(SplitResult(split, source_keys=["d"], accepted=1))
    bar.progress.refresh()
    assert re.search(
        r"visits\[bold\] 4 of 10 read [\d,]+/s 3 accepted, 1 rejected or filtered",
        stream.getvalue(),
    )
    bar.close()
    bar.close()


def test_what_a_trigger_handed_over_and_was_not_taken_is_told_and_not_tried_again():
    result = RunResult(
        report="clicks",
        run_id="1",
        status="partial",
        complete=True,
        records_read=5,
        accepted=3,
        objects_unread=2,
        unread_reasons={"counters: unavailable": 2},
        response={"batchItemFailures": []},
    )
    lines = summary.summary(result, ["reporting-run", "clicks"]).splitlines()
    assert "  not taken  2" in lines
    assert "    reason   2 x counters: unavailable" in lines
    assert "Next:" not in lines


def test_unread_objects_are_counted_by_reason():
    known = {"report": "visits", "run_id": "1", "status": "partial", "complete": True}
    reasons = {"denied": 2, "missing": 1}
    lines = summary.summary(
        RunResult(**known, objects_unread=3, unread_reasons=reasons), []
    ).splitlines()
    at = lines.index("  objects unread  3")
    assert lines[at + 1 : at + 3] == [
        "    reason        2 x denied",
        "    reason        1 x missing",
    ]


def test_a_size_that_is_not_known_is_not_shown():
    table = OUTPUT.model_copy(update={"uri": "a.db#orders", "bytes": 0})
    text = summary.summary(FULL.model_copy(update={"outputs": [table]}), [])
    assert re.search(r"^  output +a\.db#orders: 1,234 rows \(\+34\)$", text, re.M)


def test_requests_are_one_line_and_bytes_alone_are_none():
    traffic = Traffic(requests={"get": 1200, "put": 1}, bytes_read=5000)
    said = summary.summary(FULL.model_copy(update={"traffic": traffic}), [])
    assert (
        "  requests           1,200 GET, 1 PUT; 5,000 bytes read, 0 written\n" in said
    )
    local = FULL.model_copy(update={"traffic": Traffic(bytes_read=5000)})
    assert "requests" not in summary.summary(local, [])


def test_a_very_long_cell_does_not_set_the_width_of_its_column():
    text = tables.listing(["a", "b"], [["long" * 40, "1"], ["short", "2"]])
    assert text.splitlines() == ["a      b", f"{'long' * 40}  1", "short  2"]
