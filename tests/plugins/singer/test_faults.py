"""Taps that fail: what their last state covers is kept, and nothing is lost."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from reporting_framework import ReportingError, run_report
from reporting_framework.errors import StepFailed
from reporting_framework.operations.lint import lint
from reporting_framework.registry.registry import load_plugins
from tests.plugins.singer.tap_script import do, record, schema, state

FAULTS = {
    "exit code": ([do("exit", 3)], "it ended with exit code 3"),
    "killed": ([do("print", '{"type":"REC'), do("kill")], "it ended with signal 9"),
    "garbage": (
        [do("print", "Traceback: 17 is not a date\n")],
        "line 4 is no Singer message",
    ),
    "nested": (
        [do("print", f'{{"type":"RECORD","record":{"[" * 10**5}{"]" * 10**5}}}\n')],
        "line 4 has a value that is nested too deeply",
    ),
    "NaN in a state": (
        [do("print", '{"type":"STATE","value":{"n":NaN}}\n')],
        "line 4 is a STATE message that is not valid JSON",
    ),
    "half a line": ([do("print", '{"type":"REC')], "line 4 is no Singer message"),
    "no record": (
        [{"type": "RECORD", "stream": "orders"}],
        "stream orders: a RECORD message has no record",
    ),
    "longer line": ([record(2, "x" * 5000)], "line 4 is longer than 2048 bytes"),
    "further column": (
        [schema(extra={"type": "string"})],
        "stream orders: it has a further column extra now",
    ),
    "other type": (
        [schema(note={"type": "integer"})],
        "stream orders: column note is Int64 now, not String",
    ),
    "other kind": (
        [schema(note={"type": "object"})],
        "stream orders: column note is String (json) now, not String (text)",
    ),
    "no key column": (
        [schema(key=("no",))],
        "stream orders: its key column id is not among",
    ),
}

QUICK = ("exit code", "garbage", "other type", "other kind", "nested", "NaN in a state")


@pytest.mark.parametrize(
    "fault",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in FAULTS
    ],
)
def test_what_a_state_covers_is_kept_if_the_tap_fails(tap, caplog, fault):
    steps, message = FAULTS[fault]
    if fault == "no key column":
        steps[0]["schema"]["properties"].pop("id", None)
        steps[0]["schema"] = {
            **steps[0]["schema"],
            "properties": {"note": {"type": "string"}},
        }
    tap.configure(max_line_bytes=10**6 if fault == "nested" else 2048)
    tap.set(schema(), record(1), state(3), *steps)
    result = run_report("tap")
    assert (result.status, result.complete) == ("partial", False)
    assert f"source singer: tap {Path(sys.executable).name}: {message}" in caplog.text
    assert tap.rows() == [(1, "-")]
    tap.configure()
    tap.set(do("exit", 1), do("exit", 1), do("exit", 1), schema(), record(2))
    assert run_report("tap").status == "ok", "it continues at the state"
    assert tap.rows() == [(1, "-"), (2, "-")]


@pytest.mark.parametrize("fault", ["exit code", "garbage"])
def test_a_failure_before_any_state_fails_the_run(tap, fault):
    steps, _ = FAULTS[fault]
    tap.set(schema(), record(1), do("log", "INFO secret-17"), *steps)
    with pytest.raises(StepFailed) as raised:
        run_report("tap")
    assert "it had written no state, so nothing is kept" in str(raised.value)
    assert "it has logged 1 INFO" in str(raised.value)
    assert "secret-17" not in str(raised.value)
    assert not Path("out/orders.parquet").exists()


def test_a_record_before_its_schema_is_an_error(tap):
    tap.set(record(1), state(1))
    with pytest.raises(StepFailed, match="a record came before its SCHEMA"):
        run_report("tap")


def test_a_tap_that_hangs_is_ended(tap, caplog):
    tap.configure(idle_timeout=1, stop_timeout=0.2)
    tap.set(schema(), record(1), state(3), do("refuse"), do("child"), do("sleep", 60))
    began = time.monotonic()
    assert run_report("tap").status == "partial"
    assert time.monotonic() - began < 20
    assert "no output for 1 seconds; raise idle_timeout" in caplog.text
    assert tap.rows() == [(1, "-")]
    assert not alive(int(Path("child").read_text())), "its child is ended, too"


@pytest.mark.slow
def test_a_deadline_ends_the_tap_and_keeps_its_state(tap):
    steps = [
        step
        for at in range(2, 400, 3)
        for step in (record(at), state(at + 1), do("sleep", 0.1))
    ]
    tap.set(schema(), record(1), *steps)
    result = run_report("tap", time_budget=4)
    assert (result.status, result.complete) == ("partial", False)
    some = tap.rows()
    assert 1 <= len(some) < 100


@pytest.mark.slow
def test_a_deadline_ends_a_tap_that_never_writes_again(tap):
    tap.set(schema(), record(1), state(3), do("sleep", 120))
    began = time.monotonic()
    result = run_report("tap", time_budget=8)
    assert (result.status, time.monotonic() - began < 20) == ("partial", True)
    assert tap.rows() == [(1, "-")]


def test_max_seconds_ends_a_tap_and_the_next_run_continues(tap):
    tap.configure(max_seconds=0.5)
    tap.set(schema(), record(1), state(3), do("sleep", 120))
    result = run_report("tap")
    assert (result.status, result.complete) == ("partial", False)
    assert tap.rows() == [(1, "-")]
    tap.set(do("exit", 1), do("exit", 1), do("exit", 1), schema(), record(2))
    assert run_report("tap").status == "ok"
    assert tap.rows() == [(1, "-"), (2, "-")]


def test_a_tap_that_only_logs_and_refuses_to_end_is_killed(tap):
    tap.configure(max_seconds=0.5, stop_timeout=0.2)
    tap.set(schema(), record(1), state(3), do("refuse"), do("log for ever", 0.05))
    began = time.monotonic()
    result = run_report("tap")
    assert (result.status, result.complete) == ("partial", False)
    assert time.monotonic() - began < 20
    assert tap.rows() == [(1, "-")]


@pytest.mark.slow
def test_a_deadline_ends_a_tap_that_only_logs(tap):
    tap.configure(stop_timeout=0.2)
    tap.set(schema(), record(1), state(3), do("refuse"), do("log for ever", 0.05))
    began = time.monotonic()
    result = run_report("tap", time_budget=8)
    assert (result.status, time.monotonic() - began < 20) == ("partial", True)
    assert tap.rows() == [(1, "-")]


@pytest.mark.slow
def test_a_process_that_logs_after_the_tap_does_not_hold_up_a_run(tap):
    tap.set(schema(), record(1), state(3), do("detached log"))
    began = time.monotonic()
    try:
        assert run_report("tap").status == "ok"
    finally:
        os.kill(int(Path("child").read_text()), signal.SIGKILL)
    assert time.monotonic() - began < 20
    assert tap.rows() == [(1, "-")]


def test_a_child_that_holds_the_output_open_does_not_hold_up_a_run(tap):
    tap.set(schema(), record(1), state(3), do("child"))
    assert run_report("tap").status == "ok"
    assert not alive(int(Path("child").read_text()))


def test_a_tap_without_states_is_read_again_and_nothing_is_doubled(tap):
    tap.set(schema(), record(1), record(2))
    assert [run_report("tap").status for _ in range(2)] == ["ok", "ok"]
    assert tap.rows() == [(1, "-"), (2, "-")]


def test_a_changed_schema_is_read_by_the_next_run(tap):
    wider = schema(extra={"type": "string"})
    more = record(2, values={"extra": "x"})
    tap.set(schema(), record(1), state(3), wider, more, state(5))
    assert run_report("tap").status == "partial"
    tap.set(
        do("exit", 1),
        do("exit", 1),
        do("exit", 1),
        wider,
        more,
        state(5),
        discovered=[wider],
    )
    assert run_report("tap").status == "ok"
    assert tap.table().select("id", "extra").sort("id").rows() == [(1, None), (2, "x")]


def test_errors_of_the_start(tap):
    tap.configure(command=["no-such-tap"])
    with pytest.raises(
        ReportingError, match="command: there is no program no-such-tap"
    ):
        run_report("tap")
    tap.configure()
    tap.set(discovered=[schema()])
    Path("script.json").unlink()
    with pytest.raises(ReportingError) as raised:
        run_report("tap")
    assert str(raised.value).endswith(
        "discovery: it ended with exit code 1; it has logged an exception of the type"
        " FileNotFoundError. The text may hold values and is not shown; to see it, set"
        " log_text = true"
    )


def test_the_linter_warns_of_a_program_that_is_missing(tap):
    def problems(*command):
        tap.configure(command=list(command))
        linted = lint(Path("reporting.toml"), load_plugins(), dict(os.environ))
        return [
            (each.severity, each.line, each.message)
            for each in linted.problems
            if "program" in each.message
        ]

    [(severity, line, message)] = problems("no-such-tap", "--config", "a.json")
    assert (severity, line) == ("warning", 2)
    assert message == (
        "tap: source.command: there is no program no-such-tap here; install it, or"
        " correct its path"
    )
    assert problems(sys.executable) == problems("sh", "-c", "tap") == []


def alive(pid):
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().split()[2] != "Z"
