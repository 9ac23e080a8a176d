"""The benchmarks' medians of pairs, and the comparison with earlier commits."""

import json
import subprocess
import sys

import pytest
from benchmarks import history
from benchmarks.measure import BenchmarkError, Usage, alternate, middle, ratio
from benchmarks.rows import Row, compared

PYTHON = "3.12.1"


def usage(wall: float, seconds: float = 1.0) -> Usage:
    return Usage(wall, 2 * wall, int(wall * 1e6), json.dumps({"seconds": seconds}))


def line(
    python: str = "3.12", name: str = "name", **figures: object
) -> dict[str, object]:
    rows = {name: {"found": 1.0, "unit": "×"} | figures}
    return {"commit": "abc", "python": python, "rows": rows}


def test_programs_run_in_turn():
    order = []

    def run(name: str) -> Usage:
        order.append(name)
        return usage(len(order))

    ours, others = alternate(3, lambda: run("ours"), lambda: run("other"))
    assert order == ["ours", "other"] * 3
    assert [one.wall for one in ours] == [1, 3, 5]
    assert [one.wall for one in others] == [2, 4, 6]


def test_a_pair_that_a_busy_machine_slowed_down_does_not_change_the_ratio():
    ours = [usage(2), usage(20), usage(2.2)]
    others = [usage(1), usage(10), usage(1)]
    assert ratio(ours, others, "wall") == 2.0
    assert ratio(ours, others, "cpu") == 2.0
    assert middle(ours, "wall") == 2.2


def test_a_figure_may_be_one_that_the_program_prints():
    ours, others = [usage(1, 6.0)], [usage(1, 3.0)]
    assert ratio(ours, others, "seconds") == 2.0
    with pytest.raises(BenchmarkError, match=r"no JSON but 'nothing'"):
        middle([Usage(1, 1, 1, "nothing")], "seconds")


@pytest.mark.parametrize(("at_least", "found"), [(False, 0.5), (True, 2.0)])
def test_a_compared_row_has_both_times_both_peaks_and_the_number_of_pairs(
    at_least, found
):
    row = compared(
        "name", "what", 1.0, [usage(1)], [usage(2)], "wall", at_least=at_least, more="x"
    )
    assert row.found == found
    assert row.measured == "1.00 s to 2.00 s; 1 MB to 2 MB; 1 pairs; x"
    assert row.peak == 1e6
    assert row.held


@pytest.mark.parametrize(
    ("found", "at_least", "is_worse"),
    [
        (1.15, False, False),
        (1.16, False, True),
        (0.5, False, False),
        (0.87, True, False),
        (0.86, True, True),
        (2.0, True, False),
        (1.0, False, False),
        (1.0, True, False),
    ],
)
def test_a_row_is_worse_by_more_than_15_percent(found, at_least, is_worse):
    row = Row("name", "what", 1.0, found, "", at_least=at_least)
    result = history.compare([row], [line()], PYTHON)
    expected = [f"name: {found:.2f} ×, and 1.00 × in abc"]
    assert result.worse == expected * is_worse
    assert (result.rows, result.count) == (1, is_worse)
    assert result.notes == []


@pytest.mark.parametrize(("peak", "is_worse"), [(105e6, False), (106e6, True)])
def test_a_row_may_not_take_more_memory_than_before(peak, is_worse):
    row = Row("name", "what", 1.0, 1.0, "", peak=peak)
    result = history.compare([row], [line(peak=100_000_000)], PYTHON)
    assert result.worse == ["name: peak memory 106 MB, and 100 MB in abc"] * is_worse


def test_a_row_is_compared_with_the_newest_figures_on_its_own_python():
    row = Row("name", "what", 1.0, 2.0, "")
    lines = [line(), line(found=2.0), line("3.11"), line(name="other")]
    assert history.compare([row], lines, PYTHON) == history.Comparison(rows=1)


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ([line("3.11")], "measured on Python 3.11, and this is 3.12"),
        ([line(unit="s")], "the unit was another"),
    ],
)
def test_a_row_that_was_measured_otherwise_is_not_compared(lines, note):
    result = history.compare([Row("name", "what", 1.0, 9.0, "")], lines, PYTHON)
    assert result.worse == []
    assert result.notes == [f"name: not comparable; {note}"]
    assert result.rows == 0


def test_a_row_that_was_never_measured_is_not_compared():
    row = Row("new", "what", 1.0, 9.0, "")
    assert history.compare([row], [], PYTHON) == history.Comparison()


def test_the_history_has_a_line_for_each_commit_and_python(tmp_path):
    file = tmp_path / "history.jsonl"
    assert history.read(file) == []
    for name, found, of, python in (
        ("one", 1.00004, "abc", "3.11.7"),
        ("one", 2.0, "abc", "3.12.1"),
        ("two", 3.0, "abc", "3.12.1"),
        ("one", 4.0, "abc", "3.12.1"),
        ("one", 5.0, "def", "3.12.1"),
    ):
        history.add([Row(name, "what", 1, found, "", peak=1.6)], of, python, file)
    found = [
        (
            each["commit"],
            each["python"],
            {name: row["found"] for name, row in each["rows"].items()},
        )
        for each in history.read(file)
    ]
    assert found == [
        ("abc", "3.11", {"one": 1.0}),
        ("abc", "3.12", {"one": 4.0, "two": 3.0}),
        ("def", "3.12", {"one": 5.0}),
    ]
    assert history.read(file)[0]["rows"]["one"] == {
        "found": 1.0,
        "unit": "×",
        "peak": 2,
    }


def test_the_commit_is_that_which_is_checked_out(tmp_path):
    assert history.commit(tmp_path / "missing") == ""

    def git(*words: str) -> str:
        name = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *name, *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init")
    for folder in ("framework", "benchmarks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("one")
    git("add", ".")
    git("commit", "-m", "One")
    whole = git("rev-parse", "HEAD")
    (tmp_path / "benchmarks" / "file").write_text("two")
    assert history.commit(tmp_path) == whole[:12]
    (tmp_path / "framework" / "file").write_text("two")
    assert history.commit(tmp_path) == f"{whole[:12]}-dirty"


def test_a_name_that_no_row_begins_with_is_refused():
    command = [sys.executable, "-m", "benchmarks.suite", "--program", "p"]
    done = subprocess.run(
        [*command, "--reports", "r", "--only", "help", "nosuch"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no row begins with nosuch; rows: help, imports-help" in done.stderr
