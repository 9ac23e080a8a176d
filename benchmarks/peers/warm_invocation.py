"""The times of warm invocations of the handler.

It can also time the requests that one of them made, with nothing else.

With no argument: the handler, imported as in a function, is invoked again and again.
With a file of requests (kind, key, query): those are made in three rounds, reads, then
listings, then writes of the bytes that are there, each round at once. Prints the
median time.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

TIMES = 10


class Context:
    """As much of Lambda's context as the handler reads."""

    function_name = "visits"
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:visits"

    def get_remaining_time_in_millis(self) -> int:
        """Fifteen minutes."""
        return 900_000


def invocations() -> Callable[[], object]:
    """One invocation; stdout is for the result alone."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
    from reporting_framework.aws_lambda.handler import handler

    def invoke() -> None:
        answer = handler({}, Context())
        if (answer["statusCode"], answer["records_read"]) != (200, 0):
            raise SystemExit(f"expected nothing new, found {answer}")

    return invoke


def requests(path: Path) -> Callable[[], object]:
    """Return the requests of one invocation."""
    import obstore
    from obstore.store import S3Store

    bucket = os.environ["REPORTING_EVENT_LOG_CHECKPOINT__SOURCE"].split("/")[2]
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ["AWS_ENDPOINT_URL"]
    store = S3Store(
        bucket,
        endpoint=endpoint,
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    asked: list[tuple[str, str, dict[str, Any]]] = json.loads(path.read_text())
    contents = {
        key: obstore.get(store, key).bytes() for kind, key, _ in asked if kind == "PUT"
    }

    def ask(request: tuple[str, str, dict[str, Any]]) -> None:
        kind, key, query = request
        if kind == "LIST":
            next(
                iter(
                    obstore.list(
                        store,
                        query["prefix"],
                        offset=query.get("start-after"),
                        chunk_size=1000,
                    )
                ),
                None,
            )
        elif kind == "PUT":
            obstore.put(store, key, contents[key])
        else:
            with suppress(FileNotFoundError):  # as for a marker that is not there
                if kind == "HEAD":
                    obstore.head(store, key)
                else:
                    obstore.get(store, key).bytes()

    pool = ThreadPoolExecutor(64)

    def make() -> None:
        for kinds in (("GET", "HEAD"), ("LIST",), ("PUT",)):
            list(pool.map(ask, [request for request in asked if request[0] in kinds]))

    return make


def main() -> None:
    """Do it once to warm up, then `TIMES` times."""
    act = requests(Path(sys.argv[1])) if sys.argv[1:] else invocations()
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    print(
        json.dumps({"seconds": median(taken[1:]), "invocations": TIMES + 1}),
        file=sys.__stdout__,
    )


if __name__ == "__main__":
    main()
