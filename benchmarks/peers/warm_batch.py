"""Invoke the handler with batches of 100 events of a stream, everything warm.

The tables and buckets are on loopback.

Prints the processor time of this process and the whole time, the medians of several
invocations: the difference is waiting for the services.
"""

import json
import os
import sys
import time
from statistics import median

from benchmarks.peers.event_batch import records
from benchmarks.peers.warm_invocation import Context

EVENTS = 100
INVOCATIONS = 12


def main() -> None:
    """Measure a batch of new events each time."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - metrics and logs go there
    event_records = records(EVENTS * INVOCATIONS, hours=1)
    from reporting_framework.aws_lambda.handler import handler

    processor, whole = [], []
    for begin in range(0, len(event_records), EVENTS):
        began, clock = time.process_time(), time.perf_counter()
        answer = handler({"Records": event_records[begin : begin + EVENTS]}, Context())
        processor.append(time.process_time() - began)
        whole.append(time.perf_counter() - clock)
        if answer != {"batchItemFailures": []}:
            raise SystemExit(f"expected every event to be taken, found {answer}")
    print(
        json.dumps({"seconds": median(processor[1:]), "whole": median(whole[1:])}),
        file=sys.__stdout__,
    )


if __name__ == "__main__":
    main()
