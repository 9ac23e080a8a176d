"""``reporting state``: what a report keeps is told, and all of it can be set aside."""

import fcntl
import json
import shlex
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.main import reporting
from reporting_framework.cli.state import _describe
from reporting_framework.errors import CommitConflict
from reporting_framework.execution.pipeline import prepared
from reporting_framework.operations.state import Reset, copy_command, stored
from reporting_framework.plugin_api.records import StoredArtifact
from reporting_framework.plugin_api.result import Output, RunRecord, Step
from reporting_framework.storage import open_store
from reporting_framework.storage.folder import FolderStore
from reporting_framework.testing.faults.calls import Attempt, Killed, each_fault
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.framework.distributions import program
from tests.support.events import made_of, name
from tests.support.plugins import (
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
    take,
)


def invoke(*arguments, typed=None, code=0):
    done = CliRunner().invoke(
        reporting,
        ["state", "event-log-checkpoint", *arguments],
        prog_name="reporting",
        input=typed,
    )
    assert done.exit_code == code, done.output
    return done


# -- show -----------------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_shown(ran):
    found = json.loads(invoke("show", "--format", "json").stdout)
    output, quarantine = found["stored_artifacts"]
    assert (output["kind"], output["rows"], output["newest"]) == (
        "output",
        2,
        "2024-01-05T10:00:00Z",
    )
    assert output["bytes"] == (ran / "out" / "x.parquet").stat().st_size
    assert (quarantine["kind"], quarantine["rows"]) == ("quarantine", 1)
    assert found["hints"] == ["every run lists the whole folder"]
    text = invoke().stdout
    assert f"  output      {ran}/out/x.parquet: 2 rows, " in text
    assert ", newest 2024-01-05 10:00:00Z, written 20" in text


def test_nothing_yet_is_shown_as_that(ran):
    assert (
        "output    nothing yet: no run has stored a row"
        in invoke("--checkpoint", "other/x.parquet").stdout
    )


def test_hints_are_described_in_words(s3_environment, bucket):
    store = open_store(f"s3://{bucket}/in")
    store.put(name_of(1), event(1), if_version=None)
    take(f"s3://{bucket}/in", f"s3://{bucket}/out/x.parquet")
    made = pipeline(
        source(f"s3://{bucket}/in"), checkpoint(f"s3://{bucket}/out/x.parquet")
    )
    found = stored(made)
    assert [each.kind for each in found.stored_artifacts] == ["output", "hints"]
    assert found.hints[0].startswith("the last full scan was at 20")
    assert "(every 7 days)" in found.hints[0]
    assert found.hints[1].startswith("a run that starts now lists names dated ")


@pytest.mark.parametrize("ahead", [False, True])
def test_the_date_that_is_shown_is_that_from_which_the_next_run_lists(
    s3_environment, bucket, ahead
):
    places = f"s3://{bucket}/in", f"s3://{bucket}/out/x.parquet"
    moments = [
        datetime.now(UTC) - timedelta(days=3),
        *([datetime(2099, 1, 1, tzinfo=UTC)] if ahead else []),
    ]
    for number, at in enumerate(moments):
        open_store(places[0]).put(
            name_of(number, at=at), event(number, at=at), if_version=None
        )
    assert stored(pipeline(source(places[0]), checkpoint(places[1]))).hints == [
        "the next run is a full scan"
    ]
    assert take(*places).accepted == len(moments)
    said = stored(pipeline(source(places[0]), checkpoint(places[1]))).hints[1]
    assert (
        f"lists names dated {take(*places).listed_from:%Y-%m-%d} or later, 35 days back from 2"
        in said
    )


def test_a_run_that_would_fail_is_said_to(s3_environment, bucket):
    places = f"s3://{bucket}/in", f"s3://{bucket}/out/x.parquet"
    open_store(places[0]).put(name_of(1), event(1), if_version=None)
    take(*places)
    s3_environment.client().put_object(
        Bucket=bucket, Key="out/x.parquet", Body=b"damaged"
    )
    [said] = stored(pipeline(source(places[0]), checkpoint(places[1]))).hints
    assert said.startswith(f"a run would fail now: {places[1]}")


def test_what_cannot_be_read_is_shown_without_its_rows(ran):
    (ran / "out" / "x.parquet").write_bytes(b"damaged")
    (ran / "out" / "_quarantine" / "x.parquet").write_bytes(b"damaged")
    text = invoke().stdout
    assert "x.parquet: cannot be read as a table, 7 bytes" in text
    assert "_quarantine/x.parquet: cannot be read, 7 bytes" in text


def test_locks_that_are_held_and_leftovers_are_shown(ran):
    assert "  lock " not in invoke().stdout
    (ran / "out" / ".x.parquet.abcdefgh.tmp").write_bytes(b"half")
    with (ran / "out" / ".x.parquet.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = invoke().stdout
    assert f"lock        {ran}/out/.x.parquet.lock: written" in text
    assert f"leftover    {ran}/out/.x.parquet.abcdefgh.tmp: 4 bytes" in text


def test_a_sink_that_tells_nothing_is_named(toy):
    done = program("reporting", "state", "toy", "--target", "x.txt", site=toy.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "toy-file  this sink does not list what it stores" in done.stdout


class Told:
    """A history of two runs."""

    def clear(self):
        pass

    def records(self):
        moment = "2024-01-01T00:00:00Z"
        steps = [Step(role="validator", name="v", distribution="d", version="1")]
        known = {
            "report": "test",
            "started_at": moment,
            "finished_at": moment,
            "complete": True,
            "steps": steps,
        }
        known |= {"outputs": [Output(uri="x", rows=1, new_rows=1, bytes=1)]}
        return [
            RunRecord(run_id="2", status="ok", replay=True, **known),
            RunRecord(run_id="1", status="ok", **known),
        ]

    def newest(self):
        return iter(self.records())


def remembering(place, history):
    """A report with a history that a test gives."""
    made = pipeline(source(place), checkpoint(place / "x.parquet"))
    made.metadata.history = history
    return made


def test_the_last_run_is_that_of_the_history(tmp_path):
    made = remembering(tmp_path, Told())
    assert (stored(made).last.run_id, len(made.history.records())) == ("2", 2)
    assert stored(remembering(tmp_path, None)).last is None


# -- reset ----------------------------------------------------------------------------------------------------------------


def files(folder):
    """Checkpoints and quarantines, copies too; not the history of runs, which tells of a reset as of anything else."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*.parquet")
    }
    return {key: data for key, data in found.items() if not key.startswith("_runs/")}


def test_a_reset_sets_everything_aside_and_says_how_to_have_it_back(ran):
    before = files(ran / "out")
    assert "nothing was changed\n" in invoke("reset", typed="yes\n").stdout
    assert files(ran / "out") == before
    done = invoke("reset", typed="event-log-checkpoint\n")
    copies = files(ran / "out")
    assert {
        key.split("/", 2)[2]: data
        for key, data in copies.items()
        if key.startswith("_backup/")
    } == before
    assert len(copies) == len(before)
    assert run_report("event-log-checkpoint").accepted == 2, (
        "the next run starts from scratch"
    )
    commands = [
        line.strip() for line in done.stdout.splitlines() if line.startswith("  cp ")
    ]
    for each in ("x.parquet", "_quarantine/x.parquet"):
        (ran / "out" / each).unlink()
    for command in commands:
        subprocess.run(shlex.split(command), check=True)
    assert {
        key: data
        for key, data in files(ran / "out").items()
        if not key.startswith("_backup")
    } == before


def test_of_the_quarantine_only(ran):
    invoke("reset", "--only", "quarantine", "--yes")
    again = run_report("event-log-checkpoint")
    assert (again.records_read, again.rejected, again.outputs[0].rows) == (1, 1, 2)


def test_a_reset_on_s3(s3_environment, bucket, ran):
    places = [
        "--source",
        f"s3://{bucket}/in",
        "--checkpoint",
        f"s3://{bucket}/out/{{study}}/x.parquet",
    ]
    for number in range(3):
        open_store(f"s3://{bucket}/in").put(
            name(number), made_of() if number else b"{}", if_version=None
        )
    run = ["run", "event-log-checkpoint", *places, "--quiet", "--format", "json"]
    assert json.loads(CliRunner().invoke(reporting, run).stdout)["accepted"] == 2
    done = invoke("reset", *places, "--yes")
    assert f"aws s3 cp s3://{bucket}/out/_backup/" in done.stdout
    assert (
        f"s3://{bucket}/out/_quarantine/{{study}}/x.json' --endpoint-url http://127.0.0.1:"
        in done.stdout
    )
    keys = [
        entry.key
        for page in open_store(f"s3://{bucket}/out/_backup").list()
        for entry in page
    ]
    assert [key.split("/", 1)[1] for key in keys] == [
        "_quarantine/{study}/x.json",
        "_quarantine/{study}/x.parquet",
        "adrc/x.parquet",
    ]
    left = [
        entry.key for page in open_store(f"s3://{bucket}/out").list() for entry in page
    ]
    assert [key for key in left if not key.startswith(("_backup/", "_runs/"))] == []
    assert json.loads(CliRunner().invoke(reporting, run).stdout)["accepted"] == 2
    assert (
        "nothing to reset"
        in invoke("reset", "--checkpoint", "none/x.parquet", "--yes").stdout
    )


def test_a_reset_that_was_killed_is_finished_once_that_is_confirmed(
    s3_environment, bucket, ran
):
    """In a bucket only a person knows that the first process is dead; until then a run ends with exit code 1."""
    places = [
        "--source",
        f"s3://{bucket}/in",
        "--checkpoint",
        f"s3://{bucket}/out/x.parquet",
    ]
    open_store(f"s3://{bucket}/in").put(name(1), made_of(), if_version=None)
    run = ["run", "event-log-checkpoint", *places, "--quiet"]
    assert CliRunner().invoke(reporting, run).exit_code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ParquetCheckpoint, "remove", Raising(Killed))
        with pytest.raises(Killed):
            CliRunner().invoke(
                reporting, ["state", "event-log-checkpoint", "reset", *places, "--yes"]
            )
    refused = CliRunner().invoke(reporting, run)
    assert refused.exit_code == 1
    assert (
        "a reset has begun and not ended; wait for its end or, if its process is dead, finish it"
        in refused.stderr
    )
    shown = json.loads(invoke("show", *places, "--format", "json").stdout)
    assert len(shown["unfinished_resets"]) == 1
    assert "a reset began at 20" in invoke("show", *places).stdout
    assert "nothing was changed\n" in invoke("reset", *places, typed="no\n").stdout
    done = invoke("reset", *places, typed="event-log-checkpoint\n")
    assert "finished the interrupted reset" in done.stdout
    assert "nothing to reset: the report has stored nothing" in done.stdout
    assert CliRunner().invoke(reporting, run).exit_code == 0


class Raising:
    """A call that ends with an error."""

    def __init__(self, error):
        self.error = error

    def __call__(self, *arguments):
        raise self.error


def test_nobody_to_ask_is_refused(ran):
    before = files(ran / "out")
    assert (
        "confirmation required, but stdin is not a terminal; pass --yes"
        in invoke("reset", code=2).stderr
    )
    assert files(ran / "out") == before


def test_a_report_that_cannot_be_reset_says_so(toy):
    done = program(
        "reporting",
        "state",
        "toy",
        "reset",
        "--target",
        "x.txt",
        "--yes",
        site=toy.folder,
    )
    assert done.returncode == 2
    assert (
        "none of its sinks can be reset (toy-file); remove their rows by hand"
        in done.stderr
    )


@pytest.fixture
def world(tmp_path):
    """A pipeline that ran once on two events and a bad one."""
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / name_of(number)).write_bytes(
            event(number) if number else b"{}"
        )

    def make():
        return pipeline(
            source(tmp_path / "in"), checkpoint(tmp_path / "out" / "x.parquet")
        )

    execute(make())
    return make


def test_what_changes_meanwhile_is_left(world, tmp_path):
    with prepared(made := world()):
        reset = Reset(made)
        (tmp_path / "in" / name_of(9)).write_bytes(event(9))
        execute(world())
        with pytest.raises(
            CommitConflict,
            match="x.parquet: a run has written it meanwhile; try again; it was left",
        ):
            reset.back_up("now")
        reset = Reset(made)
        reset.back_up("then")
        (tmp_path / "in" / name_of(10)).write_bytes(event(10))
        execute(world())
        before = files(tmp_path / "out")
        with pytest.raises(
            CommitConflict, match="x.parquet: a run has written it meanwhile"
        ):
            reset.remove()
    assert files(tmp_path / "out") == before
    assert execute(world()).outputs[0].rows == 4


def test_there_is_no_second_backup_of_a_name(world):
    with prepared(made := world()):
        Reset(made).back_up("one")
        with pytest.raises(CommitConflict, match="a backup of this name exists"):
            Reset(made).back_up("one")


KINDS = ("killed before", "killed after", "fails once")


@pytest.fixture
def store_faults(reporting_store_faults, monkeypatch):
    """Faults in every call of a folder, those that runs do not make among them."""
    for method in ("copy", "digest", "delete", "modified"):
        monkeypatch.setattr(
            FolderStore,
            method,
            reporting_store_faults.around(getattr(FolderStore, method)),
        )
    return reporting_store_faults


def disturbed(base, attempt, part):
    """A reset that a fault meets: whatever it leaves, either the originals or their copies are whole."""
    (base / "in").mkdir(parents=True)
    for number in range(3):
        (base / "in" / name_of(number)).write_bytes(event(number) if number else b"{}")
    take(base / "in", base / "out" / "x.parquet")
    before = files(base / "out")
    made = pipeline(source(base / "in"), checkpoint(base / "out" / "x.parquet"))

    def whole():
        for sink in made.sinks:
            sink.open(made.schema)
        reset = Reset(made, part)
        reset.back_up("b")
        reset.remove()

    attempt.run(whole)
    left = files(base / "out")
    for key, data in before.items():
        assert data in (left.get(key), left.get(f"_backup/b/{key}")), (
            f"{key} is there, or its copy: {attempt}"
        )
    assert take(base / "in", base / "out" / "x.parquet").outputs[0].rows == 2


@pytest.mark.parametrize(
    ("kind", "nth"),
    [(kind, nth) for number, kind in enumerate(KINDS) for nth in (8 + number, 16)],
)
def test_stopped_somewhere_a_reset_leaves_the_originals_or_the_copies(
    store_faults, tmp_path, kind, nth
):
    attempt = Attempt(store_faults, kind, nth)
    disturbed(tmp_path, attempt, "all")
    assert attempt.fired


@pytest.mark.slow
@pytest.mark.parametrize("part", ["all", "quarantine"])
def test_stopped_anywhere_a_reset_leaves_the_originals_or_the_copies(
    store_faults, tmp_path, part
):
    met = 0
    for number, attempt in enumerate(each_fault(store_faults)):
        if attempt.kind in KINDS:
            disturbed(tmp_path / str(number), attempt, part)
            met += attempt.fired
    assert met > 20


# -- small things ---------------------------------------------------------------------------------------------------------


def test_commands_are_quoted(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert copy_command("/a b/x", "/c/x") == "cp -p '/a b/x' /c/x"
    assert copy_command("s3://b/a b", "s3://b/c") == "aws s3 cp 's3://b/a b' s3://b/c"


def test_an_unknown_size_is_not_shown():
    assert _describe(StoredArtifact("hints", "memory://x")) == "memory://x: "
