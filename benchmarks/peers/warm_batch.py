"""Invoke the handler with batches of 100 events of a stream, everything warm: PLAN.

With a second argument, `again`, the requests of PLAN are made instead, with nothing
else. The tables and buckets are on loopback, and fresh each time.

Prints the processor time of this process and the whole time, the medians of several
invocations: the difference is waiting for the services. PLAN gets the requests.
"""

import json
import os
import pickle
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.peers.event_batch import records
from benchmarks.peers.requests import Recorder, Request, replayer
from benchmarks.peers.warm_invocation import Context

EVENTS = 100
INVOCATIONS = 12


def invocations(plan: list[list[Request]]) -> list[Callable[[], None]]:
    """Return invocations with a batch of new events each; the plan gets requests."""
    recorder = Recorder()
    event_records = records(EVENTS * INVOCATIONS, hours=1)
    from reporting_framework.aws_lambda.handler import handler

    def invoke(begin: int) -> None:
        answer = handler({"Records": event_records[begin : begin + EVENTS]}, Context())
        if answer != {"batchItemFailures": []}:
            raise SystemExit(f"expected every event to be taken, found {answer}")
        plan.append(recorder.requests)
        recorder.requests = []

    return [partial(invoke, begin) for begin in range(0, len(event_records), EVENTS)]


def main(path: str, again: str = "") -> None:
    """Measure the invocations, or their requests."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - metrics and logs go there
    file = Path(path)
    plan: list[list[Request]] = []
    runs: list[Callable[[], None]]
    if again:
        plan = pickle.loads(file.read_bytes())
        replay = replayer(os.environ["S3_BUCKET"])
        runs = [partial(replay, requests) for requests in plan]
    else:
        runs = invocations(plan)
    processor, whole = [], []
    for run in runs:
        began, clock = time.process_time(), time.perf_counter()
        run()
        processor.append(time.process_time() - began)
        whole.append(time.perf_counter() - clock)
    file.write_bytes(pickle.dumps(plan))
    answer = {
        "seconds": median(processor[1:]),
        "whole": median(whole[1:]),
        "requests": Counter(request.operation for request in plan[-1]),
    }
    print(json.dumps(answer), file=sys.__stdout__)


if __name__ == "__main__":
    main(*sys.argv[1:])
