"""Requests and bytes in results: those that the server saw, of this run and no other."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from reporting_framework import hookimpl, run_report
from reporting_framework.execution.run_traffic import sum_of_traffic
from reporting_framework.plugin_api.result import RunResult, Traffic
from tests.support import Fault

EVENTS = Path(__file__).parents[3] / "examples" / "visit-events"
REPORT = "event-log-checkpoint"
SLOW = Fault.answer(503, "SlowDown")


@pytest.fixture
def places(proxy, s3_environment, s3_client, bucket, monkeypatch):
    """The settings of a report over a bucket behind the proxy; nothing has been requested there yet."""
    for path in sorted(EVENTS.glob("*.json"))[:40]:
        s3_client.put_object(
            Bucket=bucket, Key=f"events/{path.name}", Body=path.read_bytes()
        )
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return {
        "source": f"s3://{bucket}/events/",
        "checkpoint": f"s3://{bucket}/out/e.parquet",
    }


def seen(proxy):
    """What the server saw, by the kinds of results."""
    kinds = {"POST": "delete"}
    return dict(
        Counter(
            kinds.get(request.kind, request.kind.lower()) for request in proxy.requests
        )
    )


def test_the_server_saw_the_requests_of_a_result(places, proxy):
    result = run_report(REPORT, places)
    assert result.traffic.requests == seen(proxy)
    assert result.traffic.requests["get"] >= 40
    proxy.reset()
    again = run_report(REPORT, places)
    assert again.traffic.requests == seen(proxy)
    assert again.traffic.requests["get"] < 40


def test_a_request_that_is_repeated_counts_once(places, proxy):
    rules = [
        proxy.inject(SLOW, kind="GET", times=3),
        proxy.inject(SLOW, kind="LIST"),
        proxy.inject(SLOW, kind="PUT"),
    ]
    result = run_report(REPORT, places)
    assert [rule.fired for rule in rules] == [3, 1, 1]
    assert result.complete
    server = seen(proxy)
    repeated = {"get": 3, "list": 1, "put": 1}
    assert result.traffic.requests == {
        kind: number - repeated.get(kind, 0) for kind, number in server.items()
    }


@pytest.mark.slow
def test_requests_of_worker_processes_count_too(places, proxy, monkeypatch):
    engine = {"use": "processes", "workers": 2}
    monkeypatch.setattr("reporting_object_store.json_source.source.SPLIT_OBJECTS", 2)
    result = run_report(REPORT, {**places, "engine": engine})
    assert result.traffic.requests == seen(proxy)
    alone = run_report(
        REPORT, {**places, "checkpoint": places["checkpoint"].replace("out", "alone")}
    )
    assert result.traffic.bytes_read == alone.traffic.bytes_read


class Meeting:
    """Observer that holds a run up until another one has started."""

    def __init__(self, barrier):
        self._barrier = barrier

    @hookimpl
    def reporting_run_started(self):
        self._barrier.wait(30)


def test_runs_at_the_same_time_do_not_count_each_other(places, proxy):
    alone = run_report(REPORT, places)
    barrier = Barrier(2)

    def again(name):
        checkpoint = places["checkpoint"].replace("out", name)
        return run_report(
            REPORT, {**places, "checkpoint": checkpoint}, observers=[Meeting(barrier)]
        )

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(again, ("one", "two")))
    for result in results:
        assert result.traffic.requests == alone.traffic.requests
        assert result.traffic.bytes_read == alone.traffic.bytes_read


def test_a_folder_has_bytes_and_no_requests(tmp_path):
    checkpoint = tmp_path / "e.parquet"
    result = run_report(REPORT, {"source": str(EVENTS), "checkpoint": str(checkpoint)})
    stored = sum(path.stat().st_size for path in EVENTS.glob("*.json"))
    assert result.traffic.bytes_read >= stored
    assert result.traffic.bytes_written >= checkpoint.stat().st_size
    assert "requests" not in result.model_dump()["traffic"]


def test_nothing_counted_is_not_printed():
    result = RunResult(report="r", run_id="1", status="ok", complete=True)
    assert "traffic" not in result.model_dump_json()
    assert sum_of_traffic([None, None]) is None
    known = Traffic(requests={"get": 1}, bytes_read=2)
    more = Traffic(requests={"put": 1, "get": 1}, bytes_written=3)
    assert sum_of_traffic([known, None, more]) == Traffic(
        requests={"get": 2, "put": 1}, bytes_read=2, bytes_written=3
    )
