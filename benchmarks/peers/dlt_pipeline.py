"""The same job by dlt: its filesystem source, its pydantic validation, parquet files. FOLDER OUT."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}

import dlt  # noqa: E402 - it reads the environment as it is imported
from dlt.common.storages.fsspec_filesystem import FileItemDict  # noqa: E402
from dlt.sources.filesystem import filesystem  # noqa: E402
from pydantic import BaseModel  # noqa: E402

from benchmarks.peers.event import Action, Adcid, Datatype, Moment, Ptid, Text  # noqa: E402


class Event(BaseModel):
    """`VisitEvent` as the kind of model that dlt takes, with the key that the file's name is."""

    action: Action
    study: Text
    pipeline_adcid: Adcid
    project_label: Text
    center_label: Text
    gear_name: Text
    ptid: Ptid
    visit_date: date
    visit_number: Text
    datatype: Datatype
    module: Text | None
    packet: Text | None
    timestamp: Moment
    source_key: str


# dlt's own way with rows that its model refuses: leave them out.
@dlt.transformer(columns=Event, schema_contract={"data_type": "discard_row", "columns": "discard_value"})
def events(files: list[FileItemDict]) -> Iterator[list[dict[str, Any]]]:
    """Parse a page of files; what is not a JSON object is left out too."""
    page = []
    for file in files:
        try:
            record = json.loads(file.read_bytes())
        except ValueError:
            continue
        if isinstance(record, dict):
            page.append(record | {"source_key": file["file_name"]})
    yield page


def main(folder: str, out: str) -> None:
    """Load the valid events of a folder into a folder of parquet files."""
    pipeline = dlt.pipeline(
        "visits",
        pipelines_dir=f"{out}/state",
        destination=dlt.destinations.filesystem(bucket_url=f"{out}/data"),
        dataset_name="visits",
    )
    files = filesystem(bucket_url=folder, file_glob="log-*.json")
    pipeline.run((files | events).with_name("events"), loader_file_format="parquet", write_disposition="append")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(json.dumps({"accepted": counts.get("events", 0)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
