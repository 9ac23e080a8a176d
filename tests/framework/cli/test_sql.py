"""``reporting sql``: on a real checkpoint, in each form, what it refuses, and what it does not tell."""

import itertools
import json
import re
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import install_command
from reporting_framework.cli.main import reporting
from reporting_framework.errors import SettingsError
from reporting_framework.query.sql.engine import check_installed
from tests.framework.cli.interrupting import assert_interrupted
from tests.framework.cli.test_help import completions, imported

COLUMNS = [
    *(
        "action",
        "study",
        "pipeline_adcid",
        "project_label",
        "center_label",
        "gear_name",
        "ptid",
        "visit_date",
    ),
    *("visit_number", "datatype", "module", "packet", "timestamp", "source_key"),
]


EXAMPLE = Path(__file__).parents[3] / "examples" / "visit-events"


@pytest.fixture
def made(few):
    """A folder with a few events of the example and their checkpoint."""
    return few


@pytest.fixture
def here(checkpointed):
    """A working directory whose reporting.toml leads to that checkpoint."""
    return checkpointed


def invoke(*arguments, **more):
    return CliRunner().invoke(
        reporting, ["sql", *arguments], prog_name="reporting", **more
    )


def ask(*arguments, **more):
    done = invoke("event-log-checkpoint", *arguments, **more)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def refused(*arguments, code=2):
    done = invoke("event-log-checkpoint", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    return done.stderr


# -- what is asked, and the answer ---------------------------------------------------------------------------------------


def test_an_answer_is_a_table_for_people(here):
    assert ask(
        "SELECT ptid, module, count(*) AS events FROM events GROUP BY ALL ORDER BY 1"
    ).splitlines() == [
        "ptid      module  events",
        "SYN0013   -       8",
        "TWIN0000  -       2",
        "TWIN0001  -       2",
        "TWIN0002  -       2",
    ]
    shown = ask(
        "SELECT max(timestamp) AS last, 1 / 3 AS third, TRUE AS yes FROM events WHERE ptid = 'TWIN0001'"
    )
    assert shown.splitlines()[1].split("  ") == [
        "2024-02-15 12:00:00Z",
        "0.333",
        "True",
    ]


def test_the_report_s_own_name_works_too(here):
    assert ask("SELECT count(*) AS n FROM event_log_checkpoint").split() == ["n", "14"]
    assert ask("SHOW TABLES").split() == [
        "name",
        "checkpoint_events",
        "event_log_checkpoint",
        "events",
    ]


@pytest.mark.parametrize("option", ["--tables", "--list"])
def test_the_table_s_names_columns_and_types_are_shown(here, option):
    lines = ask(option).splitlines()
    assert lines[:3] == [
        "events or checkpoint_events or event_log_checkpoint",
        "",
        "column          type",
    ]
    assert [line.split()[0] for line in lines[3:]] == COLUMNS
    assert lines[10].split() == ["visit_date", "DATE"]
    assert lines[15].split() == ["timestamp", "TIMESTAMP", "WITH", "TIME", "ZONE"]


def test_csv_and_json_hold_exact_values_as_those_of_queries_do(here):
    sql = "SELECT * FROM events ORDER BY timestamp, source_key"
    queried = [
        "query",
        "event-log-checkpoint",
        "completeness",
        "--where",
        "ptid=TWIN0001",
        "--format",
    ]
    mine = (
        "SELECT study, pipeline_adcid, project_label, ptid, visit_date, visit_number, datatype, module, "
        "min(timestamp) FILTER (action = 'submit') AS first_submit, count(*) FILTER (action = 'submit') AS submissions, "
        "count(*) FILTER (action = 'not-pass-qc') AS failures, min(timestamp) FILTER (action = 'pass-qc') AS first_pass, "
        "max(timestamp) AS last_event, FALSE AS deleted FROM events WHERE ptid = 'TWIN0001' GROUP BY ALL"
    )
    for form, read in (("csv", str), ("json", json.loads)):
        theirs = CliRunner().invoke(reporting, [*queried, form]).stdout
        assert read(ask(mine, "--format", form)) == read(theirs)
    assert len(json.loads(ask(sql, "--format", "json"))) == 14
    assert json.loads(ask(f"{sql} LIMIT 0", "--format", "json")) == []


def test_a_sum_of_whole_numbers_stays_whole_in_every_form(here):
    sql = "SELECT sum(pipeline_adcid) + 170141183460469231731 AS total FROM events"
    assert ask(sql, "--format", "csv") == "total\n170141183460469244375\n"
    assert json.loads(ask(sql, "--format", "json")) == [
        {"total": 170141183460469244375}
    ]
    ask(sql, "--out", "n.parquet")
    assert pl.read_parquet("n.parquet").item() == 170141183460469244375
    assert ask(sql).split()[1] == "170141183460469244375"


def test_a_file_is_written_in_the_form_of_its_name_or_as_asked(here):
    sql = "SELECT study, count(*) AS events FROM events GROUP BY ALL ORDER BY study"
    for name in ("n.parquet", "n.csv", "n.json", "n.txt"):
        assert ask(sql, "--out", name) == ""
    assert pl.read_parquet("n.parquet").to_dicts() == [
        {"study": "adrc", "events": 12},
        {"study": "dlb", "events": 2},
    ]
    assert Path("n.csv").read_text() == "study,events\nadrc,12\ndlb,2\n"
    assert (
        json.loads(Path("n.json").read_text())
        == pl.read_parquet("n.parquet").to_dicts()
    )
    assert Path("n.txt").read_text() == "study  events\nadrc   12\ndlb    2\n"
    ask('SELECT 1 AS "it\'s"', "--out", 'it\'s "n".csv')
    assert Path('it\'s "n".csv').read_text() == "it's\n1\n"
    assert {each.name for each in here.iterdir()} == {
        *("n.parquet", "n.csv", "n.json", "n.txt", 'it\'s "n".csv', "reporting.toml")
    }


def test_a_file_that_was_there_stays_where_the_sql_fails(here):
    Path("n.csv").write_text("old")
    refused("SELECT CAST(ptid AS INTEGER) AS n FROM events", "--out", "n.csv")
    assert Path("n.csv").read_text() == "old"
    assert "error: gone/n.csv: No such file or directory" in refused(
        "SELECT 1", "--out", "gone/n.csv", code=1
    )
    assert {each.name for each in here.iterdir()} == {"n.csv", "reporting.toml"}


def test_the_table_for_people_is_bounded_and_says_how_many_rows_there_are_besides(here):
    done = invoke(
        "event-log-checkpoint", "SELECT range AS n FROM range(12345) ORDER BY n DESC"
    )
    assert (
        done.stderr
        == "100 of 12,345 rows are shown; use --format csv, json or parquet for all\n"
    )
    assert done.stdout.split() == [
        "n",
        *(str(12345 - number) for number in range(1, 101)),
    ]
    assert len(ask("SELECT range AS n FROM range(100)").splitlines()) == 101
    assert (
        len(ask("SELECT range AS n FROM range(12345)", "--format", "csv").splitlines())
        == 12346
    )


def test_the_sql_comes_from_a_file_or_from_standard_input(here):
    Path("q.sql").write_text(
        "-- é; how many\nSELECT count(*) AS n -- all; of them\nFROM events;\n-- that is all;\n"
    )
    assert ask("--file", "q.sql").split() == ["n", "14"]
    assert ask("--file", "-", input="SELECT count(*) AS n FROM events;;").split() == [
        "n",
        "14",
    ]
    assert ask("-", input="SELECT count(*) AS n FROM events").split() == ["n", "14"]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM events",
        "TABLE events",
        "WITH x AS (SELECT 1 AS n) SELECT * FROM x",
        "VALUES (1)",
        "(SELECT 1)",
        "SUMMARIZE events",
        "DESCRIBE events",
        "SELECT 1 AS a UNION SELECT 2",
        "FROM (PIVOT events ON action IN ('submit', 'delete') USING count(*))",
    ],
)
def test_whatever_gives_rows_is_taken(here, sql):
    assert ask(sql, "--format", "csv").splitlines()[1:]


def test_the_session_is_in_utc_wherever_it_is(here, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    sql = "SELECT current_setting('TimeZone') AS zone, strftime(max(timestamp), '%H') AS hour FROM events"
    assert (
        ask(f"{sql} WHERE ptid = 'TWIN0001'", "--format", "csv")
        == "zone,hour\nUTC,12\n"
    )


def test_settings_come_from_everywhere(here, made, monkeypatch):
    (here / "reporting.toml").unlink()
    monkeypatch.setenv("REPORTING_EVENT_LOG_CHECKPOINT__SOURCE", "in")
    for arguments in (
        ["--checkpoint", f"{made}/out.parquet"],
        ["--set", f"checkpoint={made}/out.parquet"],
    ):
        assert ask("SELECT count(*) AS n FROM events", *arguments).split() == [
            "n",
            "14",
        ]
    assert "setting checkpoint is missing" in refused("SELECT 1")


# -- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 FROM evnts", "line 1, column 15: Table with name evnts does not exist; did you mean events?; there is"),
        ("SELECT é, 'é', stdy FROM events", "the SQL, line 1, column 8: Referenced column \"é\" not found in FROM"),
        ("SELECT 'é',\n  stdy FROM events", "line 2, column 3: Referenced column \"stdy\" not found in FROM clause; did yo"),
        ("SELECT stdy FROM events", "did you mean study?; events has action, study, pipeline_adcid, project_label, cent"),
        ("SELECT 'é',,", "error: the SQL, line 1, column 12: syntax error at or near"),
        ("SELECT nothing(ptid) FROM events", "Scalar Function with name nothing does not exist!"),
        ("SELECT 1 AS a, 2 AS A", "two columns of the answer are called A; rename one of them with AS"),
        ("SELECT 1; SELECT 2", "error: the SQL is 2 statements; give one that returns rows, such as a SELECT"),
        ("", "error: the SQL is 0 statements; give one that returns rows"),
        ("-- nothing", "No such option"),
        ("SELECT ?", "error: the SQL has parameters, which are not supported"),
        *(
            (sql, f"error: the SQL is a statement of type {kind}; give one that returns rows")
            for sql, kind in [
                ("CREATE TABLE mine AS FROM events", "CREATE"),
                ("DROP VIEW events", "DROP"),
                ("DELETE FROM events", "DELETE"),
                ("COPY events TO 'x.csv'", "COPY"),
                ("ATTACH 'x.db'", "ATTACH"),
                ("SET threads = 1", "SET"),
                ("INSTALL httpfs", "LOAD"),
                ("LOAD httpfs", "LOAD"),
                ("EXPLAIN SELECT 1", "EXPLAIN"),
                ("PIVOT events ON action USING count(*)", "MULTI"),
            ]
        ),
        ("WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x", "the SQL"),
        ("FROM read_csv('/etc/passwd')", "Cannot access file \"/etc/passwd\" - file system operations are disabled"),
        ("FROM 'reporting.toml'", "error: the SQL, line 1, column 6: Table with name reporting.toml does not exist"),
        ("FROM read_parquet('https://127.0.0.1:1/x.parquet')", "Cannot access file \"https://127.0.0.1:1/x.parquet\""),
        ("FROM read_parquet('s3://bucket/x.parquet')", "Cannot access file \"s3://bucket/x.parquet\""),
        ("FROM glob('/etc/*')", "Cannot access file \"/etc/*\""),
        ("SELECT * FROM table", "syntax error at or near"),
    ],
)  # fmt: skip
def test_errors_say_where_and_what_there_is(here, sql, message):
    text = refused(sql)
    assert message in " ".join(text.split())
    assert not any(Path(name).exists() for name in ("x.csv", "x.db"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "expected exactly one of: the SQL, --file FILE (- is stdin), --tables",
        ),
        (
            ["SELECT 1", "--file", "q.sql"],
            "expected exactly one of: the SQL, --file FILE",
        ),
        (["SELECT 1", "--tables"], "expected exactly one of: the SQL, --file FILE"),
        (
            ["--file", "gone.sql"],
            "error: gone.sql: the SQL cannot be read: No such file or directory",
        ),
        (
            ["--file", "latin.sql"],
            "error: latin.sql: the SQL cannot be read: it is not UTF-8",
        ),
        (["SELECT '\udce9'"], "error: SQL: not valid UTF-8; save it as UTF-8"),
        (
            ["SELECT 1", "--format", "parquet"],
            "--format parquet: cannot be printed; add --out FILE",
        ),
    ],
)
def test_usage_errors(here, arguments, message):
    Path("latin.sql").write_bytes("SELECT 'é'".encode("latin-1"))
    assert message in " ".join(refused(*arguments).split())


def test_a_byte_order_mark_is_no_part_of_sql(here):
    Path("q.sql").write_bytes(b"\xef\xbb\xbfSELECT 1 AS one")
    assert "one" in ask("--file", "q.sql")
    Path("q.sql").write_bytes(b"\xef\xbb\xbfSELECT 1 FROM evnts")
    assert "line 1, column 15: " in refused("--file", "q.sql"), "it has no column"


def test_a_report_that_never_ran_holds_nothing(here):
    for name in ("never.parquet", "{study}/never.parquet"):
        assert refused("SELECT 1", "--checkpoint", name, code=1) == (
            f"error: report event-log-checkpoint: sink parquet-checkpoint holds nothing yet at {name}; run the report first\n"
        )


def test_a_checkpoint_that_is_damaged_is_a_failure(here):
    (here / "bad.parquet").write_bytes(b"no parquet")
    assert "bad.parquet: not a parquet file that can be read" in refused(
        "SELECT 1", "--checkpoint", "bad.parquet", code=1
    )


@pytest.mark.slow
def test_the_keyboard_interrupts_it(here):
    assert_interrupted(
        [
            Path(sys.executable).with_name("reporting"),
            *["sql", "event-log-checkpoint"],
            "SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 3",
        ],
        lambda: time.sleep(4),
    )


def test_without_the_extra_it_says_what_to_install():
    with pytest.raises(
        SettingsError,
        match=rf"needs nowhere, which is not installed: {re.escape(install_command('sql'))}$",
    ):
        check_installed(["nowhere"])


def test_shells_complete_reports_and_options(here):
    assert "event-log-checkpoint" in completions(reporting, "sql", "event")
    assert completions(reporting, "sql", "event-log-checkpoint", "--ta") == ["--tables"]


def test_help_imports_no_database_and_no_frames(here, tmp_path):
    assert imported(
        "reporting", "sql", "event-log-checkpoint", "--help", site=tmp_path
    ) <= {"pydantic"}


# -- no value of a record is told ----------------------------------------------------------------------------------------

SECRET = "S3CR3T"


@pytest.fixture
def secret(here, made):
    """A checkpoint whose texts are a secret."""
    rows = pl.read_parquet(made / "out.parquet")
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    rows.with_columns(
        pl.lit(f"{SECRET}{{").alias(name) for name in texts
    ).write_parquet("secret.parquet")
    return ["--checkpoint", "secret.parquet"]


FORMS: list[list[str]] = [[], ["--format", "csv"], ["--out", "x.parquet"]]
FAILING = [
    "SELECT CAST(ptid AS INTEGER) FROM events",
    "SELECT ptid + 1 FROM events",
    "SELECT error(ptid) FROM events",
    "SELECT strptime(ptid, '%Y') FROM events",
    "SELECT json_extract(ptid, '$.x') FROM events",
    "SELECT date_trunc(ptid, timestamp) FROM events",
    "SELECT regexp_matches('x', ptid || '(') FROM events",
    "SELECT printf(ptid || '%d', 'x') FROM events",
    "SELECT ptid::DATE FROM events",
    "SELECT ptid::DECIMAL(3, 1) FROM events",
    "SELECT (SELECT ptid FROM events e WHERE e.study = events.study) FROM events",
    "SELECT list_extract([1], ptid::INTEGER) FROM events",
    "SELECT * FROM events WHERE CASE WHEN ptid > '' THEN error(concat('x', source_key)) END",
    "SELECT decode(ptid::BLOB)::UUID FROM events",
    "SELECT timestamp AT TIME ZONE ptid FROM events",
    "SELECT make_date(999999, 13, length(ptid)::INTEGER) FROM events",
    "SELECT ptid::STRUCT(a INTEGER) FROM events",
    "SELECT ptid::ENUM('a', 'b') FROM events",
    "SELECT max(ptid)::INTEGER FROM events",
    "SELECT getvariable(ptid) FROM events",
    "FROM query_table(getvariable('x'))",
    "SELECT current_setting(ptid) FROM events",
    "FROM read_text((SELECT ptid FROM events))",
]


@pytest.mark.parametrize(
    ("sql", "more"), [*zip(FAILING, itertools.cycle(FORMS), strict=False)]
)
def test_no_error_tells_a_value_of_a_record(secret, sql, more):
    done = invoke("event-log-checkpoint", sql, *secret, *more)
    assert done.exit_code in (1, 2)
    assert done.stderr.startswith("error: ")
    assert SECRET not in done.output


def test_an_error_on_the_table_says_which_and_where_and_with_verbose_all(secret):
    sql = "SELECT 'é',\n  CAST(ptid AS INTEGER) FROM events"
    for more in FORMS:
        assert refused(sql, *secret, *more) == (
            "error: the SQL, line 2, column 3: a value does not fit an operation (ConversionException); use TRY_CAST "
            "to get null for such values; its message may quote records and is withheld, --verbose shows it\n"
        )
    assert f"Could not convert string '{SECRET}{{' to INT32" in refused(
        sql, *secret, "--verbose"
    )


# -- older files, other sinks --------------------------------------------------------------------------------------------


def test_an_older_checkpoint_is_brought_to_todays_columns(here, made):
    new = pl.read_parquet(made / "out.parquet")
    old = new.drop("packet").with_columns(
        pl.col("visit_date").cast(pl.String),
        pl.col("pipeline_adcid").cast(pl.Int64),
        extra=pl.lit("x"),
    )
    old.select(reversed(old.columns)).write_parquet("old.parquet")
    ask(
        "FROM events ORDER BY timestamp, source_key",
        "--checkpoint",
        "old.parquet",
        "--out",
        "found.parquet",
    )
    wanted = new.with_columns(packet=pl.lit(None, pl.String), extra=pl.lit("x")).sort(
        "timestamp", "source_key"
    )
    assert pl.read_parquet("found.parquet").equals(wanted)
    assert pl.read_parquet_schema("found.parquet") == wanted.schema


def test_files_of_different_ages_are_one_table(here, made):
    new = pl.read_parquet(made / "out.parquet")
    for (study,), rows in new.partition_by("study", as_dict=True).items():
        Path(str(study)).mkdir()
        if study == "dlb":
            rows = rows.drop("module").with_columns(
                pl.col("visit_date").cast(pl.String), more=pl.lit(1, pl.Int32)
            )
        else:
            rows = rows.with_columns(more=pl.lit(2, pl.Int64))
        rows.write_parquet(f"{study}/events.parquet")
    ask(
        "FROM events ORDER BY timestamp, source_key",
        "--checkpoint",
        "{study}/events.parquet",
        "--out",
        "found.parquet",
    )
    found = pl.read_parquet("found.parquet")
    assert found.drop("more").equals(
        new.with_columns(module=pl.when(pl.col("study") != "dlb").then("module")).sort(
            "timestamp", "source_key"
        )
    )
    assert found.schema["more"] == pl.Int64
    assert found.group_by("study").agg(pl.col("more").unique()).sort(
        "study"
    ).rows() == [("adrc", [2]), ("dlb", [1])]


def test_what_sql_might_cast_differently_is_read_by_polars(here, made):
    rows = pl.read_parquet(made / "out.parquet")
    rows.with_columns(pl.col("pipeline_adcid").cast(pl.Float64)).write_parquet(
        "odd.parquet"
    )
    sql = "SELECT DISTINCT pipeline_adcid AS n FROM events ORDER BY n"
    assert ask(sql, "--checkpoint", "odd.parquet").split() == [
        "n",
        "901",
        "902",
        "903",
        "904",
    ]
    rows.with_columns(pl.col("pipeline_adcid") + 0.75).write_parquet("odder.parquet")
    text = refused(sql, "--checkpoint", "odder.parquet", code=1)
    assert "column pipeline_adcid is Float64, not Int32, and 14 rows do not fit" in text


def test_days_that_are_none_are_not_told(here, made):
    pl.read_parquet(made / "out.parquet").with_columns(
        visit_date=pl.lit(SECRET)
    ).write_parquet("old.parquet")
    text = refused(
        "SELECT max(visit_date) FROM events", "--checkpoint", "old.parquet", code=1
    )
    assert (
        "old.parquet: the checkpoint has another schema: column visit_date is String, not Date, and 14 rows"
        in text
    )
    assert SECRET not in text


COMPOSED = """
[reports.archive]
source = {{ use = "object-store-json", uri = "in" }}
validator = {{ use = "visit-event" }}
sinks = [{{ use = "ndjson-archive", uri = "out" }}]

[reports."2.visits"]
source = {{ use = "object-store-json", uri = "in" }}
validator = {{ use = "visit-event" }}
sinks = [{{ use = "parquet-checkpoint", uri = "{made}/out.parquet" }}]
"""


def test_composed_reports_are_called_by_their_own_name_and_those_that_cannot_answer_say_why(
    here, made
):
    (here / "reporting.toml").write_text(COMPOSED.format(made=made))
    done = invoke("archive", "SELECT 1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "report archive: there is no table to query: none of its sinks can be read (ndjson-archive)"
        in done.stderr
    )
    assert invoke(
        "2.visits", 'SELECT count(*) AS n FROM "2_visits"'
    ).stdout.split() == ["n", "14"]


LAZY = '''
from reporting_framework import Sink
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

class Lazy(Sink):
    """A sink that can be read and keeps no parquet files, as far as anybody knows."""
    name, Settings = "lazy", ParquetCheckpoint.Settings

    def __init__(self, settings):
        self.inner = ParquetCheckpoint(settings)

    def open(self, schema, mode="append", primary_key=()):
        self.inner.open(schema)

    def scan(self):
        return self.inner.scan()

    def stage(self, frame, split, part):
        raise AssertionError

    def commit(self, staged_parts, context=None):
        raise AssertionError
'''


def test_a_sink_without_parquet_files_is_read_through_its_scan(toy, made):
    (toy.folder / "lazy_sink.py").write_text(LAZY)
    toy.add(
        "fake-lazy",
        "@hookimpl\ndef reporting_sinks():\n    return [LazyPlugin('lazy', 'lazy_sink:Lazy', 'lazy')]\n",
    )
    text = '[reports.lazy]\nsource = {{ use = "object-store-json", uri = "in" }}\nvalidator = {{ use = "visit-event" }}\n'
    for name, code in (("out", 0), ("never", 1)):
        sinks = f'sinks = [{{{{ use = "lazy", uri = "{made}/{name}.parquet" }}}}]\n'
        (toy.folder / "reporting.toml").write_text((text + sinks).format())
        done = invoke(
            "lazy",
            "SELECT count(*) AS n, count(*) AS m FROM lazy JOIN lazy AS b USING (source_key)",
        )
        assert done.exit_code == code
    assert (
        f"report lazy: sink lazy holds nothing yet at {made}/never.parquet; run the report first"
        in done.stderr
    )
    sinks = f'sinks = [{{{{ use = "lazy", uri = "{made}/out.parquet" }}}}]\n'
    (toy.folder / "reporting.toml").write_text((text + sinks).format())
    assert (
        invoke(
            "lazy", "SELECT max(timestamp) AS t, count(*) AS n FROM lazy"
        ).stdout.split()[-1]
        == "14"
    )
