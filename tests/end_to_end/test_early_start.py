"""What a run reads first is on its way before polars is imported, and is worth what a late read would be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reporting_framework.testing.s3 import lead_to
from tests.support import Fault, S3Proxy, S3Server

EVENTS = Path(__file__).parents[2] / "examples" / "visit-events"

WAITING = """\
import sys, time
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

class Late(SourceFileLoader):
    def exec_module(self, module):
        for _ in range(500):
            if Path(sys.argv[1]).exists():
                break
            time.sleep(0.02)
        else:
            sys.exit("polars is imported before the first requests")
        sys.argv[:] = ["reporting-run", *sys.argv[2:]]
        super().exec_module(module)

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "polars":
            return None
        spec = PathFinder.find_spec(name, path, target)
        spec.loader = Late(spec.loader.name, spec.loader.path)
        return spec

sys.meta_path.insert(0, Finder)
from reporting_framework.cli.main import reporting_run
reporting_run(sys.argv[2:])
"""
"""Program that does not import polars until the test says that it has seen the first requests."""


@pytest.fixture
def report(s3: S3Server, s3_client, proxy: S3Proxy, bucket: str, monkeypatch):
    """The options of a report whose events and checkpoint are in a bucket behind the proxy."""
    lead_to(s3.behind(proxy.endpoint), monkeypatch)
    for path in sorted(EVENTS.glob("log-*.json"))[:40]:
        s3_client.put_object(
            Bucket=bucket, Key=f"events/{path.name}", Body=path.read_bytes()
        )
    return [
        "event-log-checkpoint",
        "--source",
        f"s3://{bucket}/events",
        "--checkpoint",
        f"s3://{bucket}/out/events.parquet",
        "--format",
        "json",
        "--quiet",
    ]


def run(report, *more: str) -> dict:
    done = subprocess.run(
        ["reporting-run", *report, *more], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_first_requests_leave_before_polars_is_imported(report, proxy, tmp_path):
    assert run(report)["accepted"] > 0
    proxy.reset()
    go = tmp_path / "go"
    child = subprocess.Popen(
        [sys.executable, "-c", WAITING, str(go), *report], stdout=subprocess.PIPE
    )
    wanted = {
        ("GET", "out/events.parquet"),
        ("GET", "out/_quarantine/events.json"),
        ("GET", "out/_quarantine/events.parquet"),
        ("HEAD", "out/_quarantine/events.reset"),
    }
    seen: set[tuple[str, str]] = set()
    while child.poll() is None and not go.exists():
        seen = {(each.kind, each.key) for each in proxy.requests}
        if wanted <= seen and "LIST" in {kind for kind, _ in seen}:
            go.touch()
    output, _ = child.communicate()
    assert child.returncode == 0, sorted(seen)
    assert json.loads(output)["accepted"] == 0
    reads = [(each.kind, each.key) for each in proxy.requests]
    assert {each: reads.count(each) for each in wanted} == dict.fromkeys(wanted, 1)


@pytest.mark.parametrize(
    "key", ["out/events.parquet", "out/_quarantine/events.json", "out/_quarantine/*"]
)
def test_what_cannot_be_read_early_fails_the_run_as_a_late_read_would(
    report, proxy, key
):
    first = run(report)
    proxy.reset()
    rule = proxy.inject(Fault.answer(403, "AccessDenied"), key=key, times=None)
    done = subprocess.run(["reporting-run", *report], capture_output=True, text=True)
    assert done.returncode == 1
    assert rule.fired
    assert "AccessDenied" in done.stderr
    assert "Traceback" not in done.stderr
    proxy.reset()
    again = run(report)
    assert again["outputs"][0]["rows"] == first["outputs"][0]["rows"]
