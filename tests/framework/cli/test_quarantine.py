"""``reporting quarantine``: what it says, what it asks, and what it refuses."""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.main import reporting
from reporting_framework.operations.quarantine import EntryFilter
from tests.framework.cli.test_help import imported
from tests.framework.distributions import program
from tests.support.events import made_of, name

SECRET = "SECRET-VALUE"


@pytest.fixture
def here(tmp_path, settled):
    """A working directory with a report that ran on a good event, two of today's producer, two bad ones."""
    events = tmp_path / "in"
    events.mkdir()
    (events / name(0)).write_bytes(made_of())
    (events / name(1)).write_bytes(made_of(visit_number="-", gear_name=SECRET))
    (events / name(2)).write_bytes(b"\n".join([made_of(visit_number="-"), made_of()]))
    (events / name(3)).write_bytes(made_of(study=7))
    (events / name(4)).write_bytes(b"no JSON " + SECRET.encode())
    settled(f"{tmp_path}/in", f"{tmp_path}/out/x.parquet")
    assert run_report("event-log-checkpoint").rejected == 4
    return tmp_path


def invoke(*arguments, typed=None):
    return CliRunner().invoke(
        reporting,
        ["quarantine", "event-log-checkpoint", *arguments],
        prog_name="reporting",
        input=typed,
    )


def asked(*arguments, code=0, **how):
    done = invoke(*arguments, **how)
    assert done.exit_code == code, done.output
    return done


def shown(*arguments):
    return json.loads(asked(*arguments, "--format", "json").stdout)


# -- list and show --------------------------------------------------------------------------------------------------------


def test_reasons_are_listed_by_type_and_field(here):
    found = shown("list")
    assert [
        (each["error_type"], each["field"], each["count"], each["example"])
        for each in found
    ] == [
        ("missing", "visit_number", 2, name(1)),
        ("json_invalid", None, 1, name(4)),
        ("string_type", "study", 1, name(3)),
    ]
    assert found[0]["first"] == found[0]["last"]
    assert shown() == found, "list is what is done when nothing is named"


def test_reasons_by_run(here):
    found = shown("list", "--by-run", "--type", "missing")
    assert len(found[0]["run_id"]) == 32
    assert found[0].keys() > {"validator", "count"}


def test_a_table_and_csv(here):
    table = asked().stdout
    assert table.splitlines()[0].split() == [
        "error_type",
        "field",
        "count",
        "first",
        "last",
        "example",
    ]
    rows = list(csv.DictReader(io.StringIO(asked("list", "--format", "csv").stdout)))
    assert [row["count"] for row in rows] == ["2", "1", "1"]


def test_when_records_were_rejected_is_in_utc_and_ends_in_z(here):
    [first, last] = re.findall(r"  (20\S+ \S+)", asked().stdout.splitlines()[1])
    assert first.endswith("Z")
    assert last.endswith("Z")
    [reason, *_] = shown("list")
    assert reason["first"].endswith("Z")
    assert reason["last"].endswith("Z")


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ([], [1, 2, 3, 4]),
        (["--type", "missing"], [1, 2]),
        (["--field", "study"], [3]),
        (["--field", ""], [4]),
        (["--source-key", name(2)], [2]),
        (["--source-key", f"{name(2)}#1"], [2]),
        (["--source-key", "*-1000?[34]-*"], [3, 4]),
        (["--type", "missing", "--field", "study"], []),
        (["--limit", "2"], [1, 2]),
    ],
)
def test_records_are_shown_by_what_is_asked_for(here, given, numbers):
    found = shown("show", *given)
    assert [each["source_key"].partition("#")[0] for each in found] == [
        name(number) for number in numbers
    ]


def test_a_name_with_signs_of_a_glob_fits_itself(here):
    import polars as pl

    entries = pl.DataFrame({"source_key": ["a[1].json", "a1.json", "b.json#2"]})
    found = {
        text: EntryFilter(source_key=text).of(entries)["source_key"].to_list()
        for text in ("a[1].json", "b.json", "*#*")
    }
    assert found == {
        "a[1].json": ["a[1].json", "a1.json"],
        "b.json": ["b.json#2"],
        "*#*": ["b.json#2"],
    }


def test_more_than_the_limit_is_said(here):
    assert (
        asked("show", "--limit", "1").stderr
        == "warning: 3 more match; --limit 4 shows all\n"
    )


def test_nothing_is_said_to_be_nothing(here):
    assert asked("show", "--type", "odd").stdout == "no record in quarantine matches\n"
    assert asked("list", "--type", "odd").stdout == "no record in quarantine matches\n"
    assert shown("list", "--type", "odd") == []


@pytest.mark.parametrize("action", ["list", "show", "replay", "discard"])
@pytest.mark.parametrize("option", ["--type", "--field"])
def test_a_type_or_field_that_no_record_has_is_told_with_those_there(
    here, action, option
):
    column = {"--type": "error_type", "--field": "field"}[option]
    there = {row[column] for row in shown("list")} - {None}
    wrong = f"{min(there)}x"
    more = ["--yes"] if action == "discard" else []
    warnings = asked(action, option, wrong, *more).stderr
    assert (
        f"warning: no record in quarantine has the {option[2:]} {wrong}; did you mean"
        f" {min(there)}?; known values: {', '.join(sorted(there))}\n"
    ) in warnings
    assert "there are" not in asked(action, "--source-key", "none", *more).stderr


def test_no_value_is_ever_shown(here):
    for given in (
        [],
        ["show"],
        ["list", "--by-run"],
        ["replay", "--quiet"],
        ["discard", "--source-key", "*", "--yes"],
    ):
        assert SECRET not in asked(*given).output


# -- reveal ---------------------------------------------------------------------------------------------------------------


def test_records_are_revealed_on_stdout_after_a_warning(here):
    done = asked("show", "--type", "missing", "--reveal")
    assert done.stderr.startswith("values of records follow on stdout")
    assert SECRET not in done.stderr
    assert done.stdout.splitlines() == [
        f"== {name(1)}",
        made_of(visit_number="-", gear_name=SECRET).decode(),
        f"== {name(2)}#1",
        made_of(visit_number="-").decode(),
    ]


def test_what_changed_or_is_gone_is_said(here):
    (here / "in" / name(1)).write_bytes(b"{}")
    (here / "in" / name(2)).write_bytes(b"{}")
    (here / "in" / name(3)).unlink()
    found = shown("show", "--reveal")
    notes = {
        each["source_key"]: (each["record"], each["note"].partition(":")[0])
        for each in found
    }
    assert notes == {
        name(1): ("{}", "its object has changed"),
        f"{name(2)}#1": (None, "the record no longer exists"),
        name(3): (None, "its object no longer exists"),
        name(4): (f"no JSON {SECRET}", ""),
    }


def test_what_the_source_itself_refuses_is_said(here):
    found = shown(
        "show", "--reveal", "--max-record-bytes", "5", "--source-key", name(4)
    )
    assert (found[0]["record"], found[0]["note"]) == (
        None,
        "the source rejected it (too_large), so its values cannot be shown here; look"
        " at this source key in the source itself",
    )


def test_revealed_values_are_no_table(here):
    assert (
        "--reveal: prints no csv; use --format table or json"
        in asked("show", "--reveal", "--format", "csv", code=2).stderr
    )


# -- replay ---------------------------------------------------------------------------------------------------------------


def test_a_replay_says_what_a_run_says(here):
    result = json.loads(
        asked(
            "replay",
            "--type",
            "missing",
            "--validator",
            "visit-event-v2",
            "--format",
            "json",
            "--quiet",
        ).stdout
    )
    assert (
        result["records_read"],
        result["accepted"],
        result["duplicates"],
        result["rejected"],
    ) == (3, 2, 1, 0)
    assert (result["quarantine"]["rows"], result["outputs"][0]["rows"]) == (2, 4)
    again = asked(
        "replay",
        "--type",
        "missing",
        "--validator",
        "visit-event-v2",
        "--format",
        "json",
    )
    assert again.stderr.splitlines()[:2] == [
        "warning: no record in quarantine has the type missing; known values: json_invalid,"
        " string_type",
        "nothing to replay: no record in quarantine matches",
    ]
    assert json.loads(again.stdout)["records_read"] == 0


def test_a_dry_replay_changes_nothing(here):
    before = shown("show")
    text = asked(
        "replay", "--dry-run", "--validator", "visit-event-v2", "--quiet"
    ).stdout
    assert "would be accepted  3" in text, (
        "one line is there already, which only a commit finds out"
    )
    assert (
        "reporting quarantine event-log-checkpoint replay --validator visit-event-v2 --quiet\n"
        in text
    )
    assert shown("show") == before


def test_exit_codes_are_those_of_a_run(here):
    assert asked("replay", "--max-rejected", "1", "--quiet", code=3).stderr.endswith(
        "more than --max-rejected 1\n"
    )
    (here / "in" / name(4)).unlink()
    done = asked("replay", "--quiet", code=4)
    assert (
        "objects that could not be read: 1; they stay in quarantine: discard those that no longer exist"
        in done.stderr
    )


# -- discard --------------------------------------------------------------------------------------------------------------


def test_a_discard_asks_and_says_what_it_discards(here):
    done = asked("discard", "--field", "visit_number", typed="n\n")
    assert done.stdout == "nothing was discarded\n"
    assert (
        "  2 x missing in visit_number\ndiscard 2 records of event-log-checkpoint permanently"
        in done.stderr
    )
    assert len(shown("show")) == 4
    assert (
        asked("discard", "--field", "visit_number", typed="y\n").stdout
        == "discarded 2 records\n"
    )
    assert [each["source_key"] for each in shown("show")] == [name(3), name(4)]
    assert run_report("event-log-checkpoint").records_read == 0


def test_what_was_discarded_is_shown_when_asked_for_and_can_be_replayed(here):
    asked("discard", "--source-key", "*", "--yes")
    assert shown("show") == []
    assert [each["error_type"] for each in shown("show", "--discarded")] == [
        "missing",
        "missing",
        "string_type",
        "json_invalid",
    ]
    traced = CliRunner().invoke(
        reporting, ["trace", "event-log-checkpoint", "--source-key", name(1)]
    )
    assert "in quarantine discarded: missing in visit_number" in traced.stdout
    done = asked(
        "replay",
        "--discarded",
        "--validator",
        "visit-event-v2",
        "--format",
        "json",
        "--quiet",
    )
    assert json.loads(done.stdout)["accepted"] == 2
    assert shown("show") == []
    assert [each["source_key"] for each in shown("show", "--discarded")] == [
        name(3),
        name(4),
    ]


def test_a_discard_that_nobody_confirms_is_refused(here):
    assert (
        "confirmation required, but stdin is not a terminal; pass --yes"
        in asked("discard", code=2).stderr
    )
    assert (
        "--yes: needs a selection; add --type, --field or --source-key"
        in asked("discard", "--yes", code=2).stderr
    )
    assert len(shown("show")) == 4
    assert (
        asked("discard", "--source-key", "*", "--yes").stdout == "discarded 4 records\n"
    )
    assert (
        asked("discard", "--source-key", "*", "--yes").stdout
        == "nothing was discarded: no record in quarantine matches\n"
    )


# -- the commands ---------------------------------------------------------------------------------------------------------


def test_a_report_without_a_quarantine_says_so(toy):
    done = program(
        "reporting", "quarantine", "toy", "--target", "x.txt", site=toy.folder
    )
    assert done.returncode == 2
    assert "report toy: no sink keeps a quarantine (toy-file)" in done.stderr


def test_an_action_that_there_is_not_is_refused(here):
    done = asked("repaly", code=2)
    assert "No such command 'repaly'" in done.stderr


def test_help_lists_the_actions_and_imports_nothing_heavy(toy):
    help_ = program("reporting", "quarantine", "toy", "--help", site=toy.folder)
    assert help_.returncode == 0
    for each in ("list", "show", "replay", "discard"):
        assert f"  {each} " in help_.stdout
    assert imported("reporting", "quarantine", "--help", site=toy.folder) == set()
    assert not imported(
        "reporting", "quarantine", "toy", "show", "--help", site=toy.folder
    ) & {"polars", "obstore"}
