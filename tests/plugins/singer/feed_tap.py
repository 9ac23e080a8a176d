"""A tap for the conformance suite: pages of two records of a log, each with a state.

Each page is larger than a pipe, so that the tap waits until it is read.
"""

import argparse
import json
import sys
from pathlib import Path

PAGE, PADDING = 2, "x" * 40_000
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "note": {"type": ["null", "string"]},
        "at": {"type": "string", "format": "date-time"},
    },
}


def write(**message):
    sys.stdout.write(json.dumps(message) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args()
    if options.discover:
        streams = [
            {"tap_stream_id": name, "schema": SCHEMA, "key_properties": ["id"]}
            for name in ("orders", "customers")
        ]
        sys.stdout.write(json.dumps({"streams": streams}))
        return
    for name in ("orders", "customers"):
        write(
            type="SCHEMA",
            stream=name,
            schema={
                **SCHEMA,
                "properties": {
                    **SCHEMA["properties"],
                    "_sdc_deleted_at": {"type": ["null", "string"]},
                },
            },
            key_properties=["id"],
            bookmark_properties=["at"],
        )
    offset = json.loads(options.state.read_text())["offset"] if options.state else 0
    log = options.folder / "log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    for start in range(offset, len(lines), PAGE):
        with (options.folder / "fetched").open("a") as file:
            file.write(f"{start}\n")
        page = lines[start : start + PAGE]
        for line in page:
            entry = json.loads(line)
            record = {**entry["record"], "padding": PADDING}
            write(type="RECORD", stream=entry["stream"], record=record)
        write(type="STATE", value={"offset": start + len(page)})
        sys.stdout.flush()


main()
