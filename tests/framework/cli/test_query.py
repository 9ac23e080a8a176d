"""``reporting query``: on a real checkpoint, in each form, and what it refuses."""

import json
import os
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from reporting_framework.cli.main import reporting
from tests.framework.cli.interrupting import assert_interrupted
from tests.framework.cli.test_help import completions, imported
from tests.framework.distributions import environment

EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"


@pytest.fixture
def made(few):
    """A folder with a few events of the example and their checkpoint."""
    return few


@pytest.fixture
def here(checkpointed):
    """A working directory whose reporting.toml leads to that checkpoint."""
    return checkpointed


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(reporting, ["query", *arguments], prog_name="reporting")


def ask(*arguments: str) -> str:
    done = invoke("event-log-checkpoint", *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def refused(*arguments: str, code: int = 2) -> str:
    done = invoke("event-log-checkpoint", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    return done.stderr


def test_an_answer_is_a_table_for_people(here):
    assert ask("counts", "--by", "ptid", "--by", "module").splitlines() == [
        "ptid      module  events",
        "SYN0013   -       8",
        "TWIN0000  -       2",
        "TWIN0001  -       2",
        "TWIN0002  -       2",
    ]
    assert ask("time-to-pass", "--where", "ptid=SYN0013").split() == [
        *("visits", "mean_days", "median_days", "p90_days"),
        *("1", "2.987", "2.987", "2.987"),
    ]
    shown = ask("completeness", "--where", "ptid=TWIN0001").splitlines()[1]
    assert "  2023-07-10  1  " in " ".join(shown.split("  ")).replace(" ", "  ")
    assert "2024-02-15 12:00:00Z" in shown


def test_csv_and_json_hold_exact_values(here):
    assert ask(
        "counts", "--by", "module", "--by", "action", "--format", "csv"
    ).splitlines() == [
        "module,action,events",
        ",delete,1",
        ",not-pass-qc,2",
        ",pass-qc,4",
        ",submit,7",
    ]
    [found] = json.loads(
        ask("latest-per-visit", "--where", "ptid=TWIN0001", "--format", "json")
    )
    assert found["timestamp"] == "2024-02-15T12:00:00.924223Z"
    assert (found["pipeline_adcid"], found["visit_date"], found["module"]) == (
        902,
        "2023-07-10",
        None,
    )
    [row] = ask(
        "latest-per-visit", "--where", "ptid=TWIN0001", "--format", "csv"
    ).splitlines()[1:]
    assert "2024-02-15T12:00:00.924223Z" in row.split(",")
    [rate] = json.loads(
        ask(
            "pass-rate",
            "--where",
            "ptid=SYN0013",
            "--where",
            "visit_number=2",
            "--format",
            "json",
        )
    )
    assert rate == {"visits": 0, "passed": 0, "rate": None}


def test_filters_are_or_within_a_column_and_and_between_them(here):
    def events(*arguments):
        return int(ask("counts", *arguments).split()[1])

    assert events() == 14
    assert events("--where", "ptid=TWIN0000", "--where", "ptid=TWIN0001") == 4
    assert (
        events(
            "--where",
            "ptid=TWIN0000",
            "--where",
            "ptid=SYN0013",
            "--where",
            "action=submit",
        )
        == 5
    )
    assert events("--where", "pipeline_adcid=904", "--where", "module=") == 8
    assert events("--where", "visit_date=2023-06-24") == 6
    assert events("--from", "2024-01-15", "--to", "2024-01-16") == 4
    assert events("--to", "2024-01-14") == 1
    assert (
        events("--from", "2023-07-02", "--to", "2023-07-10", "--on", "visit_date") == 4
    )


def test_a_file_is_written_in_the_form_of_its_name_or_as_asked(here):
    assert ask("counts", "--by", "study", "--out", "n.parquet") == ""
    assert pl.read_parquet("n.parquet").to_dicts() == [
        {"study": "adrc", "events": 12},
        {"study": "dlb", "events": 2},
    ]
    ask("counts", "--by", "study", "--out", "n.csv")
    assert Path("n.csv").read_text() == "study,events\nadrc,12\ndlb,2\n"
    ask("counts", "--out", "n.json")
    assert json.loads(Path("n.json").read_text()) == [{"events": 14}]
    ask("counts", "--out", "n.txt")
    assert Path("n.txt").read_text() == "events\n14\n"
    ask("counts", "--out", "n.txt", "--format", "csv", "--where", "study=none")
    assert Path("n.txt").read_text() == "events\n0\n"
    assert sorted(each.name for each in here.iterdir()) == [
        "n.csv",
        "n.json",
        "n.parquet",
        "n.txt",
        "reporting.toml",
    ]


def test_a_file_that_cannot_be_written_is_a_failure(here):
    assert (
        "error: gone/n.csv: No such file or directory; the answer was not written"
        in refused("counts", "--out", "gone/n.csv", code=1)
    )


def test_settings_come_from_everywhere(here, made, monkeypatch):
    (here / "reporting.toml").unlink()
    monkeypatch.setenv("REPORTING_EVENT_LOG_CHECKPOINT__SOURCE", "in")
    assert ask("counts", "--checkpoint", f"{made}/out.parquet").split() == [
        "events",
        "14",
    ]
    assert ask("counts", "--set", f"checkpoint={made}/out.parquet").split() == [
        "events",
        "14",
    ]
    (here / "other.toml").write_text(
        f'[settings.event-log-checkpoint]\ncheckpoint = "{made}/out.parquet"\n'
    )
    assert ask("counts", "--config", "other.toml").split() == ["events", "14"]
    assert "setting checkpoint is missing" in refused("counts")


def test_the_queries_are_listed_with_summaries_and_options(here):
    lines = [" ".join(line.split()) for line in ask("--list").splitlines()]
    assert lines[0] == "query summary options"
    assert "counts number of events --by TEXT" in lines
    assert "latest-per-visit the latest event of each visit" in lines
    (here / "reporting.toml").unlink()
    for beside in ((), ("--source", "in"), ("counts",)):
        assert [
            " ".join(line.split()) for line in ask(*beside, "--list").splitlines()
        ] == lines


@pytest.mark.parametrize(
    "option", [["--format", "json"], ["--format=json"], ["--out", "x.csv"]]
)
def test_the_list_of_queries_is_text_alone(here, option):
    assert "--list: the list is text; drop --format and --out" in refused(
        "--list", *option
    )


def test_help_says_what_a_query_means_and_its_options(here):
    text = " ".join(ask("volumes", "--help").split())
    assert "Usage: reporting query event-log-checkpoint volumes [OPTIONS]" in text
    assert "does not submit a visit, and a delete does not undo a submit." in text
    assert all(
        f" {flag} " in text
        for flag in (
            "--by",
            "--where",
            "--from",
            "--to",
            "--on",
            "--out",
            "--checkpoint",
        )
    )
    assert "counts number of events" in " ".join(ask("--help").split())
    assert "event-log-checkpoint visit events from S3" in " ".join(
        invoke("--help").stdout.split()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["count"], "error: there is no query 'count'; did you mean counts?"),
        (
            ["counts", "--where", "sudy=adrc"],
            "error: there is no column sudy; did you mean study?; there are action, s",
        ),
        (
            ["counts", "--where", "pipeline_adcid=x"],
            "error: 'x' does not fit column pipeline_adcid, which is Int32 and",
        ),
        (
            ["counts", "--where", "timestamp=2024"],
            "error: column timestamp: it is Datetime",
        ),
        (
            ["counts", "--where", "study"],
            "--where: expected COLUMN=VALUE, such as --where study=adrc",
        ),
        (
            ["counts", "--where", "=adrc"],
            "--where: expected COLUMN=VALUE, such as --where study=adrc",
        ),
        (
            ["counts", "--by", "sudy"],
            "error: query counts: by: no column sudy; use some of action, study, ",
        ),
        (
            ["counts", "--from", "yesterday"],
            "'yesterday' is not a day; give it as YYYY-MM-DD",
        ),
        (
            ["counts", "--from", "20240101"],
            "'20240101' is not a day; give it as YYYY-MM-DD",
        ),
        (
            ["counts", "--to", "2024-02-30"],
            "'2024-02-30' is not a day; give it as YYYY-MM-DD",
        ),
        (
            ["counts", "--from", "2024-01-02", "--to", "2024-01-01"],
            "error: first day 2024-01-02: it is after the la",
        ),
        (["counts", "--on", "visit_date"], "--on: needs a day; add --from or --to"),
        (
            ["counts", "--from", "2024-01-01", "--on", "study"],
            "error: column study: it is String and has no days",
        ),
        (
            ["counts", "--format", "parquet"],
            "--format parquet: cannot be printed; add --out FILE",
        ),
        (["monthly-errors", "--by", "study"], "No such option"),
    ],
)
def test_usage_errors_say_what_there_is(here, arguments, message):
    text = refused(*arguments)
    assert message in " ".join(text.split())
    assert "SYN0013" not in text


def test_a_file_of_no_known_form_is_refused(here):
    assert (
        "--out x.xlsx: .xlsx is no known format; add --format table, csv, json, parquet"
        in refused("counts", "--out", "x.xlsx")
    )
    assert not (here / "x.xlsx").exists()


def test_a_report_that_never_ran_holds_nothing(here):
    text = refused("counts", "--checkpoint", "never.parquet", code=1)
    assert text == (
        "error: report event-log-checkpoint: sink parquet-checkpoint holds nothing yet at never.parquet; run the "
        "report first\n"
    )


def test_a_checkpoint_that_is_damaged_is_a_failure(here):
    (here / "bad.parquet").write_bytes(b"no parquet")
    assert "bad.parquet: not a parquet file that can be read" in refused(
        "counts", "--checkpoint", "bad.parquet", code=1
    )


def test_a_value_that_cannot_be_read_is_not_shown(here, made):
    pl.read_parquet(made / "out.parquet").with_columns(
        visit_date=pl.lit("a secret")
    ).write_parquet("old.parquet")
    text = refused("latest-per-visit", "--checkpoint", "old.parquet", code=1)
    assert (
        "old.parquet: the checkpoint has another schema: column visit_date is String, not Date, and 14 rows"
        in text
    )
    assert "a secret" not in text


def test_an_older_checkpoint_is_brought_to_todays_columns(here, made):
    old = (
        pl.read_parquet(made / "out.parquet")
        .drop("packet")
        .with_columns(pl.col("visit_date").cast(pl.String))
    )
    old.write_parquet("old.parquet")
    for query in ("completeness", "volumes"):
        expected = ask(query, "--format", "csv")
        found = ask(query, "--format", "csv", "--checkpoint", "old.parquet")
        assert found.splitlines()[0] == expected.splitlines()[0]
        assert query == "volumes" or found == expected


COMPOSED = """
[reports.archive]
source = { use = "object-store-json", uri = "in" }
validator = { use = "visit-event" }
sinks = [{ use = "ndjson-archive", uri = "out" }]

[reports.other]
source = { use = "object-store-json", uri = "in" }
validator = { use = "experiment-event" }
sinks = [{ use = "parquet-checkpoint", uri = "out.parquet" }]
"""


@pytest.mark.parametrize("command", ["query", "render"])
def test_a_list_says_what_cannot_be_asked_of_a_report(here, command):
    (here / "reporting.toml").write_text(COMPOSED)

    def listed(report):
        done = CliRunner().invoke(reporting, [command, report, "--list"])
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    assert listed("archive") == (
        "report archive: there is no table to query: none of its sinks can be read"
        " (ndjson-archive); add a sink that can be read\n"
    )
    assert "needs action, " in listed("other")
    assert "needs " not in listed("event-log-checkpoint")


def test_a_query_that_a_table_fits_has_no_obstacle_in_the_list(here):
    (here / "reporting.toml").write_text(COMPOSED)
    lines = invoke("other", "--list").stdout.splitlines()
    assert lines[0].split("  ")[-1] == "not for this table"
    [counts] = [line for line in lines if line.startswith("counts ")]
    assert counts.endswith("--by TEXT")


def test_reports_that_cannot_answer_say_why(here):
    (here / "reporting.toml").write_text(COMPOSED)
    done = invoke("archive", "counts")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "report archive: there is no table to query: none of its sinks can be read (ndjson-archive)"
        in done.stderr
    )
    rows = {"timestamp": [None], "event_id": ["e"], "source_key": ["k"]}
    pl.DataFrame(
        rows, schema_overrides={"timestamp": pl.Datetime("us", "UTC")}
    ).write_parquet("out.parquet")
    done = invoke("other", "pass-rate")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "report other: query pass-rate needs column action, datatype, module, pipeline_adcid, "
        in done.stderr
    )
    assert invoke("other", "counts").stdout.split() == ["events", "1"]


def test_a_report_that_there_is_not_is_refused():
    done = invoke("nothing", "counts")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no report 'nothing'" in done.stderr


def test_shells_complete_queries_and_options(here):
    assert completions(reporting, "query", "event-log-checkpoint", "co") == [
        "completeness",
        "counts",
    ]
    assert completions(
        reporting, "query", "event-log-checkpoint", "counts", "--fro"
    ) == ["--from"]
    assert (
        completions(reporting, "query", "event-log-checkpoint", "nothing", "--fro")
        == []
    )
    assert completions(reporting, "query", "event-log-checkpoint", "--li") == ["--list"]


def test_help_of_a_report_imports_no_query_and_no_frames(here, tmp_path):
    assert imported(
        "reporting", "query", "event-log-checkpoint", "--help", site=tmp_path
    ) <= {"pydantic"}


def test_a_registry_without_queries_says_so(here, monkeypatch):
    monkeypatch.setenv("REPORTING_PLUGINS", "")
    (here / "reporting.toml").write_text(COMPOSED)
    assert "no usable plugin" in invoke("archive", "--list").stdout
    assert (
        "(none)  no usable plugin provides a query"
        in invoke("archive", "--help").stdout
    )


def test_a_query_that_cannot_be_imported_leaves_the_others_alone(toy):
    toy.add(
        "fake-asking",
        "@hookimpl\ndef reporting_queries():\n    return [LazyPlugin('lost', 'nowhere:Lost', 'gone')]\n",
    )
    lines = invoke("toy", "--list").stdout.splitlines()
    assert any(
        "(the query lost of fake-asking 1.0" in line
        for line in lines
        if line.startswith("lost ")
    )
    assert any(line.startswith("counts ") for line in lines)
    done = invoke("toy", "lost")
    assert done.exit_code == 2
    assert "cannot be imported from nowhere:Lost: ModuleNotFoundError" in done.stderr
    listed = CliRunner().invoke(reporting, ["plugins"]).stdout
    assert ["lost", "query", "fake-asking"] in [
        line.split()[:3] for line in listed.splitlines()
    ]


SLOW = """
import hashlib
import time
from pathlib import Path
import polars as pl
from reporting_framework import Page, Query, hookimpl

def compute():
    Path("began").touch()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000_000)

class Slow(Query):
    "One that computes for long in a library that does not look for signals."

    name = "slow"

    def run(self, rows):
        compute()

class Calling(Query):
    "One whose library calls functions in Python."

    name = "calling"

    def run(self, rows):
        Path("began").touch()
        return rows.select(pl.col("ptid").map_elements(wait, return_dtype=pl.String))

class SlowPage(Page):
    "A page that computes for long."

    name = "slow"

    def render(self, material):
        compute()

def wait(value):
    time.sleep(0.1)
    return value

@hookimpl
def reporting_queries():
    return [Slow, Calling]

@hookimpl
def reporting_pages():
    return [SlowPage]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["query", "event-log-checkpoint", "slow"],
        ["query", "event-log-checkpoint", "calling"],
        ["render", "event-log-checkpoint", "--page", "slow", "--html", "x.html"],
    ],
    ids=lambda words: "-".join(words[::2]),
)
def test_the_keyboard_interrupts_what_computes_in_a_library(here, site, words):
    site.add("fake-slow", SLOW)
    code = "from reporting_framework.cli.main import reporting; reporting()"

    def wait_until_it_computes():
        deadline = time.monotonic() + 30
        while not Path("began").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    assert_interrupted(
        [sys.executable, "-c", code, *words],
        wait_until_it_computes,
        environment(site.folder),
    )


def test_a_link_stays_and_what_is_no_file_is_written_to(here, tmp_path):
    """A device or a pipe must not be replaced by a file."""
    target, link, pipe = tmp_path / "x.csv", tmp_path / "link.csv", tmp_path / "pipe"
    link.symlink_to(target)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for out in (link, pipe):
            ask("counts", "--format", "csv", "--out", str(out))
        assert target.read_bytes() == os.read(reader, 10_000) != b""
    finally:
        os.close(reader)
    assert (link.is_symlink(), pipe.is_fifo()) == (True, True)
