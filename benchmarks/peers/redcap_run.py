"""Records of a REDCap project: `redcap_run.py WHAT URL TOKEN FOLDER`.

Prints the time of the work itself, imports left out, and the number of records.

- `read`: all records by the source `redcap`, typed.
- `run`: the same, into a checkpoint.
- `requests`: its requests alone, four at once; the bodies are dropped.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import local
from urllib.parse import urlencode, urlsplit

AT_ONCE = 4
CHUNK = 500


def read(url: str, token: str, folder: str) -> Callable[[], int]:
    """Return a function that reads all records, and returns their number."""
    from reporting_redcap.settings import RedcapSettings
    from reporting_redcap.source import Redcap

    settings = RedcapSettings(
        url=url,
        token=token,
        allow_private=True,
        chunk_records=CHUNK,
        parallelism=AT_ONCE,
    )

    def work() -> int:
        source = Redcap(settings)
        source.schema()
        return sum(len(batch.source_keys) for batch in source.pages(None))

    return work


def run(url: str, token: str, folder: str) -> Callable[[], int]:
    """Return a function that runs a report, and returns the number of its rows."""
    from reporting_framework import run_report

    settings = {
        "url": url,
        "token": token,
        "allow_private": True,
        "s3_prefix": folder,
        "s3_suffix": "records.parquet",
        "chunk_records": CHUNK,
    }
    return lambda: run_report("redcap-report", settings).accepted


def requests(url: str, token: str, folder: str) -> Callable[[], int]:
    """Return a function that sends the requests, and returns the number of ids."""
    parts, own = urlsplit(url), local()

    def send(content: str, form: str, more: dict[str, str]) -> bytes:
        if not hasattr(own, "connection"):
            own.connection = HTTPConnection(str(parts.hostname), parts.port)
        body = urlencode({"token": token, "content": content, "format": form, **more})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        own.connection.request("POST", parts.path, body, headers)
        answer: bytes = own.connection.getresponse().read()
        return answer

    def chunk(ids: list[str]) -> None:
        send("record", "csv", {f"records[{at}]": each for at, each in enumerate(ids)})

    def work() -> int:
        for content in ("project", "metadata"):
            send(content, "json", {})
        ids = [row["record_id"] for row in json.loads(send("record", "json", {}))]
        chunks = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(chunk, chunks))
        return len(ids)

    return work


def main() -> None:
    """Do the work, and print what it took."""
    what, *rest = sys.argv[1:]
    work = {"read": read, "run": run, "requests": requests}[what](*rest)
    began, used = time.perf_counter(), time.process_time()
    rows = work()
    taken = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "rows": rows,
    }
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
