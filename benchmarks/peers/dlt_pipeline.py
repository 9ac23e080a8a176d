"""The same job by dlt: its filesystem source, its pydantic validation, parquet files.

FOLDER OUT.
"""

# dlt is in the peers' environment only.
# mypy: disable-error-code="import-not-found, untyped-decorator"

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

import dlt
from benchmarks.peers.event import Action, Adcid, Datatype, Moment, Ptid, Text
from dlt.common.storages.fsspec_filesystem import FileItemDict
from dlt.sources.filesystem import filesystem
from pydantic import BaseModel


class Event(BaseModel):
    """`VisitEvent` as the kind of model that dlt takes.

    It has the key that the file's name is.
    """

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


# `discard_row` is dlt's own way with rows that its model refuses. One record a file, as
# dlt's documentation shows:
# https://dlthub.com/docs/dlt-ecosystem/verified-sources/filesystem/advanced
@dlt.transformer(
    columns=Event,
    schema_contract={"data_type": "discard_row", "columns": "discard_value"},
)
def events(files: list[FileItemDict]) -> Iterator[dict[str, Any]]:
    """Parse files; what is not a JSON object is left out too."""
    for file in files:
        with file.open() as stream:
            try:
                record = json.load(stream)
            except ValueError:
                continue
        if isinstance(record, dict):
            yield record | {"source_key": file["file_name"]}


def main(folder: str, out: str) -> None:
    """Load the valid events of a folder into a folder of parquet files."""
    pipeline = dlt.pipeline(
        "visits",
        pipelines_dir=f"{out}/state",
        destination=dlt.destinations.filesystem(bucket_url=f"{out}/data"),
        dataset_name="visits",
    )
    new = dlt.sources.incremental(
        "modification_date"
    )  # the next run takes what is new, as ours does
    files = filesystem(bucket_url=folder, file_glob="log-*.json", incremental=new)
    pipeline.run(
        (files | events).with_name("events"),
        loader_file_format="parquet",
        write_disposition="append",
    )
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(json.dumps({"accepted": counts.get("events", 0)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
