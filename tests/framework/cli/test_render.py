"""``reporting render``: the page of a month in a file, on stdout, on paper; and what is refused."""

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.chromium import print_page
from reporting_framework.cli.main import reporting
from reporting_framework.errors import LocationError
from tests.framework.cli.test_help import completions
from tests.support.browser import chromium

EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("render")
    run_report(
        "event-log-checkpoint",
        {"source": str(EXAMPLE), "checkpoint": f"{folder}/out.parquet"},
    )
    return folder


@pytest.fixture
def here(made, settled):
    """A working directory whose reporting.toml leads to the example's checkpoint."""
    return settled(EXAMPLE, f"{made}/out.parquet")


def render(*arguments, code=0):
    done = CliRunner().invoke(reporting, ["render", *arguments], prog_name="reporting")
    assert done.exit_code == code, done.output
    return done


def test_the_page_of_a_month_is_written_in_one_step(here):
    (here / "page.html").write_text("before")
    done = render("event-log-checkpoint", "--month", "2024-02", "--html", "page.html")
    size = (here / "page.html").stat().st_size
    assert (done.stdout, done.stderr) == (
        f"page.html: monthly-visits of 2024-02, {size:,} bytes\n",
        "",
    )
    text = (here / "page.html").read_text()
    assert "<title>Visits in February 2024</title>" in text
    assert text.endswith("</html>\n")
    assert sorted(each.name for each in here.iterdir()) == [
        "page.html",
        "reporting.toml",
    ]
    assert stat.S_IMODE((here / "page.html").stat().st_mode) & 0o600 == 0o600


def test_a_page_is_filtered_by_study_and_center(here):
    arguments = "--month 2024-02 --html page.html --study adrc --study x --center 7"
    render("event-log-checkpoint", *arguments.split())
    title = "Visits of studies adrc, x at center 7 in February 2024"
    assert f"<title>{title}</title>" in (here / "page.html").read_text()


def test_the_page_is_printed_and_its_own_settings_are_options(here):
    done = render(
        "event-log-checkpoint",
        "--month",
        "2024-03",
        "--html",
        "-",
        "--no-identifiers",
        "--longest-waiting",
        "2",
    )
    assert done.stderr == ""
    assert done.stdout.startswith("<!doctype html>\n")
    assert "2 visits, the longest first." in done.stdout
    assert not re.search(r">(?:SYN|LATE|TWIN)\d+<", done.stdout)


def test_a_month_without_data_is_a_warning_that_names_the_months_there_are(here):
    done = render("event-log-checkpoint", "--month", "2023-02", "--html", "-")
    assert (
        done.stderr
        == "warning: 2023-02: no data; months with data: 2024-01, 2024-02, 2024-03\n"
    )
    assert done.stdout.startswith("<!doctype html>\n")


def test_without_a_month_it_is_the_last_one_that_is_over(here):
    assert (
        "There is no event in" in render("event-log-checkpoint", "--html", "-").stdout
    )


@pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine")
@pytest.mark.slow
def test_paper_comes_from_a_browser(here):
    render("event-log-checkpoint", "--month", "2024-02", "--pdf", "page.pdf")
    assert (here / "page.pdf").read_bytes().startswith(b"%PDF-")
    assert sorted(each.name for each in here.iterdir()) == [
        "page.pdf",
        "reporting.toml",
    ]


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ([], "no output: add --html FILE, --pdf FILE or both", 2),
        (
            ["--html", "a", "--month", "2024-13"],
            "'2024-13' is not a month; give it as YYYY-MM",
            2,
        ),
        (
            ["--html", "a", "--month", "0000-01"],
            "'0000-01' is not a month; give it as YYYY-MM",
            2,
        ),
        (
            ["--html", "a", "--month", "0001-01"],
            "'0001-01' is not a month; give it as YYYY-MM",
            2,
        ),
        (
            ["--html", "a", "--month", "9999-12"],
            "'9999-12' is not a month; give it as YYYY-MM",
            2,
        ),
        (
            ["--html", "a", "--page", "monthly-visit"],
            "there is no page 'monthly-visit'; did you mean monthly-visits?",
            2,
        ),
        (["--html", "a", "--longest-waiting", "-1"], "longest_waiting", 2),
        (
            ["--html", "none/a"],
            "none/a: No such file or directory; the page was not written",
            1,
        ),
        (
            ["--pdf", "a", "--chromium", "no-browser"],
            "--chromium no-browser: no such program",
            2,
        ),
    ],
)
def test_what_is_wrong_is_said(here, arguments, said, code):
    done = CliRunner().invoke(
        reporting, ["render", "event-log-checkpoint", *arguments], prog_name="reporting"
    )
    assert said in " ".join(done.stderr.split())
    assert done.exit_code == code
    assert sorted(each.name for each in here.iterdir()) == ["reporting.toml"]


def test_the_variable_that_names_a_browser_is_minded(here, monkeypatch):
    monkeypatch.setenv("REPORTING_CHROMIUM", "no-browser")
    assert (
        "REPORTING_CHROMIUM no-browser: no such program"
        in render("event-log-checkpoint", "--pdf", "a", code=2).stderr
    )


def test_without_any_browser_the_error_says_what_to_install(here, monkeypatch):
    monkeypatch.setenv("PATH", str(here))
    said = " ".join(render("event-log-checkpoint", "--pdf", "a", code=2).stderr.split())
    assert (
        "--pdf: Chromium was not found (looked for chromium, chromium-browser" in said
    )
    assert "apt-get install chromium" in said


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "printed no PDF (exit code 3)"),
        ("exit 0", "printed no PDF (exit code 0)"),
        ("#", "Exec format error"),
    ],
)
def test_a_browser_that_gives_no_paper_is_told_of(here, script, said):
    (here / "browser").write_text(f"#!/bin/sh\n{script}\n" if script != "#" else "#")
    (here / "browser").chmod(0o755)
    done = CliRunner().invoke(
        reporting, ["render", "event-log-checkpoint", "--month", "2024-02", "--pdf", "a.pdf", "--chromium", str(here / "browser")]
    )  # fmt: skip
    assert (done.exit_code, said in done.stderr) == (1, True), done.stderr
    assert not (here / "a.pdf").exists()


def test_pages_are_listed(here):
    assert render("event-log-checkpoint", "--list").stdout.splitlines() == [
        "page            summary                                              distribution",
        "monthly-visits  a month: volumes, pass rates, times, waiting visits  reporting-event-log-checkpoint",
        "table-overview  any table: columns, rows over time, checks, runs     reporting-pages",
    ]


def test_a_report_without_a_page_of_its_own_takes_one_by_name(here, made):
    (here / "reporting.toml").write_text(
        f'[reports.visits]\nsource = {{ use = "object-store-json", uri = "{EXAMPLE}" }}\n'
        f'validator = {{ use = "visit-event" }}\nsinks = [{{ use = "parquet-checkpoint", uri = "{made}/out.parquet" }}]\n'
    )
    said = " ".join(render("visits", "--html", "a.html", code=2).stderr.split())
    assert (
        "report visits names no page of its own; give one with --page: monthly-visits"
        in said
    )
    render(
        "visits",
        "--page=monthly-visits",
        "--month",
        "2024-02",
        "--html",
        "a.html",
        "--no-identifiers",
    )
    assert "visits · monthly report" in (here / "a.html").read_text()


def test_options_of_the_page_are_completed_and_helped(here):
    assert completions(reporting, "render", "event-log-checkpoint", "--longest") == [
        "--longest-waiting"
    ]
    assert (
        completions(
            reporting,
            "render",
            "event-log-checkpoint",
            "--page",
            "nothing",
            "--longest",
        )
        == []
    )
    assert (
        "Render a page of event-log-checkpoint: monthly-visits."
        in render("event-log-checkpoint", "--help").stdout
    )


def test_a_browser_that_takes_too_long_is_told_of(here):
    (here / "browser").write_text("#!/bin/sh\nexec sleep 9\n")
    (here / "browser").chmod(0o755)
    with pytest.raises(
        LocationError,
        match=r"browser: took longer than 0.2 seconds; no PDF was written",
    ):
        print_page("<p>", str(here / "browser"), patience=0.2)
