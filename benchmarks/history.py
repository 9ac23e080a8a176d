"""Figures of earlier commits, and the comparison with them.

`history.jsonl` has a line for each commit that was measured and each Python: what was
found, not how. The newest figures with all their words are in `results.json`.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, megabytes

FILE = Path(__file__).with_name("history.jsonl")
MEASURED = ("framework", "plugins")
"""Folders of the code that is measured."""
WORSE = 1.15
"""Factor by which a row may be worse than before."""
MORE_MEMORY = 1.05
"""Factor by which peaks of the same program differ from run to run."""


@dataclass
class Comparison:
    """Comparison with the history.

    Attributes:
        rows: Number of rows that were compared.
        count: Number of those that are worse.
        worse: Messages about them.
        notes: Messages about rows that cannot be compared.
    """

    rows: int = 0
    count: int = 0
    worse: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def commit(root: Path) -> str:
    """Return the short name of the commit that is checked out.

    It ends with `-dirty` if the code that is measured has changed since. Empty without
    a repository.
    """
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", *MEASURED)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{name}-dirty" if changed else name


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def minor(version: str) -> str:
    """Return `3.12` of `3.12.1`."""
    return ".".join(version.split(".")[:2])


def read(file: Path = FILE) -> list[dict[str, Any]]:
    """Return the lines, oldest first."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]


def add(rows: Sequence[Row], commit_name: str, python: str, file: Path = FILE) -> None:
    """Write the figures of a commit.

    They go to the last line if that is of the same commit and Python; rows of the same
    name are replaced there.
    """
    lines = read(file)
    head = {"commit": commit_name, "python": minor(python)}
    if not lines or {key: lines[-1][key] for key in head} != head:
        lines.append({**head, "rows": {}})
    lines[-1]["rows"] |= {row.name: _figures(row) for row in rows}
    file.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    )


def _figures(row: Row) -> dict[str, Any]:
    figures = {"found": float(f"{row.found:.4g}"), "unit": row.unit}
    return figures if row.peak is None else figures | {"peak": round(row.peak)}


def compare(
    rows: Sequence[Row], lines: Sequence[Mapping[str, Any]], python: str
) -> Comparison:
    """Compare rows with the newest figures of the same name on the same Python.

    Args:
        rows: The rows.
        lines: Lines of the history, oldest first. A row without figures is not
            compared; nor is one that was measured in another unit or on another Python
            only, which a note says.
        python: The version that the rows were measured on.
    """
    result = Comparison()
    for row in rows:
        known = [line for line in lines if row.name in line["rows"]]
        same = [line for line in known if line["python"] == minor(python)]
        if same and same[-1]["rows"][row.name]["unit"] == row.unit:
            worse = _worse(row, same[-1])
            result.worse += worse
            result.rows += 1
            result.count += bool(worse)
        elif same:
            result.notes.append(f"{row.name}: not comparable; the unit was another")
        elif known:
            result.notes.append(
                f"{row.name}: not comparable; measured on Python"
                f" {known[-1]['python']}, and this is {minor(python)}"
            )
    return result


def _worse(row: Row, line: Mapping[str, Any]) -> list[str]:
    before = line["rows"][row.name]
    messages = []
    low, high = sorted((row.found, before["found"]))
    fell = (row.found == low) == row.at_least
    if fell and high > WORSE * low:
        messages.append(
            f"{row.name}: {row.found:.2f} {row.unit}, and {before['found']:.2f}"
            f" {row.unit} in {line['commit']}"
        )
    peak = before.get("peak")
    if row.peak and peak and row.peak > MORE_MEMORY * peak:
        messages.append(
            f"{row.name}: peak memory {megabytes(row.peak)}, and"
            f" {megabytes(peak)} in {line['commit']}"
        )
    return messages
