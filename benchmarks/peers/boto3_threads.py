"""The usual way with boto3: list, get in 32 threads, check, make one frame, write it.

BUCKET PREFIX OUT.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import polars as pl
from benchmarks.peers.event import EVENTS, SCHEMA
from botocore.config import Config

THREADS = 32


def main(bucket: str, prefix: str, out: str) -> None:
    """Write the valid events below a prefix to a parquet file."""
    s3 = boto3.client(
        "s3",
        config=Config(max_pool_connections=THREADS, s3={"addressing_style": "path"}),
    )
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read(key: str) -> dict[str, Any] | None:
        payload = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            return {
                **EVENTS.validate_json(payload),
                "source_key": key.removeprefix(prefix),
            }
        except ValueError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        rows = [row for row in pool.map(read, keys) if row is not None]
    pl.DataFrame(rows, schema=SCHEMA).write_parquet(out, compression="zstd")
    print(json.dumps({"accepted": len(rows), "rejected": len(keys) - len(rows)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
