"""The bars of REDCap: records of a large project, beside the requests alone."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import (
    SLOW_PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    measure,
    middle,
)
from benchmarks.rows import Group, Row, compared, megabytes, seconds

RECORDS, FIELDS = 50_000, 200
ANSWER_SECONDS = 0.25
"""Time that the server takes for 500 records, beside the time to send them: that of a
fast one.
"""

PEERS = Path(__file__).parent / "peers"


@contextmanager
def _server(bench: Bench, records: int) -> Iterator[list[str]]:
    """Start a server; yield its URL and token."""
    script = PEERS / "redcap_server.py"
    command = [bench.python, str(script), str(records), str(FIELDS)]
    with subprocess.Popen(
        [*command, str(ANSWER_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise BenchmarkError("the REDCap server has no pipes")
        try:
            words = process.stdout.readline().split()
            if len(words) != 2:
                raise BenchmarkError("the REDCap server did not start")
            yield words
        finally:
            process.stdin.close()


def _run(bench: Bench, what: str, server: Sequence[str], records: int) -> Usage:
    script = str(PEERS / "redcap_run.py")
    usage = measure([bench.python, script, what, *server, str(bench.work)])
    if usage.answer["rows"] != records:
        raise BenchmarkError(f"{what}: {usage.answer['rows']} of {records} records")
    return usage


def records(bench: Bench) -> Sequence[Row]:
    """Measure reading, and the memory for a part of the records."""
    count = RECORDS // bench.scale
    with _server(bench, count) as server:
        ours, bare = alternate(
            SLOW_PAIRS,
            lambda: _run(bench, "read", server, count),
            lambda: _run(bench, "requests", server, count),
        )
    with _server(bench, count // 5) as server:
        before = middle([_run(bench, "read", server, count // 5)], "peak")
    peak = middle(ours, "peak")
    return [
        compared(
            "redcap-time",
            f"REDCap, {count:,} records of {FIELDS} fields: of its requests alone",
            1.3,
            ours,
            bare,
            "seconds",
            more=f"processor time {seconds(middle(ours, 'cpu'))}",
        ),
        Row(
            "redcap-memory",
            f"REDCap, memory for {count:,} records to that for {count // 5:,}",
            1.3,
            peak / before,
            f"{megabytes(peak)} to {megabytes(before)}",
        ),
    ]


GROUPS = (Group(("redcap-time", "redcap-memory"), records),)
