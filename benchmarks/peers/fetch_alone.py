"""Fetching and nothing else.

List the keys, then get each, 64 at a time. BUCKET PREFIX.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.store import S3Store

IN_FLIGHT = 64


def main(bucket: str, prefix: str) -> None:
    """Fetch every object below a prefix; what arrives is thrown away."""
    store = S3Store(
        bucket, virtual_hosted_style_request=False, client_options={"allow_http": True}
    )
    keys = [entry["path"] for page in obstore.list(store, prefix) for entry in page]
    began = time.perf_counter()
    with ThreadPoolExecutor(
        IN_FLIGHT
    ) as pool:  # synchronous gets in threads: twice as fast as asyncio's
        fetched = sum(
            pool.map(lambda key: len(obstore.get(store, key).bytes()) >= 0, keys)
        )
    print(json.dumps({"fetched": fetched, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
