"""The bars of the Lambda handler.

They are what a cold start imports, and what a warm invocation adds to its own requests.
"""

import json
import platform
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bars_s3, data
from benchmarks.bars_build import build
from benchmarks.bars_start import FUNCTION, HANDLER
from benchmarks.bench import REPORT, Bench
from benchmarks.measure import PAIRS, BenchmarkError, Usage, alternate, measure
from benchmarks.rows import Group, Row, compared
from tests.support.packages import find_python, python_version

from reporting_framework.testing.faults.rules import Exchange

PYTHON = "3.12"
EVENTS = 2_000

_IMPORT = (
    "import json, time; began = time.process_time()\n{}\nprint(json.dumps({{'seconds':"
    " time.process_time() - began}}))"
)
_ALONE = """
import polars, obstore
from pydantic import BaseModel, Field, SecretStr, TypeAdapter
from aws_lambda_powertools import Logger
"""


def cold_start(bench: Bench) -> Sequence[Row]:
    """Import of the handler with the report, of that of the libraries it stands on.

    From the packages, compiled.
    """
    python = find_python(PYTHON)
    if not python_version(python).startswith(f"{PYTHON}."):
        raise BenchmarkError(f"no Python {PYTHON}, which is Lambda's")
    built = bench.fresh("cold-packages")
    build(
        bench,
        built,
        {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64"),
        PYTHON,
    )
    places = []
    for name in ("function", "powertools-layer", "data-layer"):
        with zipfile.ZipFile(built / f"{name}.zip") as archive:
            archive.extractall(bench.work / f"cold-{name}")
        places.append(
            bench.work / f"cold-{name}" / ("" if name == "function" else "python")
        )
    environment = {
        "PYTHONPATH": ":".join(map(str, places)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **FUNCTION,
    }

    def run(code: str) -> Usage:
        return measure(
            [python, "-S", "-s", "-P", "-c", _IMPORT.format(code)], environment
        )

    handlers, alones = alternate(PAIRS, lambda: run(HANDLER), lambda: run(_ALONE))
    return [
        compared(
            "cold-start",
            "import of the handler with the report: time, of polars', pydantic's,"
            " obstore's and Powertools' logger's",
            1.25,
            handlers,
            alones,
            "seconds",
        )
    ]


def warm(bench: Bench) -> Sequence[Row]:
    """Measure a warm invocation that finds nothing new.

    It is compared with the time that its own requests take when nothing else is done.
    """
    prefix, checkpoints = f"events-{EVENTS}/", "checkpoints-warm/"
    checkpoint = f"{checkpoints}events.parquet"
    with bars_s3.place() as s3:
        data.upload_once(s3.bucket, data.folder(EVENTS), prefix)
        data.restore(s3.bucket, checkpoints, {})
        bench.ours(s3.uri(prefix), s3.uri(checkpoint), EVENTS, s3.direct)
        script = Path(__file__).parent / "peers" / "warm_invocation.py"
        environment = {
            **s3.delayed,
            "REPORTING_REPORT": REPORT,
            "REPORTING_EVENT_LOG_CHECKPOINT__SOURCE": s3.uri(prefix),
            "REPORTING_EVENT_LOG_CHECKPOINT__CHECKPOINT": s3.uri(checkpoint),
        }
        plan = bench.work / "requests.json"
        requests: Sequence[Exchange] = []

        def invoke() -> Usage:
            nonlocal requests
            s3.start_counting()
            usage = measure([bench.python, str(script)], environment)
            requests = _of_one_invocation(
                s3.proxy.requests, usage.answer["invocations"]
            )
            plan.write_text(
                json.dumps([(each.kind, each.key, each.query) for each in requests])
            )
            return usage

        invocations, replays = alternate(
            PAIRS,
            invoke,
            lambda: measure([bench.python, str(script), str(plan)], environment),
        )
    kinds = Counter(request.kind for request in requests)
    return [
        compared(
            "warm-invocation",
            "warm invocation with nothing new: time, of that of its own requests",
            1.5,
            invocations,
            replays,
            "seconds",
            more=", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds)),
        )
    ]


def _of_one_invocation(
    requests: Sequence[Exchange], invocations: int
) -> Sequence[Exchange]:
    """Return the requests of the last invocation.

    Raises:
        BenchmarkError: Not all made the same number of each kind, or one wrote more
            than its record in the history, such as a table, quarantine or hints.
    """
    size, rest = divmod(len(requests), invocations)
    rounds = [
        requests[start : start + size] for start in range(0, size * invocations, size)
    ]
    kinds = {
        tuple(sorted(Counter(request.kind for request in each).items()))
        for each in rounds
    }
    if rest or len(kinds) != 1:
        raise BenchmarkError(
            f"{invocations} invocations made {len(requests)} requests, not the same"
            " ones each time"
        )
    for each in rounds:
        written = [
            request.key
            for request in each
            if request.kind not in ("GET", "HEAD", "LIST")
        ]
        if written != ["checkpoints-warm/_runs/events/runs.ndjson"]:
            raise BenchmarkError(
                "an invocation with nothing new must write its record in the history"
                f" and nothing else, but wrote {', '.join(written) or 'nothing'}"
            )
    return rounds[-1]


GROUPS = (
    Group(("cold-start",), cold_start),
    Group(("warm-invocation",), warm),
)
